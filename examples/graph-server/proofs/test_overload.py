"""More than a server can take: quick refusals, bounded memory, and it recovers by itself."""

import asyncio
import resource
import time
from collections import Counter

import httpx
import pytest

from service import pause, resume, wait_until
from wire import Connection, request

MEBIBYTE = 2**20
CALL = {"sessionId": "phone", "availability": "Busy", "activity": "InACall"}


@pytest.fixture(autouse=True)
def many_files():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def command(user, **more):
    return request("POST", f"/v1.0/users/{user}/presence/setPresence", CALL | more)


def works(server):
    url = f"{server.url}/v1.0/users/ana/presence/setPresence"
    return httpx.post(url, json=CALL, timeout=10).status_code == 200


def is_busy(answer):
    assert answer.status in (429, 503) and int(answer.headers["retry-after"]) >= 1, answer
    assert answer.json()["error"]["innerError"]["request-id"] == answer.headers["request-id"]
    return True


async def answer(connection, data, seconds):
    """Sends a request, and returns the status of the answer and how long it took."""
    begin = time.monotonic()
    connection.writer.write(data)
    got = await connection.answer(seconds)
    assert got.status == 200 or is_busy(got)
    return got.status, time.monotonic() - begin


def test_a_flood_is_answered_at_once_in_bounded_memory(start_server):
    """The server is stopped while all requests arrive, so that it has all of them at the same time."""
    server = start_server()
    assert works(server)
    before = server.memory()

    async def run():
        connections = [await Connection.open(server.port) for _ in range(4000)]
        for _ in range(3):
            pause(server)
            answers = asyncio.gather(*(answer(c, command(f"user-{n}"), 30) for n, c in enumerate(connections)))
            await asyncio.sleep(0.5)
            resume(server)
            begin = time.monotonic()
            statuses = Counter(status for status, _ in await answers)
            assert time.monotonic() - begin < 10
            assert statuses[200] > 0 and statuses[429] + statuses[503] > 0, statuses
        for connection in connections:
            connection.close()

    asyncio.run(run())
    assert server.memory() - before < 100 * MEBIBYTE
    assert works(server)


def test_bodies_without_end_take_no_memory(start_server):
    server = start_server()
    before = server.memory()

    async def run():
        head = "POST /v1.0/users/ana/presence/setPresence HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        for framing in ("content-length: 1000000000", "transfer-encoding: chunked"):
            connections = [await Connection.open(server.port) for _ in range(50)]
            for connection in connections:
                connection.writer.write(f"{head}{framing}\r\n\r\n".encode())
                for _ in range(64):
                    connection.writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            for connection in connections:
                assert (await connection.answer(20)).status == 413
                connection.close()

    asyncio.run(run())
    assert server.memory() - before < 50 * MEBIBYTE
    assert works(server)


def test_clients_that_stop_in_the_middle_of_a_request_are_sent_away(start_server):
    server = start_server()

    async def run():
        connections = [await Connection.open(server.port) for _ in range(1000)]
        half = command("ana")[:-20]
        for connection in connections:
            connection.writer.write(half)
        assert await asyncio.to_thread(works, server)
        for connection in connections:
            assert (await connection.answer(60)).status == 408
            connection.close()

    asyncio.run(run())


def test_a_log_that_hangs_is_answered_with_503_in_bounded_memory(start_server, start_nats):
    """NATS is stopped and not ended, so that nothing fails by itself. It goes on, and so does the service."""
    nats = start_nats()
    server = start_server("--nats", nats.url, "--shards", "4")
    wait_until(lambda: works(server), what="the first command")
    before = server.memory()

    async def run():
        async def client(number, end):
            connection, answers = await Connection.open(server.port), []
            while time.monotonic() < end:
                answers.append(await answer(connection, command(f"user-{number}", padding="x" * 2000), 30))
            return answers

        clients = (client(number, time.monotonic() + 20) for number in range(500))
        return [each for answers in await asyncio.gather(*clients) for each in answers]

    pause(nats)
    try:
        answers = asyncio.run(run())
        grown = server.memory() - before
    finally:
        resume(nats)
    assert {status for status, _ in answers} <= {429, 503}
    assert max(seconds for _, seconds in answers) < 15
    assert grown < 100 * MEBIBYTE, grown
    wait_until(lambda: works(server), 30, "recovery")
