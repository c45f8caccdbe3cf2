"""More than a server can take: quick refusals, bounded memory, and it recovers by itself."""

import asyncio
import resource
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from service import pause, resume, wait_until
from watcher import Watcher
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


def test_a_flood_is_answered_in_bounded_memory(start_server):
    """The server is stopped while 20,000 requests arrive on 2,000 connections, so that it has all of them at once."""
    server = start_server()

    async def flood():
        connections = [await Connection.open(server.port) for _ in range(2000)]
        pause(server)
        for number, connection in enumerate(connections):
            connection.writer.write(command(f"user-{number}") * 10)
        await asyncio.sleep(0.5)
        resume(server)
        for connection in connections:
            for _ in range(10):
                answer = await connection.answer(20)
                assert answer.status == 200 or is_busy(answer)
            connection.close()
        return server.memory()

    _, second, third = (asyncio.run(flood()) for _ in range(3))
    assert third < 256 * MEBIBYTE and third < second * 1.2
    assert works(server)


async def stop_in_the_middle(server, clients):
    """Opens connections whose requests stop in the middle of their bodies."""
    connections = [await Connection.open(server.port) for _ in range(clients)]
    for connection in connections:
        connection.writer.write(command("ana")[:-20])
    return connections


def test_bodies_that_stop_keep_nobody_else_from_being_answered(start_server):
    server = start_server()

    async def run():
        stuck = await stop_in_the_middle(server, 4000)
        await asyncio.sleep(1)
        for number in range(200):
            connection = await Connection.open(server.port)
            status, seconds = await answer(connection, command(f"user-{number}"), 10)
            assert status == 200 and seconds < 2
            connection.close()
        assert {(await connection.answer(30)).status for connection in stuck} == {408}

    asyncio.run(run())
    assert server.memory() < 256 * MEBIBYTE
    assert works(server)


def test_clients_that_stop_in_the_middle_of_a_request_harm_nobody(start_server):
    server = start_server()

    async def run():
        connections = await stop_in_the_middle(server, 1000)
        assert await asyncio.to_thread(works, server)
        for connection in connections:
            assert (await connection.answer(30)).status == 408
            connection.close()

    asyncio.run(run())


@pytest.mark.parametrize("framing", ["content-length: 1000000000", "transfer-encoding: chunked"])
def test_a_body_without_end_takes_no_memory(start_server, framing):
    server = start_server()
    before = server.memory()
    head = command("ana").partition(b"content-length")[0] + framing.encode() + b"\r\n\r\n"

    def send(_):
        with socket.create_connection(("127.0.0.1", server.port), 10) as connection:
            try:
                connection.sendall(head)
                for _ in range(1000):
                    connection.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            except OSError:
                pass  # The server has answered and closed.
            return connection.recv(1024).split(b"\r\n")[0]

    with ThreadPoolExecutor(20) as threads:
        answers = Counter(threads.map(send, range(20)))
    assert answers.keys() == {b"HTTP/1.1 413 Payload Too Large"}, answers
    assert server.memory() - before < 50 * MEBIBYTE
    assert works(server)


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


def test_watchers_that_come_back_hold_up_no_command(start_server, say):
    """1,000 of them come back to 20,000 changes that are not theirs: each costs what it has missed, which is one."""
    server = start_server()

    async def change(user, count):
        connection = await Connection.open(server.port)
        for number in range(count):
            activity = ("Busy", "InACall") if number % 2 else ("Away", "Away")
            await answer(connection, command(user, availability=activity[0], activity=activity[1]), 10)
        connection.close()

    async def run():
        first = await Watcher.open(server, ["ana"])
        await change("ana", 2)
        [(_, seen, _), (_, missed, _)] = await first.events(2)
        await asyncio.gather(*(change(f"user-{number}", 1000) for number in range(20)))
        watchers = []

        async def come_back():
            for number in range(50):
                watchers.append(await Watcher.open(server, ["ana", f"other-{len(watchers)}"], seen))

        connection, slowest, begin = await Connection.open(server.port), 0, time.monotonic()
        coming = asyncio.gather(*(come_back() for _ in range(20)))
        while not coming.done():
            status, seconds = await answer(connection, command("bob"), 10)
            assert status == 200
            slowest = max(slowest, seconds)
        await coming
        say(f"overload: 1,000 watchers came back in {time.monotonic() - begin:.1f} s, the slowest command took {slowest:.3f} s")
        for watcher in watchers:
            [(_, number, data)] = await watcher.events(1)
            assert (number, data["id"]) == (missed, "ana")
        return slowest, time.monotonic() - begin

    slowest, seconds = asyncio.run(run())
    assert slowest < 1 and seconds < 20
