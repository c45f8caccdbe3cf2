"""Who may do what, and which tokens are believed."""

import hashlib
import hmac
import json
import re
import signal

import httpx
import pytest

import tokens
from service import wait_until
from tokens import application, bearer, delegated

CALL = {"sessionId": tokens.APPLICATION, "availability": "Busy", "activity": "InACall"}
PREFER = {"availability": "Away", "activity": "Away"}

# What each token may do: 200, or the status of the error. A "reader" is an application that reads.
RIGHTS = """
                                  Read  Read.All  ReadWrite  other-scope  application  reader  other-role
GET  /me/presence                 200   200       200        403          4xx          4xx     4xx
GET  /users/ana/presence          200   200       200        403          200          200     403
GET  /users/bob/presence          403   200       403        403          200          200     403
GET  /users('bob')/presence       403   200       403        403          200          200     403
GET  /communications/presences/bob  403 200       403        403          200          200     403
POST /communications/getPresencesByUserId  403 200 403       403          200          200     403
GET  /communications/presences/changes?ids=bob 403 200 403   403          200          200     403
GET  /why/ana                     200   200       200        403          200          200     403
GET  /why/bob                     403   200       403        403          200          200     403
POST /me/presence/setPresence     403   403       200        403          4xx          4xx     4xx
POST /me/presence/clearPresence   403   403       200        403          4xx          4xx     4xx
POST /me/presence/setUserPreferredPresence 403 403 200       403          4xx          4xx     4xx
POST /me/presence/clearUserPreferredPresence 403 403 200     403          4xx          4xx     4xx
POST /users/ana/presence/setPresence   403 403    200        403          200          403     403
POST /users/bob/presence/setPresence   403 403    403        403          200          403     403
POST /users/bob/presence/clearPresence 403 403    403        403          200          403     403
POST /users/bob/presence/setUserPreferredPresence 403 403 403 403         200          403     403
POST /users/bob/presence/clearUserPreferredPresence 403 403 403 403       200          403     403
POST /communications/presences/ana/setPresence   403 403 200 403          200          403     403
POST /communications/presences/bob/setPresence   403 403 403 403          200          403     403
POST /communications/presences/bob/clearPresence 403 403 403 403          200          403     403
POST /communications/presences/bob/setUserPreferredPresence 403 403 403 403 200        403     403
POST /communications/presences/bob/clearUserPreferredPresence 403 403 403 403 200      403     403
"""
HTTP = httpx.Client()
HEAD, *ROWS = (line.split() for line in RIGHTS.strip().splitlines())
BODIES = {"setPresence": CALL, "clearPresence": {"sessionId": tokens.APPLICATION}, "setUserPreferredPresence": PREFER,
          "clearUserPreferredPresence": {}, "getPresencesByUserId": {"ids": ["bob"]}}


def holder(name):
    match name:
        case "application":
            return application()
        case "reader":
            return application(["User.Read.All", "Presence.Read.All"])
        case "other-role":
            return application(["User.ReadWrite.All", "Presence.ReadWrite.All.Not", "Presence.Read", "presence.read.all"])
        case "other-scope":
            return delegated("ana", "User.Read Presence.ReadWriteNot presence.readwrite")
        case scope:
            return delegated("ana", f"User.Read Presence.{scope} offline_access")


@pytest.fixture(scope="module")
def server(start_server, tmp_path_factory):
    return start_server(*tokens.flags(tmp_path_factory.mktemp("keys")))


@pytest.fixture(scope="module")
def server_with_jwks(start_server, tmp_path_factory):
    return start_server(*tokens.flags(tmp_path_factory.mktemp("keys"), "jwks"))


def is_graphs_error(answer, status, code):
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["code"] == code and error["message"]
    assert error["innerError"]["request-id"] == answer.headers["request-id"]


def send(server, method, path, headers):
    """Sends a request that would succeed with every right, and reads the head of the answer."""
    body = BODIES.get(path.rpartition("/")[2])
    root = "" if path.startswith("/why") else "/v1.0"
    with HTTP.stream(method, f"{server.url}{root}{path}", json=body, headers=headers) as answer:
        if not answer.headers.get("content-type", "").startswith("text/event-stream"):
            answer.read()
    return answer


@pytest.mark.parametrize("column", range(len(HEAD)), ids=HEAD)
def test_a_token_may_do_what_the_documents_say_with(server, column):
    for method, path, *expected in ROWS:
        # What is there to be cleared.
        send(server, "POST", "/users/ana/presence/setPresence", bearer(application()))
        send(server, "POST", "/users/bob/presence/setPresence", bearer(application()))
        answer = send(server, method, path, bearer(holder(HEAD[column])))
        match expected[column]:
            case "200":
                assert answer.status_code == 200, path
            case "403":
                is_graphs_error(answer, 403, "Forbidden")
            case _:
                assert answer.status_code in (400, 401, 403), path


def forged(key):
    """A token signed by HMAC with the public key, which a careless server would take for a secret."""
    head_and_claims = tokens.unsigned(roles=["Presence.ReadWrite.All"]).replace(
        tokens.segment({"alg": "none", "typ": "JWT"}), tokens.segment({"alg": "HS256", "typ": "JWT", "kid": "rsa"})
    ).rstrip(".")
    signature = hmac.new(key, head_and_claims.encode(), hashlib.sha256).digest()
    return f"{head_and_claims}.{tokens.base64url(signature)}"


ROLE = {"roles": ["Presence.ReadWrite.All"]}
BAD_TOKENS = {
    "no token": lambda: None,
    "no bearer": lambda: "Basic YW5hOmFuYQ==",
    "no text": lambda: "Bearer",
    "text": lambda: "Bearer text",
    "three dots": lambda: "Bearer ...",
    "an unsigned token": lambda: f"Bearer {tokens.unsigned(**ROLE)}",
    "an expired token": lambda: f"Bearer {application(exp=tokens.now() - 600)}",
    "a token that never expires": lambda: f"Bearer {application(exp=None)}",
    "a token of tomorrow": lambda: f"Bearer {application(nbf=tokens.now() + 86400)}",
    "a token for another audience": lambda: f"Bearer {application(aud='https://other.example')}",
    "a token for no audience": lambda: f"Bearer {application(aud=None)}",
    "a token of another issuer": lambda: f"Bearer {application(iss=tokens.ISSUER + '/')}",
    "a token of no issuer": lambda: f"Bearer {application(iss=None)}",
    "another secret": lambda: f"Bearer {application(key=tokens.SECRET[::-1])}",
    "another algorithm": lambda: f"Bearer {application(algorithm='HS512', key=tokens.SECRET * 2)}",
    "a changed signature": lambda: f"Bearer {application()[:-4]}AAAA",
    "a stranger's key": lambda: f"Bearer {application(key=tokens.STRANGERS_KEY, algorithm='RS256', kid='rsa')}",
    "an unknown key": lambda: f"Bearer {application(key=tokens.STRANGERS_KEY, algorithm='RS256', kid='new')}",
    "a public key as secret": lambda: f"Bearer {forged(tokens.public_pem(tokens.RSA_KEY))}",
    "a critical header": lambda: f"Bearer {application(head={'crit': ['b64']})}",
    "no critical header": lambda: f"Bearer {application(head={'crit': []})}",
    "a list of issuers": lambda: f"Bearer {application(iss=[tokens.ISSUER])}",
    "ES256 under the name of the RSA key": lambda: f"Bearer {application(key=tokens.EC_KEY, algorithm='ES256', kid='rsa')}",
}


@pytest.mark.parametrize("kind", BAD_TOKENS)
@pytest.mark.parametrize("keys", ["server", "server_with_jwks"])
def test_nothing_is_answered_to(request, keys, kind):
    server, text = request.getfixturevalue(keys), BAD_TOKENS[kind]()
    for method, path, *_ in ROWS:
        answer = send(server, method, path, {"authorization": text} if text else {})
        is_graphs_error(answer, 401, "InvalidAuthenticationToken")
        assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("key, algorithm, kid", [(tokens.RSA_KEY, "RS256", "rsa"), (tokens.EC_KEY, "ES256", "ec")])
def test_keys_of_a_jwks_are_believed(server_with_jwks, key, algorithm, kid):
    token = application(key=key, algorithm=algorithm, kid=kid)
    assert send(server_with_jwks, "POST", "/users/bob/presence/setPresence", bearer(token)).status_code == 200


def test_a_secret_is_not_believed_by_a_server_with_jwks(server_with_jwks):
    answer = send(server_with_jwks, "GET", "/users/bob/presence", bearer(application()))
    is_graphs_error(answer, 401, "InvalidAuthenticationToken")


@pytest.mark.parametrize("claim", ["appid", "azp"])
def test_a_session_is_named_like_the_application_if_that_is_checked(start_server, tmp_path, claim):
    server = start_server(*tokens.flags(tmp_path), "--check-application")
    other = bearer(application(**{"appid": None, claim: "another application"}))
    same = bearer(application(**{"appid": None, claim: tokens.APPLICATION}))
    for action in ("setPresence", "clearPresence"):
        path = f"/users/bob/presence/{action}"
        is_graphs_error(send(server, "POST", path, other), 403, "Forbidden")
        assert send(server, "POST", path, same).status_code == 200
    none = bearer(application(appid=None))
    is_graphs_error(send(server, "POST", "/users/bob/presence/setPresence", none), 403, "Forbidden")


@pytest.mark.parametrize("changed", [
    {"head": {"crit": ["exp"], "exp": 1}}, {"head": {"crit": []}}, {"iss": [tokens.ISSUER]},
    {"iss": [tokens.ISSUER, "https://other.example"]},
])
def test_a_token_with_a_good_signature_is_still_not_believed(server_with_jwks, changed):
    token = application(key=tokens.RSA_KEY, algorithm="RS256", kid="rsa", **changed)
    answer = send(server_with_jwks, "GET", "/users/bob/presence", bearer(token))
    is_graphs_error(answer, 401, "InvalidAuthenticationToken")


def serve(start_server, folder, *keys, more=()):
    """Starts a server with a JWKS, and returns it with a function that says whether it believes a key."""
    flags = tokens.flags(folder, "jwks")
    (folder / "jwks").write_text(json.dumps(tokens.jwks(*keys)))
    server = start_server(*flags, *more)

    def believes(key, kid, **changed):
        algorithm = "ES256" if key is tokens.EC_KEY else "RS256"
        token = application(key=key, algorithm=algorithm, kid=kid, **changed)
        return send(server, "GET", "/users/bob/presence", bearer(token)).status_code == 200

    return server, believes


@pytest.mark.parametrize("changed", [
    {"use": "enc"}, {"use": "else"}, {"use": None, "key_ops": ["encrypt"]}, {"use": None, "key_ops": []},
    {"alg": "RSA-OAEP"}, {"alg": "PS256"}, {"alg": "RS512"}, {"alg": "none"},
])
def test_a_key_is_for_what_it_says(start_server, tmp_path, changed):
    _, believes = serve(start_server, tmp_path, tokens.jwk(tokens.RSA_KEY, "rsa", **changed), tokens.jwk(tokens.EC_KEY, "ec"))
    assert believes(tokens.EC_KEY, "ec")
    assert not believes(tokens.RSA_KEY, "rsa") and not believes(tokens.RSA_KEY, None)


@pytest.mark.parametrize("changed", [{"use": None}, {"alg": None}, {"use": None, "key_ops": ["verify"]}])
def test_a_key_need_not_say_what_it_is_for(start_server, tmp_path, changed):
    _, believes = serve(start_server, tmp_path, tokens.jwk(tokens.RSA_KEY, "rsa", **changed))
    assert believes(tokens.RSA_KEY, "rsa")


def test_a_token_names_one_of_several_issuers(start_server, tmp_path):
    _, believes = serve(start_server, tmp_path, more=("--issuer", "https://sts.example/tenant/"))
    assert believes(tokens.RSA_KEY, "rsa")
    assert believes(tokens.RSA_KEY, "rsa", iss="https://sts.example/tenant/")
    assert not believes(tokens.RSA_KEY, "rsa", iss="https://sts.example/")
    assert not believes(tokens.RSA_KEY, "rsa", iss=[tokens.ISSUER, "https://sts.example/tenant/"])


def test_keys_are_read_again_at_sighup_and_stay_if_they_cannot_be_read(start_server, tmp_path):
    server, believes = serve(start_server, tmp_path, tokens.jwk(tokens.RSA_KEY, "rsa"))
    file, told = tmp_path / "jwks", 0

    def reload(text):
        nonlocal told
        file.unlink() if text is None else file.write_text(text)
        server.signal(signal.SIGHUP)
        told += 1
        wait_until(lambda: len(re.findall("keys again|keys stay", server.said())) == told, what="reading the keys again")

    assert believes(tokens.RSA_KEY, "rsa") and not believes(tokens.EC_KEY, "ec")
    file.write_text(json.dumps(tokens.jwks(tokens.jwk(tokens.EC_KEY, "ec"))))
    assert believes(tokens.RSA_KEY, "rsa"), "it does not look by itself"
    reload(file.read_text())
    assert believes(tokens.EC_KEY, "ec") and not believes(tokens.RSA_KEY, "rsa")
    for text in None, "", '{"keys":[]}', '{"keys":[{', json.dumps(tokens.jwks(tokens.jwk(tokens.RSA_KEY, "rsa", use="enc"))):
        reload(text)
        assert believes(tokens.EC_KEY, "ec") and not believes(tokens.RSA_KEY, "rsa"), text
    assert server.said().count("the keys stay as they are") == 5 and str(file) in server.said()
    reload(json.dumps(tokens.jwks()))
    assert believes(tokens.EC_KEY, "ec") and believes(tokens.RSA_KEY, "rsa")


def test_a_secret_is_read_again_at_sighup(start_server, tmp_path):
    server = start_server(*tokens.flags(tmp_path))
    new = "another secret, which is long enough for HS256 too"
    (tmp_path / "secret").write_text(new)
    server.signal(signal.SIGHUP)
    wait_until(lambda: "keys again" in server.said(), what="reading the secret again")
    assert send(server, "GET", "/users/bob/presence", bearer(application(key=new))).status_code == 200
    assert send(server, "GET", "/users/bob/presence", bearer(application())).status_code == 401
