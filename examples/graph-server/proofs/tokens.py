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


def token(key=SECRET, algorithm="HS256", kid=None, **changed):
    return jwt.encode(claims(**changed), key, algorithm, headers={"kid": kid} if kid else None)


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


def jwks():
    """The public keys as a JWKS: one for RS256, one for ES256."""
    rsa_key = jwt.algorithms.RSAAlgorithm.to_jwk(RSA_KEY.public_key(), as_dict=True)
    ec_key = jwt.algorithms.ECAlgorithm.to_jwk(EC_KEY.public_key(), as_dict=True)
    rsa_key |= {"kid": "rsa", "use": "sig", "alg": "RS256"}
    ec_key |= {"kid": "ec", "use": "sig", "alg": "ES256"}
    return {"keys": [{k: v for k, v in key.items() if k != "key_ops"} for key in (rsa_key, ec_key)]}


def bearer(text):
    return {"authorization": f"Bearer {text}"}


def flags(folder, keys="secret"):
    """The flags of a server that checks tokens."""
    file = folder / keys
    file.write_text(SECRET if keys == "secret" else json.dumps(jwks()))
    return f"--{keys}", file, "--issuer", ISSUER, "--audience", AUDIENCE
