"""40,000 users of one shard change at once: commands go on, changes come later and in order, and processes come and go."""

import asyncio
import json
import time
from collections import Counter

import httpx
import nats
import pytest

from log import Log
from service import wait_until
from watcher import Watcher
from wire import Connection

USERS, GROUP = 40_000, 200
PRIVATE = {"availability": "DoNotDisturb", "activity": "DoNotDisturb", "expirationDuration": "PT30S"}
CALL = {"sessionId": "phone", "availability": "Busy", "activity": "InACall", "expirationDuration": "PT1H"}


async def fill(nats_server, shard=0):
    """Puts sessions and preferences of all users into the log, so that the preferences end within a second or two."""
    commands = (("setPresence", CALL), ("setUserPreferredPresence", PRIVATE))
    await put(nats_server, shard, [(f"user-{n}", *command) for command in commands for n in range(USERS)])


async def put(nats_server, shard, commands):
    """Puts commands into the log of a shard, as groups of a process that waits for no answer."""
    client = await nats.connect(nats_server.url)
    jetstream = client.jetstream(timeout=20)
    entries = [{"user": user, "command": {action: body}, "at": None} for user, action, body in commands]
    groups = [json.dumps(entries[at:at + GROUP]).encode() for at in range(0, len(entries), GROUP)]
    for at in range(0, len(groups), 20):
        await asyncio.gather(*(jetstream.publish(f"presence.commands.{shard}", group) for group in groups[at:at + 20]))
    await client.close()


async def command(port, user, seconds, answers):
    """Changes a user again and again, and keeps each status and how long it took."""
    connection, begin = await Connection.open(port), time.monotonic()
    while time.monotonic() < begin + seconds:
        sent = time.monotonic()
        claim = ("Busy", "InACall") if len(answers) % 2 else ("Away", "Away")
        body = CALL | dict(zip(("availability", "activity"), claim))
        answer = await connection.request("POST", f"/v1.0/users/{user}/presence/setPresence", body, seconds=30)
        answers.append((answer.status, time.monotonic() - sent))
        await asyncio.sleep(0.01)
    connection.close()


def works(server):
    url = f"{server.url}/v1.0/users/busy/presence/setPresence"
    return httpx.post(url, json=CALL, timeout=20).status_code == 200


@pytest.fixture(scope="module")
def cluster(start_nats, start_server):
    nats_server = start_nats()
    log = Log(nats_server.url)
    server = start_server("--nats", nats_server.url, "--shards", "1")
    wait_until(lambda: server.metric("presence_shards") == 1)
    log.keep()
    return nats_server, server, log


def test_commands_go_on_while_40_000_users_expire(cluster, say):
    nats_server, server, _ = cluster

    async def run():
        watcher = await Watcher.open(server, ["user-0", "user-39999", "busy"])

        async def read():
            seen, calls = [], Counter()
            while calls["user-0"] < 2 or calls["user-39999"] < 2:
                _, _, data = await watcher.event()
                seen.append((data["id"], data["activity"]))
                calls[data["id"]] += data["activity"] == "InACall"
            return seen

        reading = asyncio.create_task(read())
        begin = time.monotonic()
        await fill(nats_server)
        applied = lambda: server.metric("presence_changes_total") >= 2 * USERS
        await asyncio.to_thread(wait_until, applied, 25, "the last change before they expire")
        answers = []
        await command(server.port, "busy", begin + 40 - time.monotonic(), answers)
        seen = await asyncio.wait_for(reading, 20)
        return answers, seen

    answers, seen = asyncio.run(run())
    for user in ("user-0", "user-39999"):
        assert [a for u, a in seen if u == user] == ["InACall", "DoNotDisturb", "InACall"]
    busy = [a for u, a in seen if u == "busy"]
    assert busy == [("Away", "InACall")[n % 2] for n in range(len(busy))]
    assert {status for status, _ in answers} == {200}
    slowest = max(seconds for _, seconds in answers)
    say(f"expiry: {len(answers)} commands while {USERS} users expired, the slowest took {slowest:.2f} s")
    assert slowest < 4


def test_a_process_that_leaves_or_comes_while_changes_wait_takes_seconds_and_loses_none(cluster, start_server):
    nats_server, server, log = cluster

    async def run():
        await fill(nats_server)
        # The users have expired, and their changes wait.
        started = time.monotonic()
        wait_until(lambda: server.metric("presence_changes_waiting") > 1000 or time.monotonic() > started + 31, 60)

    asyncio.run(run())
    begin = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - begin < 8
    other = start_server("--nats", nats_server.url, "--shards", "1")
    wait_until(lambda: works(other), 30, "taking the shard")
    assert other.stop() == 0
    assert len(published(log, 0)) == USERS + 1


def published(log, shard):
    """The changes of each user of a shard, without repeats."""
    users, last = {}, 0
    for change in log.changes()[f"presence.changes.{shard}"]:
        if change["number"] > last:
            last = change["number"]
            users.setdefault(change["user"], []).append(change["presence"]["activity"])
    return users


def test_a_process_that_comes_while_another_stays_with_a_backlog_gets_its_share(start_nats, start_server, say):
    """The shard that it gets is the one whose changes wait. Commands of both shards go on at both processes."""
    nats_server = start_nats()
    log, flags = Log(nats_server.url), ("--nats", nats_server.url, "--shards", "2")
    first = start_server(*flags)
    wait_until(lambda: first.metric("presence_shards") == 2)
    log.keep()
    asyncio.run(fill(nats_server, shard=1))
    wait_until(lambda: first.metric("presence_changes_total") >= 2 * USERS, 25, "the last change before they expire")
    wait_until(lambda: first.metric("presence_changes_waiting") > 1000, 40, "a backlog")
    begin = time.monotonic()
    second, answers = start_server(*flags), []

    async def run():
        await asyncio.gather(*(command(server.port, user, 15, answers) for server in (first, second) for user in ("busy", "ana", "bob")))

    asyncio.run(run())
    assert {status for status, _ in answers} == {200}
    slowest = max(seconds for _, seconds in answers)
    say(f"expiry: {len(answers)} commands while a process joined one with a backlog, the slowest took {slowest:.2f} s")
    wait_until(lambda: [server.metric("presence_shards") for server in (first, second)] == [1, 1], 30, "sharing")
    assert time.monotonic() - begin < 40 and slowest < 8
    wait_until(lambda: sum(server.metric("presence_changes_waiting") for server in (first, second)) == 0, 60, "the last change")
    assert second.stop() == first.stop() == 0
    users = published(log, 1)
    assert all(users[f"user-{n}"][:2] == ["InACall", "DoNotDisturb"] for n in range(USERS))


def test_a_shard_with_too_many_changes_that_wait_goes_on_when_they_can_be_published(start_nats, start_server, say):
    """NATS takes no change for a while. Reads go on, commands wait in the log, and then each change is published once."""
    nats_server, users = start_nats(), 270_000
    log = Log(nats_server.url)
    server = start_server("--nats", nats_server.url, "--shards", "1")
    wait_until(lambda: server.metric("presence_shards") == 1)
    log.keep()

    async def limit(size):
        client = await nats.connect(nats_server.url)
        config = (await client.jetstream().stream_info("presence-changes")).config
        config.max_msg_size = size
        await client.jetstream().update_stream(config)
        await client.close()

    asyncio.run(limit(1))
    before = server.memory()
    asyncio.run(put(nats_server, 0, [(f"user-{n}", "setPresence", CALL) for n in range(users)]))
    wait_until(lambda: server.metric("presence_changes_waiting") >= 262_144, 120, "too many changes")
    time.sleep(2)
    waiting, grown = server.metric("presence_changes_waiting"), server.memory() - before
    say(f"expiry: {waiting:.0f} changes wait, in {grown / 2**20:.0f} MiB with their users")
    assert waiting < 262_144 + GROUP
    assert httpx.get(f"{server.url}/v1.0/users/user-0/presence").json()["activity"] == "InACall"
    answer = httpx.post(f"{server.url}/v1.0/users/busy/presence/setPresence", json=CALL, timeout=20)
    assert answer.status_code == 503 and "may have been accepted" in answer.json()["error"]["message"]
    asyncio.run(limit(-1))
    wait_until(lambda: works(server), 60, "going on")
    wait_until(lambda: server.metric("presence_changes_waiting") == 0, 60, "the last change")
    assert server.stop() == 0
    assert published(log, 0) == {f"user-{n}": ["InACall"] for n in range(users)} | {"busy": ["InACall"]}
