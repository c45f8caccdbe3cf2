"""Tokens such as Entra ID issues them, and the keys to check them."""

import base64
import json
import time

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

ISSUER = "https://login.example/tenant/v2.0"
AUDIENCE = "https://graph.example"
APPLICATION = "22553876-f5ab-4529-bffb-cfe50aa89f87"
SECRET = "a secret of the proofs, which is long enough for HS256"
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
STRANGERS_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_pem(key):
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form)


def now():
    return int(time.time())


def claims(**changed):
    """The claims of a token that is valid for an hour; a claim that is None is left out."""
    valid = {"iss": ISSUER, "aud": AUDIENCE, "nbf": now() - 60, "exp": now() + 3600, "appid": APPLICATION}
    return {name: value for name, value in (valid | changed).items() if value is not None}


def token(key=SECRET, algorithm="HS256", kid=None, head=None, **changed):
    """A signed token. The library writes claims only if they make sense, so it is not asked to."""
    headers = ({"kid": kid} if kid else {}) | (head or {})
    return jwt.PyJWS().encode(json.dumps(claims(**changed)).encode(), key, algorithm, headers)


def delegated(oid, scopes="Presence.ReadWrite", **more):
    return token(oid=oid, scp=scopes, **more)


def application(roles=("Presence.ReadWrite.All",), **more):
    return token(roles=list(roles), **more)


def unsigned(**changed):
    """A token with `alg: none`, which asks to be believed."""
    return f"{segment({'alg': 'none', 'typ': 'JWT'})}.{segment(claims(**changed))}."


def segment(part):
    return base64url(json.dumps(part).encode())


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwk(key, kid, **changed):
    """A public key as it stands in a JWKS; a field that is None is left out."""
    kind, algorithm = ("RSA", "RS256") if isinstance(key, rsa.RSAPrivateKey) else ("EC", "ES256")
    found = getattr(jwt.algorithms, f"{kind}Algorithm").to_jwk(key.public_key(), as_dict=True)
    found |= {"kid": kid, "use": "sig", "alg": algorithm, "key_ops": None} | changed
    return {name: value for name, value in found.items() if value is not None}


def jwks(*keys):
    """A JWKS, by default with one key for RS256 and one for ES256."""
    return {"keys": list(keys) or [jwk(RSA_KEY, "rsa"), jwk(EC_KEY, "ec")]}


def bearer(text):
    return {"authorization": f"Bearer {text}"}


def flags(folder, keys="secret"):
    """The flags of a server that checks tokens."""
    file = folder / keys
    file.write_text(SECRET if keys == "secret" else json.dumps(jwks()))
    return f"--{keys}", file, "--issuer", ISSUER, "--audience", AUDIENCE
