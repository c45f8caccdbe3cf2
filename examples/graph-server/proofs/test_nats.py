"""Which NATS a cluster joins, with which credentials, and which it rejects."""

import asyncio
import base64
import datetime
import json
import socket
import threading
import time
from ipaddress import ip_address

import httpx
import nats as client
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID
from nats.js.api import StreamConfig

from service import wait_until
from test_cluster import CALL, post, read, shards
from test_startup import refuses

LOOPBACK = ("--listen", "127.0.0.1:0")


def works(server):
    wait_until(lambda: shards(server) == 16)
    assert post(server, "ana", "setPresence", CALL).status_code == 200
    assert read(server, ["ana"]) == ["InACall"]
    assert server.stop() == 0


def test_user_and_password_stand_in_the_url_or_in_the_environment(start_nats, start_server, tmp_path, monkeypatch):
    nats = start_nats("authorization { user: ana, password: 'p@ss:word' }")
    address = nats.url.removeprefix("nats://")
    works(start_server("--nats", f"nats://ana:p%40ss%3Aword@{address}"))
    for url in (nats.url, f"nats://ana:wrong@{address}"):
        said = refuses(tmp_path, *LOOPBACK, "--nats", url)
        assert "NATS" in said and "authorization violation" in said and "wrong" not in said
    monkeypatch.setenv("PRESENCE_NATS", f"nats://ana:p%40ss%3Aword@{address}")
    works(start_server())


def test_a_process_whose_password_is_no_longer_right_answers_503_until_it_is_started_with_another(
    start_nats, start_server
):
    nats = start_nats("authorization { user: ana, password: first }")
    address = nats.url.removeprefix("nats://")
    server = start_server("--nats", f"nats://ana:first@{address}")
    assert post(server, "ana", "setPresence", CALL).status_code == 200
    nats.kill()
    configuration = nats.folder / "nats.conf"
    configuration.write_text(configuration.read_text().replace("first", "second"))
    nats.start()
    health = lambda: httpx.get(f"{server.url}/healthz").status_code
    wait_until(lambda: health() == 503)
    # Longer than a lease.
    for _ in range(10):
        time.sleep(1)
        assert post(server, "ana", "setPresence", CALL).status_code == 503
        assert health() == 503
    server.kill()
    other = start_server("--nats", f"nats://ana:second@{address}")
    wait_until(lambda: shards(other) == 16)
    assert read(other, ["ana"]) == ["InACall"]
    works(other)


def test_a_token_stands_in_the_url(start_nats, start_server):
    nats = start_nats("authorization { token: s3cret }")
    works(start_server("--nats", nats.url.replace("nats://", "nats://s3cret@")))


def test_of_several_servers_one_that_answers_is_enough(start_nats, start_server):
    nats = start_nats()
    works(start_server("--nats", f"nats://127.0.0.1:9,{nats.url}"))


def nkey(kind, key):
    """A key as NATS writes it: its kind, itself and a checksum, in base 32."""
    data = kind + key
    check = 0
    for byte in data:
        check ^= byte << 8
        for _ in range(8):
            check = (check << 1 ^ 0x1021 if check & 0x8000 else check << 1) & 0xFFFF
    return base64.b32encode(data + check.to_bytes(2, "little")).decode().rstrip("=")


def key_pair(letter):
    """The seed and the public key of a user (20), an account (0) or an operator (14), and the way to sign."""
    private = ed25519.Ed25519PrivateKey.generate()
    kind = letter << 3
    seed = nkey(bytes([18 << 3 | kind >> 5, (kind & 31) << 3]), private.private_bytes_raw())
    return seed, nkey(bytes([kind]), private.public_key().public_bytes_raw()), private


def test_an_nkey_is_read_from_a_file(start_nats, start_server, tmp_path):
    seed, public, _ = key_pair(20)
    nats = start_nats(f"authorization {{ users: [{{ nkey: {public} }}] }}")
    file = tmp_path / "seed"
    file.write_text(f"{seed}\n")
    works(start_server("--nats", nats.url, "--nats-nkey", file))
    file.write_text(key_pair(20)[0])
    assert "authorization violation" in refuses(tmp_path, *LOOPBACK, "--nats", nats.url, "--nats-nkey", file)


def jwt(issuer, subject, kind, claims):
    encode = lambda data: base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    _, public, private = issuer
    body = {"jti": subject, "iat": 0, "iss": public, "sub": subject, "name": kind, "nats": claims | {"type": kind, "version": 2}}
    text = encode(b'{"typ":"JWT","alg":"ed25519-nkey"}') + "." + encode(json.dumps(body).encode())
    return text + "." + encode(private.sign(text.encode()))


def test_credentials_are_read_from_a_file(start_nats, start_server, tmp_path):
    operator, account, system, user = key_pair(14), key_pair(0), key_pair(0), key_pair(20)
    no_limit = dict.fromkeys(["subs", "data", "payload", "imports", "exports", "conn", "leaf", "mem_storage", "disk_storage", "streams", "consumer"], -1)
    accounts = {key[1]: jwt(operator, key[1], "account", {"limits": no_limit | {"wildcards": True}}) for key in (account,)}
    accounts[system[1]] = jwt(operator, system[1], "account", {"limits": {"subs": -1, "conn": -1, "payload": -1, "data": -1, "imports": -1, "exports": -1, "leaf": -1, "wildcards": True}})
    nats = start_nats(
        f"operator: {jwt(operator, operator[1], 'operator', {})}\nsystem_account: {system[1]}\nresolver: MEMORY\n"
        f"resolver_preload: {{ {', '.join(f'{key}: {token}' for key, token in accounts.items())} }}"
    )
    token = jwt(account, user[1], "user", {"subs": -1, "data": -1, "payload": -1})
    file = tmp_path / "user.creds"
    file.write_text(
        f"-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{user[0]}\n------END USER NKEY SEED------\n"
    )
    works(start_server("--nats", nats.url, "--nats-creds", file))
    assert "authorization violation" in refuses(tmp_path, *LOOPBACK, "--nats", nats.url)


def certificate(folder, name, issuer=None):
    """Writes a certificate and its key, signed by an issuer or by itself, and returns them."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
    )
    made = builder.sign(issuer[1] if issuer else key, hashes.SHA256())
    (folder / f"{name}.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return made, key


def test_tls_checks_the_server_and_shows_a_certificate(start_nats, start_server, tmp_path):
    authority = certificate(tmp_path, "authority")
    for name in ("server", "client"):
        certificate(tmp_path, name, authority)
    certificate(tmp_path, "another")
    nats = start_nats(
        f'tls {{ cert_file: "{tmp_path}/server.pem", key_file: "{tmp_path}/server.key", '
        f'ca_file: "{tmp_path}/authority.pem", verify: true }}'
    )
    shown = ("--nats-cert", tmp_path / "client.pem", "--nats-key", tmp_path / "client.key")
    works(start_server("--nats", nats.url, "--nats-ca", tmp_path / "authority.pem", *shown))
    (tmp_path / "empty.pem").write_text("")
    for ca, reason in ("another", "invalid peer certificate"), ("empty", "certificate"), ("missing", "No such file"):
        said = refuses(tmp_path, *LOOPBACK, "--nats", nats.url, "--nats-ca", tmp_path / f"{ca}.pem", *shown)
        assert "connecting to NATS" in said and reason in said, said
    assert "connecting to NATS" in refuses(tmp_path, *LOOPBACK, "--nats", nats.url, "--nats-ca", tmp_path / "authority.pem")


class OldNats(threading.Thread):
    """Says that it is some NATS, and answers pings only."""

    def __init__(self, **facts):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"nats://127.0.0.1:{self.listener.getsockname()[1]}"
        self.facts = {"server_id": "x", "version": "2.15.1", "max_payload": 1 << 20, "headers": True, "jetstream": True, "proto": 1} | facts
        self.start()

    def run(self):
        while True:
            connection, _ = self.listener.accept()
            connection.sendall(f"INFO {json.dumps(self.facts)}\r\n".encode())
            while data := connection.recv(4096):
                if b"PING" in data:
                    connection.sendall(b"PONG\r\n")


@pytest.mark.parametrize(
    "facts, said",
    [
        ({"version": "2.9.25"}, "NATS is version 2.9.25: it must be 2.10 or later"),
        ({"version": "1.4"}, "NATS is version 1.4: it must be 2.10 or later"),
        ({"max_payload": 65536}, "max_payload must be 1048576 or more"),
        ({"jetstream": False}, "NATS runs without JetStream"),
    ],
)
def test_a_nats_that_cannot_do_what_is_needed_is_refused(tmp_path, facts, said):
    assert said in refuses(tmp_path, *LOOPBACK, "--nats", OldNats(**facts).url)


def test_more_shards_than_nats_has_consumers_for_are_refused(tmp_path, start_nats):
    said = refuses(tmp_path, *LOOPBACK, "--nats", start_nats().url, "--shards", "1024")
    assert "at most 500 shards" in said


def test_more_processes_than_nats_has_consumers_for_are_refused(tmp_path, start_nats, start_server):
    nats = start_nats()
    works(start_server("--nats", nats.url))
    stop = threading.Event()

    async def crowd():
        connection = await client.connect(nats.url)
        jetstream = connection.jetstream()
        while not stop.is_set():
            await asyncio.gather(*(jetstream.publish(f"$KV.presence-processes.{number}", b"") for number in range(500)))
        await connection.close()

    thread = threading.Thread(target=lambda: asyncio.run(crowd()))
    thread.start()
    try:
        time.sleep(1.5)
        assert "there are 500 processes already" in refuses(tmp_path, *LOOPBACK, "--nats", nats.url)
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("metadata, found", [({}, "(none)"), ({"format": "1"}, "1"), ({"format": "99"}, "99")])
def test_streams_of_another_format_are_refused_and_left_alone(tmp_path, start_nats, metadata, found):
    """So processes of versions that do not understand each other never share a NATS."""
    nats = start_nats()
    metadata = metadata | {"shards": "16"}

    async def run():
        connection = await client.connect(nats.url)
        jetstream = connection.jetstream()
        stream = StreamConfig(name="presence-commands", subjects=["presence.commands.*"], metadata=metadata)
        await jetstream.add_stream(stream)
        said = await asyncio.to_thread(refuses, tmp_path, *LOOPBACK, "--nats", nats.url)
        assert f"the streams in NATS have format {found}, and this version of the service has format" in said, said
        kept = (await jetstream.stream_info("presence-commands")).config.metadata
        assert {name: text for name, text in kept.items() if not name.startswith("_nats")} == metadata
        await connection.close()

    asyncio.run(run())


@pytest.mark.parametrize("prefix", ["", "a.b", "a b", "a*", "ä"])
def test_a_prefix_has_plain_characters_only(tmp_path, prefix):
    assert "letters, digits" in refuses(tmp_path, *LOOPBACK, "--nats", "nats://127.0.0.1:9", "--nats-prefix", prefix)
