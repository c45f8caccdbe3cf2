"""The real SDKs of Graph, through every action, error, fade and expiry, while years pass in a moment."""

import datetime
import time

import httpx
import pytest

import tokens
from sdk import SDKS, PAIRS, differences, scenarios
from service import wait_until


@pytest.fixture(scope="module", params=["embedded", "cluster"])
def server(request, start_server, start_nats, tmp_path_factory):
    flags = ["--nats", start_nats().url] if request.param == "cluster" else []
    server = start_server("--clock", "header", *flags, *tokens.flags(tmp_path_factory.mktemp("keys")))
    headers = {"x-now": "2026-11-20T00:00:00Z"} | tokens.bearer(tokens.application())
    wait_until(lambda: httpx.get(f"{server.url}/v1.0/users/ana/presence", headers=headers).status_code == 200)
    return server


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.go if name == "go" else []) for name in SDKS])
def test_every_step_of_the_table_has_its_answer(server, start_nginx, say, name):
    sdk = SDKS[name]
    if missing := sdk.missing():
        pytest.skip(f"this machine lacks {', '.join(missing)}")
    began = time.monotonic()
    sdk.prepare()
    prepared = time.monotonic()
    nginx = start_nginx(server) if sdk.needs_tls else None
    wrong, calls = differences(sdk, f"{(nginx or server).url}/v1.0", nginx and nginx.certificate)
    say(f"sdk: {name}: {calls} calls in {time.monotonic() - prepared:.1f} s, after {prepared - began:.0f} s to prepare it")
    assert not wrong, "\n".join(wrong[:20])
