//! Who may do what.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use axum::http::{HeaderMap, HeaderValue, header};
use clap::Parser;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use presence_graph_server::auth::{Auth, AuthFlags};
use serde_json::{Value, json};

const SECRET: &[u8] = b"a secret of 32 bytes for the test";

#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    auth: AuthFlags,
}

/// The file of the secret, written once: the tests run side by side.
static SECRET_FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("secret");
    std::fs::write(&path, SECRET).unwrap();
    path
});

fn auth(more: &[&str]) -> Auth {
    let path = SECRET_FILE.to_str().unwrap();
    let flags = ["test", "--secret", path, "--issuer", "us", "--audience", "presence"];
    Flags::try_parse_from(flags.iter().chain(more)).unwrap().auth.read().unwrap()
}

fn claims(more: &Value) -> Value {
    let mut claims =
        json!({ "iss": "us", "aud": "presence", "exp": 4_000_000_000_u64, "oid": "ana", "azp": "app" });
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    claims
}

fn token(algorithm: Algorithm, secret: &[u8], claims: &Value) -> HeaderMap {
    let token = encode(&Header::new(algorithm), claims, &EncodingKey::from_secret(secret)).unwrap();
    headers(&token)
}

fn headers(token: &str) -> HeaderMap {
    let value = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
    HeaderMap::from_iter([(header::AUTHORIZATION, value)])
}

#[test]
fn rights_follow_the_table() {
    let auth = auth(&[]);
    let table = [
        (json!({ "scp": "Presence.Read" }), "r---"),
        (json!({ "scp": "User.Read Presence.Read.All" }), "rR--"),
        (json!({ "scp": "Presence.ReadWrite" }), "r-w-"),
        (json!({ "roles": ["Presence.ReadWrite.All"] }), "rRwW"),
        (json!({ "scp": "User.Read", "roles": ["Presence.ReadWrite.All"] }), "----"),
        (json!({ "scp": "" }), "----"),
        (json!({ "roles": ["Presence.Read.All"] }), "rR--"),
        (json!({ "roles": ["User.Read.All", "Presence.Read.All"] }), "rR--"),
        (json!({ "roles": ["Presence.Read"] }), "----"),
        (json!({ "scp": "Presence.ReadWrite.All" }), "----"),
        (json!({ "scp": "", "roles": ["Presence.Read.All"] }), "----"),
        (json!({}), "----"),
    ];
    for (more, rights) in table {
        let caller = auth.caller(&token(Algorithm::HS256, SECRET, &claims(&more))).unwrap();
        let may = [
            ('r', caller.may_read("ana")),
            ('R', caller.may_read("bob")),
            ('w', caller.may_write("ana")),
            ('W', caller.may_write("bob")),
        ];
        let found: String =
            may.iter().map(|(right, may)| if may.is_ok() { *right } else { '-' }).collect();
        assert_eq!(found, rights, "{more}");
    }
}

#[test]
fn bad_tokens_are_unauthorized() {
    let auth = auth(&[]);
    let good = claims(&json!({ "scp": "Presence.Read" }));
    let unsigned = "eyJhbGciOiJub25lIn0.eyJvaWQiOiJhbmEiLCJzY3AiOiJQcmVzZW5jZS5SZWFkIn0.";
    let with =
        |name: &str, value: Value| token(Algorithm::HS256, SECRET, &claims(&json!({ name: value })));
    let critical = Header { crit: Some(vec!["exp".to_owned()]), ..Header::new(Algorithm::HS256) };
    let critical = headers(&encode(&critical, &good, &EncodingKey::from_secret(SECRET)).unwrap());
    for (what, headers) in [
        ("none", HeaderMap::new()),
        ("unsigned", headers(unsigned)),
        ("not a token", headers("x.y.z")),
        ("another secret", token(Algorithm::HS256, b"another", &good)),
        ("another algorithm", token(Algorithm::HS384, SECRET, &good)),
        ("another issuer", with("iss", json!("them"))),
        ("a list of issuers", with("iss", json!(["us"]))),
        ("no issuer", with("iss", Value::Null)),
        ("critical headers", critical),
        ("another audience", with("aud", json!("mail"))),
        ("expired", with("exp", json!(1_700_000_000))),
        ("not yet valid", with("nbf", json!(3_900_000_000_u64))),
        ("no expiry", with("exp", Value::Null)),
    ] {
        assert_eq!(auth.caller(&headers).err().map(|error| error.status), Some(401), "{what}");
    }
    assert!(auth.caller(&token(Algorithm::HS256, SECRET, &good)).is_ok());
}

#[test]
fn sessions_belong_to_applications_if_that_is_checked() {
    let headers = token(Algorithm::HS256, SECRET, &claims(&json!({ "scp": "Presence.ReadWrite" })));
    assert!(auth(&[]).caller(&headers).unwrap().may_use_session("other").is_ok());
    let caller = auth(&["--check-application"]).caller(&headers).unwrap();
    assert!(caller.may_use_session("app").is_ok());
    assert_eq!(caller.may_use_session("other").map_err(|error| error.status), Err(403));
}

#[test]
fn a_token_names_one_of_several_issuers() {
    let auth = auth(&["--issuer", "them"]);
    for (issuer, is_valid) in [("us", true), ("them", true), ("others", false)] {
        let claims = claims(&json!({ "iss": issuer, "scp": "Presence.Read" }));
        let found = auth.caller(&token(Algorithm::HS256, SECRET, &claims)).is_ok();
        assert_eq!(found, is_valid, "{issuer}");
    }
}

#[test]
fn me_is_the_user_of_the_token_or_of_the_flag() {
    let me = |auth: &Auth, headers: &HeaderMap| {
        auth.caller(headers).unwrap().me().map(str::to_owned).map_err(|error| error.status)
    };
    let with_keys = auth(&[]);
    let user = token(Algorithm::HS256, SECRET, &claims(&json!({ "scp": "Presence.Read" })));
    assert_eq!(me(&with_keys, &user), Ok("ana".to_owned()));
    let application =
        token(Algorithm::HS256, SECRET, &claims(&json!({ "roles": ["Presence.Read.All"] })));
    assert_eq!(me(&with_keys, &application), Err(400));

    let open = |flags: &[&str]| {
        let flags = ["test"].iter().chain(flags);
        Flags::try_parse_from(flags).unwrap().auth.read().unwrap()
    };
    assert_eq!(me(&open(&[]), &user), Err(400));
    assert_eq!(me(&open(&["--me", "bob"]), &user), Ok("bob".to_owned()));
    assert_eq!(me(&open(&["--me", "bob"]), &HeaderMap::new()), Ok("bob".to_owned()));
}
