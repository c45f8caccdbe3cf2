//! Who may do what: tokens, and the rights that Graph's documents name.
//!
//! | token | reads oneself | reads others | writes oneself | writes others |
//! |---|---|---|---|---|
//! | `scp` with `Presence.Read` | yes | | | |
//! | `scp` with `Presence.Read.All` | yes | yes | | |
//! | `scp` with `Presence.ReadWrite` | yes | | yes | |
//! | no `scp`, `roles` with `Presence.Read.All` | yes | yes | | |
//! | no `scp`, `roles` with `Presence.ReadWrite.All` | yes | yes | yes | yes |
//!
//! "Oneself" is the user that `oid` names.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use axum::http::{HeaderMap, StatusCode, header};
use clap::Args;
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, KeyOperations, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use parking_lot::RwLock;
use serde::Deserialize;
use tokio::signal::unix::{SignalKind, signal};

use crate::error::Error;
use crate::shard::MAX_ID;
use crate::tasks::Tasks;

/// How many seconds the clocks of the issuer and of this machine may differ.
const LEEWAY: u64 = 5;

/// What a token must have to read a user.
const READ: Right = Right {
    scopes: &["Presence.Read.All"],
    scopes_of_self: &["Presence.Read", "Presence.ReadWrite"],
    roles: &["Presence.Read.All", "Presence.ReadWrite.All"],
};
/// What a token must have to write a user.
const WRITE: Right =
    Right { scopes: &[], scopes_of_self: &["Presence.ReadWrite"], roles: &["Presence.ReadWrite.All"] };

/// How tokens are checked.
#[derive(Debug, Clone, Args)]
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
    /// The issuer that tokens must name. With several, a token names one of them
    #[arg(long, value_name = "TEXT")]
    issuer: Vec<String>,
    /// The audience that tokens must name
    #[arg(long, value_name = "TEXT")]
    audience: Option<String>,
    /// A session id must be the id of the application in the token
    #[arg(long)]
    check_application: bool,
    /// The user of /me if tokens are not checked
    #[arg(long, value_name = "ID", conflicts_with = "secret", conflicts_with = "jwks")]
    me: Option<String>,
}

/// The keys of tokens and what a token must say.
pub struct Auth {
    flags: AuthFlags,
    keys: Arc<RwLock<Vec<Key>>>,
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
        let length = self.me.as_ref().map_or(1, String::len);
        anyhow::ensure!((1..=MAX_ID).contains(&length), "the id of --me must have 1 to {MAX_ID} bytes");
        Ok(Auth { flags: self.clone(), keys: Arc::new(RwLock::new(self.keys()?)) })
    }

    fn keys(&self) -> anyhow::Result<Vec<Key>> {
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
            anyhow::ensure!(!keys.is_empty(), "the JWKS has no key for signatures with RS256 or ES256");
        }
        Ok(keys)
    }

    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.set_issuer(&self.issuer);
        validation.set_audience(self.audience.as_slice());
        validation
    }
}

/// Returns the algorithm of a key, if the key is for signatures and the algorithm is one that is accepted.
fn algorithm(jwk: &Jwk) -> Option<Algorithm> {
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => Algorithm::ES256,
        _ => return None,
    };
    let common = &jwk.common;
    let is_for_it = common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature)
        && common.key_operations.as_ref().is_none_or(|all| all.contains(&KeyOperations::Verify))
        && common.key_algorithm.is_none_or(|named| named == KeyAlgorithm::from(algorithm));
    is_for_it.then_some(algorithm)
}

#[derive(Deserialize)]
struct Claims {
    /// One issuer. The library would accept a list.
    #[serde(rename = "iss")]
    _issuer: String,
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
    /// Tokens are not checked. The user of `/me`, if there is one.
    Anyone(Option<String>),
    Token {
        claims: Claims,
        check_application: bool,
    },
}

impl Auth {
    /// Returns whether any caller may do everything, because there are no keys.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.keys.read().is_empty()
    }

    /// If there are keys, reads them again at each SIGHUP. If that fails, they stay as they are.
    ///
    /// # Errors
    ///
    /// If the signal cannot be waited for.
    pub fn reload_on_hangup(&self, tasks: &Tasks) -> anyhow::Result<()> {
        if self.is_open() {
            return Ok(());
        }
        let (flags, keys) = (self.flags.clone(), Arc::clone(&self.keys));
        let mut hangups = signal(SignalKind::hangup()).context("waiting for SIGHUP")?;
        tasks.spawn("reading keys again", async move {
            while hangups.recv().await.is_some() {
                match flags.keys() {
                    Ok(read) => {
                        tracing::info!("read {} keys again", read.len());
                        *keys.write() = read;
                    }
                    Err(error) => tracing::error!("the keys stay as they are: {error:#}"),
                }
            }
            Ok(())
        });
        Ok(())
    }

    /// Returns the caller of a request.
    ///
    /// # Errors
    ///
    /// 401 if there are keys and no valid token.
    pub fn caller(&self, headers: &HeaderMap) -> Result<Caller, Error> {
        let keys = self.keys.read();
        if keys.is_empty() {
            return Ok(Caller(Kind::Anyone(self.flags.me.clone())));
        }
        let token = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok()?.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or_else(|| unauthorized("Access token is empty."))?;
        let header = decode_header(token).map_err(|_| unauthorized("the token cannot be read"))?;
        if header.crit.is_some() {
            return Err(unauthorized("the token has critical headers, and none is known"));
        }
        let id = header.kid;
        let mut reason = unauthorized("the token names a key that is not known");
        for key in keys.iter().filter(|key| id.is_none() || key.id.is_none() || key.id == id) {
            match decode::<Claims>(token, &key.decoding, &key.validation) {
                Ok(token) => {
                    let check_application = self.flags.check_application;
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
    /// 400 with the token of an application, or if tokens are not checked and there is no `--me`.
    pub fn me(&self) -> Result<&str, Error> {
        match &self.0 {
            Kind::Anyone(Some(id)) => Ok(id),
            Kind::Anyone(None) => Err(Error::invalid("tokens are not checked, so /me needs --me ID")),
            Kind::Token { claims: Claims { scp: Some(_), oid: Some(oid), .. }, .. } => Ok(oid),
            Kind::Token { .. } => {
                Err(Error::invalid("/me request is only valid with delegated authentication flow."))
            }
        }
    }

    /// Returns when the token of the caller expires.
    #[must_use]
    pub fn expires(&self) -> Option<SystemTime> {
        match &self.0 {
            Kind::Anyone(_) => None,
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
        self.has(&READ, user)
    }

    /// Checks that the caller may write a user.
    ///
    /// # Errors
    ///
    /// 403 otherwise.
    pub fn may_write(&self, user: &str) -> Result<(), Error> {
        self.has(&WRITE, user)
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

    /// Checks for a right on a user.
    fn has(&self, right: &Right, user: &str) -> Result<(), Error> {
        let Kind::Token { claims, .. } = &self.0 else { return Ok(()) };
        let is_self = claims.oid.as_deref() == Some(user);
        let allowed = match &claims.scp {
            Some(scopes) => scopes.split_ascii_whitespace().any(|scope| {
                right.scopes.contains(&scope) || (is_self && right.scopes_of_self.contains(&scope))
            }),
            None => claims.roles.iter().any(|role| right.roles.contains(&role.as_str())),
        };
        if allowed {
            Ok(())
        } else {
            Err(forbidden("Insufficient privileges to complete the operation."))
        }
    }
}

/// What gives a right.
struct Right {
    /// A scope of a user gives it on every user.
    scopes: &'static [&'static str],
    /// A scope of a user gives it on that user.
    scopes_of_self: &'static [&'static str],
    /// A role of an application gives it on every user.
    roles: &'static [&'static str],
}

fn unauthorized(message: impl Into<String>) -> Error {
    Error::new(StatusCode::UNAUTHORIZED, message)
}

fn forbidden(message: &str) -> Error {
    Error::new(StatusCode::FORBIDDEN, message)
}
