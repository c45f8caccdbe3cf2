"""What peers do with connections: half requests, bodies that nobody asked for, silence, and no descriptors left."""

import asyncio
import os
import re
import resource
import sys
import time
from collections import Counter

import httpx
import pytest

import tokens
from service import Server, pause, resume, wait_until
from tokens import bearer, delegated
from watcher import Watcher
from wire import Connection, request

MEBIBYTE = 2**20
CALL = {"sessionId": "phone", "availability": "Busy", "activity": "InACall"}
SET = "/v1.0/users/ana/presence/setPresence"
HALF_HEAD = f"POST {SET} HTTP/1.1\r\nhost: loc".encode()
HALF_BODY = request("POST", SET, CALL)[:-20]


@pytest.fixture(autouse=True)
def many_files():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def works(server):
    try:
        return httpx.post(f"{server.url}{SET}", json=CALL, timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def descriptors(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def operations(server):
    return re.search(r"/metrics at (http://\S+)", server.said())[1]


class Narrow(Server):
    """A server with 64 descriptors, and an address for operators."""

    def __init__(self, folder):
        super().__init__(folder, "--listen-operations", "127.0.0.1:0")

    def start(self):
        limited = "import os, resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)); os.execv(sys.argv[1], sys.argv[1:])"
        self.flags = [sys.executable, "-c", limited, *self.flags]
        return super().start()


@pytest.fixture
def narrow(tmp_path):
    server = Narrow(tmp_path / "server").start()
    yield server
    server.kill()
    assert "panicked" not in server.said()


def test_80_half_bodies_at_64_descriptors_lock_nobody_out_for_long(narrow):
    async def run():
        stuck = [await Connection.open(narrow.port) for _ in range(80)]
        for connection in stuck:
            connection.writer.write(HALF_BODY)
        for path in ("healthz", "metrics"):
            assert (await asyncio.to_thread(httpx.get, f"{operations(narrow)}/{path}", timeout=2)).status_code == 200
        assert not await asyncio.to_thread(works, narrow), "there was room for all of them"
        await asyncio.to_thread(wait_until, lambda: works(narrow), 20, "an answer")
        assert "no connection can be accepted" in narrow.said()
        for connection in stuck:
            connection.close()

    asyncio.run(run())


HEAD = request("GET", "/v1.0/users/ana/presence")


@pytest.mark.parametrize("first", [b"", HEAD[:-9], HEAD + HEAD[:-9]], ids=["silence", "half heads", "heads after a request"])
def test_half_heads_that_come_again_and_again_lock_nobody_out(narrow, first):
    """80 peers open another connection as soon as theirs is closed. A stream goes on meanwhile."""
    opened = 0

    async def occupy():
        nonlocal opened
        while True:
            opened += 1
            try:
                connection = await Connection.open(narrow.port)
                connection.writer.write(first)
                while await connection.reader.read(4096):
                    pass
                connection.close()
            except OSError:
                pass

    async def run():
        stream = await Watcher.open(narrow, ["ana"])
        idle = await Connection.open(narrow.port)
        assert (await idle.request("GET", "/v1.0/users/ana/presence")).status == 200
        stuck = [asyncio.create_task(occupy()) for _ in range(80)]
        await asyncio.sleep(1)
        times = []
        for number in range(12):
            begin = time.monotonic()
            connection = await Connection.open(narrow.port)
            body = CALL | ({} if number % 2 else {"availability": "Away", "activity": "Away"})
            assert (await connection.request("POST", SET, body, seconds=3)).status == 200, number
            times.append(time.monotonic() - begin)
            connection.close()
        assert [data["activity"] for _, _, data in await stream.events(12)] == ["Away", "InACall"] * 6
        assert await idle.reader.read() == b"", "it waits for a head too"
        for task in stuck:
            task.cancel()
        assert opened > 100 and "no connection can be accepted" in narrow.said()
        return times

    assert max(asyncio.run(run())) < 3


@pytest.mark.parametrize("length, status", [(32_600, 200), (32_800, 431), (1_000_000, 431)])
def test_a_head_has_a_bound(start_server, length, status):
    async def run():
        connection = await Connection.open(start_server().port)
        connection.writer.write(request("GET", "/v1.0/users/ana/presence", None, {"x-long": "x" * length}))
        assert (await connection.head()).status == status

    asyncio.run(run())


def test_650_ids_as_graph_has_them_fit_into_an_address(start_server):
    async def run():
        users = [f"{number:08}-eca7-46b7-bad1-db199b62afc3" for number in range(650)]
        (await Watcher.open(start_server(), users)).close()

    asyncio.run(run())


def test_operators_have_an_address_of_their_own(narrow):
    address = operations(narrow)
    for path in ("healthz", "metrics"):
        assert httpx.get(f"{address}/{path}").status_code == 200
        assert httpx.get(f"{narrow.url}/{path}").status_code == 404
    assert httpx.get(f"{address}/v1.0/users/ana/presence").status_code == 404


def test_descriptors_run_out_and_come_back(start_server):
    server = start_server()
    kept = httpx.Client()
    assert kept.post(f"{server.url}{SET}", json=CALL).status_code == 200
    used = 1 + max(int(descriptor) for descriptor in os.listdir(f"/proc/{server.process.pid}/fd"))
    before = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (used, before[1]))
    assert not works(server)
    # What is open goes on, and what is committed meanwhile.
    assert kept.post(f"{server.url}{SET}", json=CALL).status_code == 200
    assert re.search(r"WARN.*no connection can be accepted.*open files", server.said()), server.said()
    assert server.said().count("no connection can be accepted") == 1
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, before)
    assert works(server)


def test_silent_connections_are_closed_and_streams_live_on(start_server):
    """Connections of each kind are opened, and after the times of the README their descriptors are free again."""
    server = start_server()

    async def run():
        stream = await Watcher.open(server, ["ana"])
        used = descriptors(server)
        read, silent = request("GET", "/metrics"), []
        for data in (b"", HALF_HEAD, HALF_BODY, read, read * 100_000):
            for _ in range(5):
                silent.append(connection := await Connection.open(server.port))
                connection.writer.transport.pause_reading()
                connection.writer.write(data)
        await asyncio.to_thread(wait_until, lambda: descriptors(server) > used + 15, 5, "opening")
        await asyncio.sleep(17)
        await asyncio.to_thread(wait_until, lambda: descriptors(server) == used, 10, "closing")
        assert await asyncio.to_thread(works, server)
        assert (await stream.events(1))[0][2]["availability"] == "Busy"

    asyncio.run(run())


def test_a_stranger_is_answered_before_the_body_and_takes_little_memory(start_server, tmp_path):
    server = start_server(*tokens.flags(tmp_path))
    head = request("POST", SET, None, {"content-length": 260_000, **bearer(tokens.unsigned(roles=["Presence.ReadWrite.All"]))})

    async def run():
        connections = [await Connection.open(server.port) for _ in range(1000)]
        before = server.memory()
        begin = time.monotonic()
        for connection in connections:
            connection.writer.write(head)
        answers = [await connection.answer(5) for connection in connections]
        assert {answer.status for answer in answers} == {401} and time.monotonic() - begin < 5
        for connection in connections:
            connection.writer.write(b"x" * 240_000)
        await asyncio.sleep(1)
        assert server.memory() - before < 100 * MEBIBYTE
        assert await connections[0].reader.read() == b""

    asyncio.run(run())


def test_a_connection_is_used_again_after_a_body_that_nobody_needed(start_server, tmp_path):
    server = start_server(*tokens.flags(tmp_path))

    async def run():
        connection = await Connection.open(server.port)
        for length in (0, 1, 100_000, 1_000_000):
            connection.writer.write(request("POST", SET, None, {"content-length": length}))
            assert (await connection.answer()).status == 401
            connection.writer.write(b"x" * length)
            answer = await connection.request("GET", "/v1.0/me/presence", None, bearer(delegated("ana")))
            assert answer.status == 200

    asyncio.run(run())


def test_all_bodies_together_have_a_bound(start_server):
    """600 bodies of 200 KB stop before their ends. Those that fit wait for their time; the rest is sent away at once."""
    server = start_server()
    data = request("POST", SET, b"x" * 200_000, {"content-type": "application/json"})[:-20]

    async def run():
        before = server.memory()
        connections = [await Connection.open(server.port) for _ in range(600)]
        for connection in connections:
            connection.writer.write(data)
        await asyncio.gather(*(connection.writer.drain() for connection in connections))
        await asyncio.sleep(1)
        assert server.memory() - before < 160 * MEBIBYTE
        async with httpx.AsyncClient(base_url=server.url) as client:
            for path in ("/healthz", "/metrics", "/v1.0/users/ana/presence"):
                assert (await client.get(path)).status_code == 200
        statuses = Counter([(await connection.answer(10)).status for connection in connections])
        assert statuses.keys() == {408, 429} and statuses[408] > 250, statuses
        for connection in connections:
            connection.close()

    for _ in range(2):
        asyncio.run(run())
        assert works(server)


def test_operators_are_answered_while_all_requests_wait(start_server, start_nats):
    nats = start_nats()
    server = start_server("--nats", nats.url, "--shards", "4")
    wait_until(lambda: works(server), what="the first command")

    async def run():
        connections = [await Connection.open(server.port) for _ in range(2500)]
        pause(nats)
        for number, connection in enumerate(connections):
            connection.writer.write(request("POST", f"/v1.0/users/{number}/presence/setPresence", CALL))
        await asyncio.sleep(1.5)
        async with httpx.AsyncClient(base_url=server.url) as client:
            assert (await client.get("/metrics")).status_code == 200
            assert (await client.get("/healthz")).status_code in (200, 503)
        return Counter([(await connection.answer(20)).status for connection in connections])

    try:
        statuses = asyncio.run(run())
    finally:
        resume(nats)
    assert statuses.keys() == {429, 503} and statuses[429] >= 400, statuses


def test_each_503_is_logged_with_its_reason_and_the_id_of_its_request(start_server, start_nats):
    nats = start_nats()
    server = start_server("--nats", nats.url, "--shards", "4")
    wait_until(lambda: works(server), what="the first command")
    nats.kill()
    answer = httpx.post(f"{server.url}{SET}", json=CALL, timeout=20)
    assert answer.status_code == 503
    error = answer.json()["error"]
    [line] = [line for line in server.said().splitlines() if answer.headers["request-id"] in line]
    assert "WARN" in line and error["message"] in line and SET in line, line


@pytest.mark.parametrize("cluster", [False, True], ids=["embedded", "cluster"])
def test_a_signal_ends_it_in_seconds_whatever_connections_do(start_server, start_nats, cluster):
    server = start_server(*(("--nats", start_nats().url, "--shards", "4") if cluster else ()))
    wait_until(lambda: works(server), what="the first command")

    async def run():
        streams, silent = [await Watcher.open(server, ["ana"], buffer=4096) for _ in range(20)], []
        for data in (b"", HALF_HEAD, HALF_BODY, request("GET", "/metrics") * 100_000):
            for _ in range(20):
                silent.append(connection := await Connection.open(server.port))
                connection.writer.transport.pause_reading()
                connection.writer.write(data)
        await asyncio.sleep(0.5)
        begin = time.monotonic()
        assert await asyncio.to_thread(server.stop) == 0
        assert time.monotonic() - begin < 8
        for connection in [*streams, *silent]:
            connection.close()

    asyncio.run(run())
