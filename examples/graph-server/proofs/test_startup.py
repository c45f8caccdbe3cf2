"""What a server refuses to start with."""

import json
import re
import signal
import subprocess
import time

import httpx
import pytest

import tokens
from service import SERVER


def refuses(tmp_path, *flags):
    """Starts a server that must end by itself, and returns what it says."""
    command = [SERVER, "--data", tmp_path / "data", *flags]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)
    assert ended.returncode not in (0, 101), ended.stderr
    assert "panicked" not in ended.stderr and "listening on" not in ended.stderr
    return ended.stderr


@pytest.mark.parametrize("flag", ["--listen", "--listen-operations"])
@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0"])
def test_a_server_without_keys_listens_on_loopback_only_and_says_so(tmp_path, flag, address):
    said = refuses(tmp_path, flag, address)
    assert "loopback" in said and "--secret" in said and "--jwks" in said


def test_time_from_a_header_is_for_loopback_only(tmp_path):
    said = refuses(tmp_path, "--listen", "0.0.0.0:0", "--clock", "header", *tokens.flags(tmp_path))
    assert "loopback" in said and "--clock" in said


def test_keys_need_an_issuer_and_an_audience(tmp_path):
    file = tmp_path / "secret"
    file.write_text(tokens.SECRET)
    said = refuses(tmp_path, "--listen", "127.0.0.1:0", "--secret", file)
    assert "--issuer" in said and "--audience" in said


@pytest.mark.parametrize("keys", ["secret", "jwks"])
def test_me_is_a_flag_for_a_server_without_keys(tmp_path, keys):
    said = refuses(tmp_path, "--listen", "127.0.0.1:0", "--me", "ana", *tokens.flags(tmp_path, keys))
    assert "--me" in said and f"--{keys}" in said


@pytest.mark.parametrize("id", ["", "x" * 257])
def test_me_is_an_id(tmp_path, id):
    assert "--me" in refuses(tmp_path, "--listen", "127.0.0.1:0", "--me", id)


@pytest.mark.parametrize("keys, text", [("secret", ""), ("jwks", ""), ("jwks", "{}"), ("jwks", '{"keys":[]}'),
                                        ("jwks", json.dumps(tokens.jwks(tokens.jwk(tokens.RSA_KEY, "rsa", use="enc"))))])
def test_keys_that_cannot_be_used_are_refused(tmp_path, keys, text):
    flags = tokens.flags(tmp_path, keys)
    (tmp_path / keys).write_text(text)
    assert keys in refuses(tmp_path, "--listen", "127.0.0.1:0", *flags).lower()


def test_a_folder_has_one_server_at_a_time(start_server, tmp_path):
    server = start_server()
    said = refuses(server.folder, "--listen", "127.0.0.1:0")
    assert str(server.folder / "data") in said
    assert httpx.get(f"{server.url}/healthz").status_code == 200


def test_a_cluster_keeps_its_number_of_shards(start_server, start_nats, tmp_path):
    nats = start_nats()
    start_server("--nats", nats.url, "--shards", "4")
    said = refuses(tmp_path, "--listen", "127.0.0.1:0", "--nats", nats.url, "--shards", "5")
    assert "4" in said and "5" in said and "shards" in said


def test_a_log_that_nobody_reads_harms_nothing(tmp_path):
    """What is written into it fails: the error about the first keys, after which the second ones are read."""
    flags, new = tokens.flags(tmp_path), "another secret, which is long enough for HS256 too"
    command = [SERVER, "--data", tmp_path / "data", "--listen", "127.0.0.1:0", *flags]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            lines = (re.search(r"listening on (http://\S+)", line) for line in process.stderr)
            url = next(line[1] for line in lines if line)
            process.stderr.close()
            for secret in "short", new:
                (tmp_path / "secret").write_text(secret)
                process.send_signal(signal.SIGHUP)
                time.sleep(0.5)
            headers = tokens.bearer(tokens.application(key=new))
            assert httpx.get(f"{url}/v1.0/users/ana/presence", headers=headers).status_code == 200
        finally:
            process.kill()
