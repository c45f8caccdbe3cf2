"""The stream of changes: in order, resumable, and no place for readers that do not read."""

import asyncio
import json
import os
import shutil
import time
from urllib.parse import quote

import nats
import pytest

import tokens
from service import wait_until
from watcher import Watcher
from wire import Connection

CLAIMS = [("Available", "Available"), ("Busy", "InACall"), ("Away", "Away")]


@pytest.fixture(scope="module")
def server(start_server):
    return start_server()


async def change(server, *steps):
    """Sets the one session of users, so that each step is a change; returns the changes."""
    connection, changes = await Connection.open(server.port), []
    for user, (availability, activity) in steps:
        body = {"sessionId": "phone", "availability": availability, "activity": activity, "expirationDuration": "PT1H"}
        answer = await connection.request("POST", f"/v1.0/users/{quote(user, safe='')}/presence/setPresence", body)
        assert answer.status == 200, answer
        changes.append({"id": user, "availability": availability, "activity": activity})
    connection.close()
    return changes


def steps(*users, count):
    """Changes of these users in turn. Each takes up where the last call has stopped."""
    start = steps.done
    steps.done += count
    return [(users[n % len(users)], CLAIMS[n // len(users) % 3]) for n in range(start, start + count)]


steps.done = 0


def test_a_watcher_sees_every_change_of_its_users_in_order(server):
    async def run():
        watcher = await Watcher.open(server, ["w-ana", "w-bob"])
        expected = []
        for _ in range(20):
            expected += await change(server, *steps("w-ana", "w-bob", count=2))
            await change(server, *steps("w-unwatched", count=1))
            steps.done -= 1
        names, ids, data = zip(*await watcher.events(40))
        assert list(data) == expected and set(names) == {"presence"}
        assert list(ids) == sorted(set(ids))

    asyncio.run(run())


def test_a_refresh_is_no_change(server):
    async def run():
        watcher = await Watcher.open(server, ["r-ana"])
        [first] = await change(server, ("r-ana", CLAIMS[0]))
        await change(server, ("r-ana", CLAIMS[0]), ("r-ana", CLAIMS[0]))
        [last] = await change(server, ("r-ana", CLAIMS[1]))
        assert [data for _, _, data in await watcher.events(2)] == [first, last]

    asyncio.run(run())


def test_a_watcher_that_comes_back_gets_exactly_what_it_has_missed(server):
    async def run():
        users = ["b-ana", "b-bob"]
        watcher = await Watcher.open(server, users)
        expected = await change(server, *steps(*users, count=10))
        seen = await watcher.events(4)
        watcher.close()
        expected += await change(server, *steps(*users, count=10))
        back = await Watcher.open(server, users, seen[-1][1])
        seen += await back.events(16)
        expected += await change(server, *steps(*users, count=2))
        seen += await back.events(2)
        assert [data for _, _, data in seen] == expected

    asyncio.run(run())


def test_a_watcher_may_come_back_at_any_event(start_server):
    """Also in the middle of a group of changes that were committed together."""
    server, users = start_server("--shards", "1"), [f"user-{n}" for n in range(8)]

    async def run():
        watcher = await Watcher.open(server, users)
        await asyncio.gather(*(change(server, *((user, CLAIMS[n % 3]) for n in range(6))) for user in users))
        seen = await watcher.events(48)
        for number, (_, event_id, _) in enumerate(seen[:-1], 1):
            back = await Watcher.open(server, users, event_id)
            assert await back.events(48 - number) == seen[number:]
            back.close()

    asyncio.run(run())


# How clients write the users ana, "a,b", "a+b" and " a" in the query. Each is right, or an error with a sentence.
MANY = [f"u{number}" for number in range(651)]
QUERIES = {
    "ids=ana,bob": ["ana", "bob"],
    "ids=ana&ids=bob": ["ana", "bob"],
    "ids=ana,bob&ids=cid&ids=ana": ["ana", "bob", "cid"],
    "IDS=ana&$select=id": ["ana"],
    "id=ana&ids=bob,cid": ["ana", "bob", "cid"],
    "id=a%2Cb": ["a,b"],
    "id=a,b": ["a,b"],
    "id=a,b&id=ana": ["a,b", "ana"],
    "ids=a%2Bb": ["a+b"],
    "id=%20a": [" a"],
    "ids=a%20b,%F0%9F%98%80": ["a b", "😀"],
    "ids=%2525": ["%25"],
    "ids=" + ",".join(MANY[:650]): MANY[:650],
    "ids=ana%2Cbob": "comma",
    "ids=a%2cb,ana": "comma",
    "ids=ana,%20bob": "space",
    "ids=ana%20,bob": "space",
    "ids=%09ana": "space",
    "ids=a+b": "plus",
    "ids=ana,+bob": "plus",
    "id=a+b": "plus",
    "ids=": "1 to 256",
    "ids=ana,": "1 to 256",
    "ids=ana,,bob": "1 to 256",
    "ids=ana&ids=": "1 to 256",
    "ids&ids=ana": "1 to 256",
    "ids=" + "x" * 257: "1 to 256",
    "ids=%ff": "UTF-8",
    "ids[]=ana": "ids",
    "users=ana": "ids",
    "": "ids",
    "ids=" + ",".join(MANY): "650",
    "&".join(f"ids={user}" for user in MANY): "650",
}


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query[:40])
def test_the_ids_of_a_stream_are_right_or_an_error(server, query):
    expected = QUERIES[query]

    async def run():
        connection = await Connection.open(server.port)
        path = f"/v1.0/communications/presences/changes?{query}"
        if isinstance(expected, str):
            answer = await connection.request("GET", path)
            assert answer.status == 400 and expected in answer.json()["error"]["message"], answer
            return
        # With a number that was never given, the stream starts with the present of each id.
        watcher = await Watcher.open(server, query, 2**63)
        (name, *_), *present = await watcher.events(1 + len(expected))
        assert name == "reset" and sorted(data["id"] for _, _, data in present) == sorted(expected)
        for user in expected[0], expected[-1]:
            [_, last] = await change(server, (user, CLAIMS[0]), (user, CLAIMS[1]))
            while (event := await asyncio.wait_for(watcher.event(), 10))[2] != last:
                assert event[2]["id"] == user
        watcher.close()

    asyncio.run(run())


@pytest.mark.parametrize("last_id", [1, 2**63, "nonsense", ""])
def test_a_watcher_out_of_history_is_told_so_and_gets_the_present(server, last_id):
    async def run():
        expected = {"o-nobody": "Offline", "o-ana": "Available", "o-bob": "InACall"}
        await change(server, ("o-ana", CLAIMS[0]), ("o-bob", CLAIMS[1]))
        watcher = await Watcher.open(server, ["o-ana", "o-bob", "o-nobody"], last_id)
        (name, *_), *present = await watcher.events(4)
        assert name == "reset" and {data["id"]: data["activity"] for _, _, data in present} == expected
        [later] = await change(server, ("o-ana", CLAIMS[2]))
        [(_, number, data)] = await watcher.events(1)
        assert data == later and number > 1

    asyncio.run(run())


def test_a_watcher_loses_nothing_when_the_server_is_killed(start_server):
    server = start_server()

    async def run():
        watcher = await Watcher.open(server, ["ana"])
        expected = await change(server, *steps("ana", count=5))
        seen = await watcher.events(3)
        server.kill()
        server.start()
        expected += await change(server, *steps("ana", count=5))
        back = await Watcher.open(server, ["ana"], seen[-1][1])
        first = await back.events(1)
        if first[0][0] == "reset":
            assert (await back.events(1))[0][2] == expected[-1]
        else:
            seen += first + await back.events(6)
            assert [data for _, _, data in seen] == expected

    asyncio.run(run())


@pytest.fixture
def cluster(start_nats, start_server):
    server_of_nats = start_nats()
    server = start_server("--nats", server_of_nats.url, "--shards", "1")
    wait_until(lambda: server.metric("presence_shards") == 1)
    return server_of_nats, server


async def publish(server_of_nats, *messages):
    """Publishes changes as an owner does: a message is a list of numbers and users."""
    presence = {"availability": "Busy", "activity": "Busy"}
    client = await nats.connect(server_of_nats.url)
    for message in messages:
        changes = [{"number": n, "at": "2026-11-20T09:00:00Z", "user": user, "presence": presence} for n, user in message]
        await client.jetstream().publish("presence.changes.0", json.dumps(changes).encode())
    await client.close()


def test_a_slow_reader_is_dropped_with_a_word_and_holds_no_memory(cluster):
    """Nobody else waits for it, and what it can still read has no gap."""
    server_of_nats, server = cluster
    long = "s-" + "x" * 200
    users = [f"{long}{n}" for n in range(8)]

    async def run():
        slow = await Watcher.open(server, users, buffer=2048)
        quick = await Watcher.open(server, users)
        before, seen = server.memory(), []
        for start in range(1, 24_001, 500):
            await publish(server_of_nats, [(n, users[n % 8]) for n in range(start, start + 500)])
            seen += await quick.events(500)
        grown = server.memory() - before
        assert grown < 50 * 2**20, f"{grown} bytes"
        assert [number for _, number, _ in seen] == sorted({number for _, number, _ in seen})
        assert server.metric("presence_watchers_slow_total") == 1

        read = []
        while event := await asyncio.wait_for(slow.event(), 20):
            read.append(event)
        *kept, last = read
        assert last[0] == "slow", last
        assert 0 < len(kept) < len(seen) and kept == seen[: len(kept)]

    asyncio.run(run())


def test_watchers_that_read_nothing_are_closed(start_server):
    """Nobody else is: neither a watcher that has nothing to read, nor one that reads."""
    server = start_server()
    users = [f"n-{'x' * 200}{n}" for n in range(8)]

    async def run():
        idle = await Watcher.open(server, ["n-idle"])
        quick = await Watcher.open(server, users)
        reading = asyncio.create_task(quick.events(16_000, seconds=60))
        unread = [await Watcher.open(server, users, buffer=2048) for _ in range(20)]
        for watcher in unread:
            watcher.connection.reader._transport.pause_reading()
        open_files = len(os.listdir(f"/proc/{server.process.pid}/fd"))
        await asyncio.gather(*(change(server, *((user, CLAIMS[n % 3]) for n in range(2000))) for user in users))
        await reading
        closed = lambda: server.metric("presence_watchers") == 2
        await asyncio.to_thread(wait_until, closed, 40, "closing the watchers that do not read")
        assert len(os.listdir(f"/proc/{server.process.pid}/fd")) <= open_files - 20
        [last] = await change(server, ("n-idle", CLAIMS[0]))
        assert [data for _, _, data in await idle.events(1)] == [last]

    asyncio.run(run())


def test_a_stream_ends_when_its_token_expires(start_server, tmp_path):
    server = start_server(*tokens.flags(tmp_path))

    async def run():
        begin = time.time()
        long = await Watcher.open(server, ["ana"], headers=tokens.bearer(tokens.application()))
        expires = int(begin) + 3
        short = await Watcher.open(server, ["ana"], headers=tokens.bearer(tokens.application(exp=expires)))
        assert await asyncio.wait_for(short.event(), 10) is None
        assert expires <= time.time() < expires + 2
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(long.event(), 3)

    asyncio.run(run())


def test_a_stop_in_peace_ends_streams_without_calling_them_slow(start_server):
    server = start_server()

    async def run():
        watcher = await Watcher.open(server, ["ana"])
        [expected] = await change(server, ("ana", CLAIMS[0]))
        begin = time.monotonic()
        assert await asyncio.to_thread(server.stop) == 0
        assert time.monotonic() - begin < 3
        assert (await watcher.event())[2] == expected
        assert await watcher.event() is None

    asyncio.run(run())


def test_a_watcher_that_has_read_a_part_of_the_present_is_told_it_again(server):
    """The id with which it comes back says only with the last of them that it has all."""
    users = [f"p-{n}" for n in range(4)]

    async def run():
        await change(server, *((user, CLAIMS[1]) for user in users))
        watcher = await Watcher.open(server, users, 1)
        [reset, *present] = await watcher.events(5)
        assert reset[:2] == ("reset", None)
        assert [number is None for _, number, _ in present] == [True, True, True, False]

    asyncio.run(run())


def test_a_change_that_is_published_again_is_seen_once(cluster):
    """Also long after the change before it, and beside changes that are new, as the next owner publishes them."""
    server_of_nats, server = cluster
    others = [(number, "c-other") for number in range(10, 510)]
    messages = [[(1, "c-ana"), (2, "c-ana")], [(2, "c-ana"), (3, "c-bob"), (4, "c-ana")], [(2, "c-ana")]]
    messages += [others[:250], others[250:], [(1, "c-ana")], [(3, "c-bob"), (600, "c-ana")]]

    async def run():
        watcher = await Watcher.open(server, ["c-ana", "c-bob"])
        await publish(server_of_nats, *messages)
        events = await watcher.events(5)
        assert [data["id"] for _, _, data in events] == ["c-ana", "c-ana", "c-bob", "c-ana", "c-ana"]
        assert [number for _, number, _ in events] == sorted({number for _, number, _ in events})

    asyncio.run(run())


def test_a_watcher_starts_with_the_next_change_also_at_a_process_that_has_just_started(cluster, start_server):
    server_of_nats, server = cluster

    async def run():
        await change(server, *steps("d-ana", count=200))
        other = start_server("--nats", server_of_nats.url, "--shards", "1")
        watcher = await Watcher.open(other, ["d-ana"])
        [expected] = await change(server, *steps("d-ana", count=1))
        assert [data for _, _, data in await watcher.events(1)] == [expected]

    asyncio.run(run())


@pytest.mark.parametrize("mode", ["embedded", "cluster"])
def test_an_id_that_a_backup_does_not_have_is_none_of_the_restored_history(start_nats, start_server, mode):
    """The restored service gives the same numbers to other changes. An id from before the backup is known as ever."""
    nats_server = start_nats() if mode == "cluster" else None
    server = start_server("--shards", "1", *(("--nats", nats_server.url) if nats_server else ()))
    store = nats_server.folder / "store" if nats_server else server.folder / "data"
    backup = store.with_name("backup")

    def offline(copy, source, target):
        assert server.stop() == 0
        if nats_server:
            nats_server.kill()
        copy(source, target)
        if nats_server:
            nats_server.start()
        server.start()
        if nats_server:
            wait_until(lambda: server.metric("presence_shards") == 1)

    def replace(source, target):
        shutil.rmtree(target)
        shutil.copytree(source, target)

    async def seen(users, count):
        watcher = await Watcher.open(server, ["ana", "bob"])
        await change(server, *((user, CLAIMS[n % 3]) for n in range(count) for user in users))
        events = await watcher.events(count * len(users))
        watcher.close()
        return events[-1][1]

    async def run():
        kept = await seen(["ana"], 2)
        await asyncio.to_thread(offline, shutil.copytree, store, backup)
        lost = [await seen(["bob"], 1), await seen(["ana"], 3)]
        await asyncio.to_thread(offline, replace, backup, store)
        expected = await change(server, *(("ana", CLAIMS[n % 3]) for n in range(2, 11)))
        for last_id in lost:
            watcher = await Watcher.open(server, ["ana", "bob"], last_id)
            (name, *_), *present = await watcher.events(3)
            assert name == "reset" and {data["id"]: data["activity"] for _, _, data in present} == {"ana": CLAIMS[1][1], "bob": "Offline"}
        back = await Watcher.open(server, ["ana", "bob"], kept)
        assert [data for _, _, data in await back.events(len(expected))] == expected

    asyncio.run(run())
