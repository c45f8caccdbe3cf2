//! Who may do what: tokens, and the rights that Graph's documents name.
//!
//! | token | reads oneself | reads others | writes oneself | writes others |
//! |---|---|---|---|---|
//! | `scp` with `Presence.Read` | yes | | | |
//! | `scp` with `Presence.Read.All` | yes | yes | | |
//! | `scp` with `Presence.ReadWrite` | yes | | yes | |
//! | no `scp`, `roles` with `Presence.ReadWrite.All` | yes | yes | yes | yes |
//!
//! "Oneself" is the user that `oid` names.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use axum::http::{HeaderMap, StatusCode, header};
use clap::Args;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;

use crate::error::Error;

/// How many seconds the clocks of the issuer and of this machine may differ.
const LEEWAY: u64 = 5;

/// How tokens are checked.
#[derive(Debug, Args)]
pub struct AuthFlags {
    /// A file with the secret of tokens that are signed with HS256
    #[arg(long, value_name = "FILE", requires = "issuer", requires = "audience")]
    secret: Option<PathBuf>,
    /// A file with the public keys (JWKS) of tokens that are signed with RS256 or ES256
    #[arg(
        long,
        value_name = "FILE",
        requires = "issuer",
        requires = "audience",
        conflicts_with = "secret"
    )]
    jwks: Option<PathBuf>,
    /// The issuer that tokens must name
    #[arg(long, value_name = "TEXT")]
    issuer: Option<String>,
    /// The audience that tokens must name
    #[arg(long, value_name = "TEXT")]
    audience: Option<String>,
    /// A session id must be the id of the application in the token
    #[arg(long)]
    check_application: bool,
}

/// The keys of tokens and what a token must say.
pub struct Auth {
    keys: Vec<Key>,
    check_application: bool,
}

/// A key, with the one algorithm that it may be used with.
struct Key {
    id: Option<String>,
    decoding: DecodingKey,
    validation: Validation,
}

impl AuthFlags {
    /// Reads the keys.
    ///
    /// # Errors
    ///
    /// If a file cannot be read, or has no key that can be used.
    pub fn read(&self) -> anyhow::Result<Auth> {
        let mut keys = Vec::new();
        if let Some(path) = &self.secret {
            let secret = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
            let secret = secret.trim_ascii();
            anyhow::ensure!(secret.len() >= 32, "the secret is shorter than 32 bytes");
            let decoding = DecodingKey::from_secret(secret);
            keys.push(Key { id: None, decoding, validation: self.validation(Algorithm::HS256) });
        }
        if let Some(path) = &self.jwks {
            let text = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
            let set: JwkSet = serde_json::from_slice(&text).context("reading the JWKS")?;
            for jwk in &set.keys {
                let Some(algorithm) = algorithm(jwk) else { continue };
                let decoding = DecodingKey::from_jwk(jwk).context("reading a key of the JWKS")?;
                let id = jwk.common.key_id.clone();
                keys.push(Key { id, decoding, validation: self.validation(algorithm) });
            }
            anyhow::ensure!(!keys.is_empty(), "the JWKS has no key for RS256 or ES256");
        }
        Ok(Auth { keys, check_application: self.check_application })
    }

    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.set_issuer(self.issuer.as_slice());
        validation.set_audience(self.audience.as_slice());
        validation
    }
}

/// Returns the algorithm of a key for signatures, if it is one that is accepted.
fn algorithm(jwk: &Jwk) -> Option<Algorithm> {
    match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Some(Algorithm::RS256),
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            Some(Algorithm::ES256)
        }
        _ => None,
    }
}

#[derive(Deserialize)]
struct Claims {
    /// When the token expires, in seconds since 1970. It is checked to be there.
    exp: f64,
    oid: Option<String>,
    appid: Option<String>,
    azp: Option<String>,
    scp: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
}

/// The caller of a request.
pub struct Caller(Kind);

enum Kind {
    /// No token is needed.
    Anyone,
    Token {
        claims: Claims,
        check_application: bool,
    },
}

impl Auth {
    /// Returns whether any caller may do everything, because there are no keys.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.keys.is_empty()
    }

    /// Returns the caller of a request.
    ///
    /// # Errors
    ///
    /// 401 if there are keys and no valid token.
    pub fn caller(&self, headers: &HeaderMap) -> Result<Caller, Error> {
        if self.is_open() {
            return Ok(Caller(Kind::Anyone));
        }
        let token = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok()?.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or_else(|| unauthorized("Access token is empty."))?;
        let id = decode_header(token).map_err(|_| unauthorized("the token cannot be read"))?.kid;
        let mut reason = unauthorized("the token names a key that is not known");
        for key in self.keys.iter().filter(|key| id.is_none() || key.id.is_none() || key.id == id) {
            match decode::<Claims>(token, &key.decoding, &key.validation) {
                Ok(token) => {
                    let check_application = self.check_application;
                    return Ok(Caller(Kind::Token { claims: token.claims, check_application }));
                }
                Err(error) => reason = unauthorized(format!("the token is not valid: {error}")),
            }
        }
        Err(reason)
    }
}

impl Caller {
    /// Returns the user that the caller acts for.
    ///
    /// # Errors
    ///
    /// 401 without a token, and 400 with the token of an application.
    pub fn me(&self) -> Result<&str, Error> {
        match &self.0 {
            Kind::Anyone => Err(unauthorized("/me needs a token of a user")),
            Kind::Token { claims: Claims { scp: Some(_), oid: Some(oid), .. }, .. } => Ok(oid),
            Kind::Token { .. } => {
                let text = "/me request is only valid with delegated authentication flow.";
                Err(Error::new(StatusCode::BAD_REQUEST, text))
            }
        }
    }

    /// Returns when the token of the caller expires.
    #[must_use]
    pub fn expires(&self) -> Option<SystemTime> {
        match &self.0 {
            Kind::Anyone => None,
            Kind::Token { claims, .. } => {
                let expires = Duration::try_from_secs_f64(claims.exp).unwrap_or_default();
                SystemTime::UNIX_EPOCH.checked_add(expires)
            }
        }
    }

    /// Checks that the caller may read a user.
    ///
    /// # Errors
    ///
    /// 403 otherwise.
    pub fn may_read(&self, user: &str) -> Result<(), Error> {
        self.has(Some("Presence.Read.All"), &["Presence.Read", "Presence.ReadWrite"], user)
    }

    /// Checks that the caller may write a user.
    ///
    /// # Errors
    ///
    /// 403 otherwise.
    pub fn may_write(&self, user: &str) -> Result<(), Error> {
        self.has(None, &["Presence.ReadWrite"], user)
    }

    /// Checks that a session belongs to the application of the caller, if that is checked.
    ///
    /// # Errors
    ///
    /// 403 otherwise.
    pub fn may_use_session(&self, session: &str) -> Result<(), Error> {
        match &self.0 {
            Kind::Token { claims, check_application: true }
                if claims.appid.as_deref().or(claims.azp.as_deref()) != Some(session) =>
            {
                Err(forbidden("the sessionId is not the id of the application"))
            }
            _ => Ok(()),
        }
    }

    /// Checks for the right `of_all`, or for one of the rights `of_self` if the user is the caller.
    fn has(&self, of_all: Option<&str>, of_self: &[&str], user: &str) -> Result<(), Error> {
        let Kind::Token { claims, .. } = &self.0 else { return Ok(()) };
        let allowed = match &claims.scp {
            Some(scopes) => scopes.split_ascii_whitespace().any(|scope| {
                of_all == Some(scope)
                    || (of_self.contains(&scope) && claims.oid.as_deref() == Some(user))
            }),
            None => claims.roles.iter().any(|role| role == "Presence.ReadWrite.All"),
        };
        if allowed {
            Ok(())
        } else {
            Err(forbidden("Insufficient privileges to complete the operation."))
        }
    }
}

fn unauthorized(message: impl Into<String>) -> Error {
    Error::new(StatusCode::UNAUTHORIZED, message)
}

fn forbidden(message: &str) -> Error {
    Error::new(StatusCode::FORBIDDEN, message)
}
