"""Several processes on NATS are one service: any of them takes any request, and shards move when one comes or goes."""

import asyncio
import re
import time

import httpx
import pytest

from service import wait_until
from watcher import Watcher

USERS = [f"user {number}" for number in range(64)]
CALL = {"sessionId": "phone", "availability": "Busy", "activity": "InACall", "expirationDuration": "PT1H"}
AWAY = CALL | {"availability": "Away", "activity": "Away"}


@pytest.fixture(scope="module")
def cluster(start_nats, start_server):
    nats = start_nats()
    servers = [start_server("--nats", nats.url) for _ in range(3)]
    wait_until(lambda: sorted(map(shards, servers)) == [5, 5, 6] or sorted(map(shards, servers)) == [4, 6, 6])
    return servers


def shards(server):
    """How many shards a server owns."""
    found = re.search(r"^presence_shards (\d+)", httpx.get(f"{server.url}/metrics").text, re.MULTILINE)
    return int(found[1]) if found else 0


def post(server, user, action, body):
    return httpx.post(f"{server.url}/v1.0/users/{user}/presence/{action}", json=body, timeout=20)


def read(server, users):
    answer = httpx.post(f"{server.url}/v1.0/communications/getPresencesByUserId", json={"ids": users}, timeout=20)
    assert answer.status_code == 200, answer.text
    return [presence["activity"] for presence in answer.json()["value"]]


def test_a_command_to_any_process_is_read_at_once_at_every_other(cluster):
    for number, user in enumerate(USERS):
        body = CALL if number % 2 else AWAY
        assert post(cluster[number % 3], user, "setPresence", body).status_code == 200
        assert {read(server, [user])[0] for server in cluster} == {body["activity"]}
    assert all(read(server, USERS) == ["Away", "InACall"] * 32 for server in cluster)


def test_a_rejection_comes_back_from_any_owner(cluster):
    for number, user in enumerate(USERS):
        answer = post(cluster[number % 3], user, "clearPresence", {"sessionId": "nobody's"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NotFound")


def test_a_watcher_at_any_process_sees_the_same_and_comes_back_at_another(cluster):
    users = [f"watched-{number}" for number in range(12)]

    async def run():
        watchers = [await Watcher.open(server, users) for server in cluster]
        for number, user in enumerate(users):
            assert (await asyncio.to_thread(post, cluster[number % 3], user, "setPresence", CALL)).status_code == 200
        first, second, third = [await watcher.events(12) for watcher in watchers]
        assert first == second == third and {data["id"] for _, _, data in first} == set(users)
        back = await Watcher.open(cluster[1], users, first[4][1])
        assert await back.events(7) == first[5:]

    asyncio.run(run())


def test_shards_move_when_a_process_goes_and_when_it_comes_back(cluster):
    expected = read(cluster[0], USERS)
    gone, *others = cluster
    assert gone.stop() == 0
    wait_until(lambda: sum(map(shards, others)) == 16, 20, "taking the shards of a process that has left")
    assert all(read(server, USERS) == expected for server in others)
    gone.start()
    wait_until(lambda: min(map(shards, cluster)) >= 4, 20, "sharing with a process that has come")
    wait_until(lambda: sum(map(shards, cluster)) == 16, 20, "an owner for each shard")
    assert all(read(server, USERS) == expected for server in cluster)


def test_users_answer_again_soon_after_their_owner_was_killed(cluster, say):
    expected = read(cluster[0], USERS)
    gone, *others = cluster
    gone.kill()
    begin = time.monotonic()
    missing = set(range(len(USERS)))
    while missing:
        missing -= {n for n in missing if post(others[0], USERS[n], "setPresence", CALL).status_code == 200}
        assert time.monotonic() - begin < 20
    say(f"cluster: all users answered {time.monotonic() - begin:.1f} s after the kill of an owner")
    assert read(others[1], USERS) == ["InACall"] * 64 and "Away" in expected
    gone.start()
