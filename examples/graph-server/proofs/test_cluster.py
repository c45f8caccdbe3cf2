"""Several processes on NATS are one service: any of them takes any request, and shards move when one comes or goes."""

import asyncio
import json
import re
import time

import httpx
import nats as client
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


def with_bucket(nats, bucket, use):
    """Uses a bucket of keys and values in NATS, beside the servers."""

    async def connected():
        connection = await client.connect(nats.url)
        try:
            return await use(await connection.jetstream().key_value(bucket))
        finally:
            await connection.close()

    return asyncio.run(connected())


def test_a_shard_whose_record_names_a_process_that_does_not_own_it_is_taken_by_that_process(start_nats, start_server):
    """So it is left when NATS is lost while a process leaves it. The process has its share without it."""
    nats = start_nats()
    one = start_server("--nats", nats.url)
    wait_until(lambda: shards(one) == 16)
    two = start_server("--nats", nats.url)
    wait_until(lambda: (shards(one), shards(two)) == (8, 8))
    assert {post(one, user, "setPresence", CALL).status_code for user in USERS} == {200}

    async def turn(records):
        """The records of one process name the other."""
        found = {key: await records.get(key) for key in await records.keys()}
        gone, other = sorted({json.loads(entry.value)["owner"] for entry in found.values()})
        for key, entry in found.items():
            record = json.loads(entry.value)
            if record["owner"] == gone:
                await records.put(key, json.dumps(record | {"owner": other}).encode())

    with_bucket(nats, "presence-shards", turn)
    wait_until(lambda: any(re.search("was (abandoned|taken)", server.said()) for server in (one, two)))
    everybody = lambda server: httpx.post(f"{server.url}/v1.0/communications/getPresencesByUserId", json={"ids": USERS})
    wait_until(lambda: all(everybody(server).status_code == 200 for server in (one, two)), 20, "an owner for each shard")
    assert read(one, USERS) == read(two, USERS) == ["InACall"] * 64
    wait_until(lambda: (shards(one), shards(two)) == (8, 8), 20, "sharing again")


def test_health_tells_of_a_shard_that_its_owner_cannot_serve(start_nats, start_server):
    nats = start_nats()
    server = start_server("--nats", nats.url)
    health = lambda: httpx.get(f"{server.url}/healthz")
    wait_until(lambda: health().status_code == 200, what="health")
    assert server.stop() == 0
    lost = json.dumps({"owner": None, "sequence": 1, "object": "lost"}).encode()
    with_bucket(nats, "presence-shards", lambda records: records.put("3", lost))
    server.start()
    wait_until(lambda: shards(server) >= 15)
    for _ in range(20):
        answer = health()
        assert answer.status_code == 503, "its snapshot is lost"
        time.sleep(0.1)
    assert "1 of 16 shards" in answer.json()["error"]["message"]


def test_processes_end_when_nats_has_lost_its_store_and_go_on_when_they_are_started_again(start_nats, start_server):
    nats = start_nats()
    servers = [start_server("--nats", nats.url) for _ in range(2)]
    wait_until(lambda: [shards(server) for server in servers] == [8, 8])
    assert post(servers[0], "ana", "setPresence", CALL).status_code == 200
    nats.lose()
    wait_until(lambda: all(httpx.get(f"{server.url}/healthz").status_code == 503 for server in servers))
    nats.start()
    for server in servers:
        wait_until(lambda: not server.is_running(), 20, "the end of a process that has no log")
        assert server.process.returncode == 1
        assert re.search("NATS has lost the stream|in NATS is not the one of the start", server.said())
        server.start()
    wait_until(lambda: sum(map(shards, servers)) == 16, 20, "an owner for each shard")
    assert post(servers[0], "ana", "setPresence", CALL).status_code == 200
    assert {read(server, ["ana"])[0] for server in servers} == {"InACall"}


def test_what_a_kill_has_left_of_a_snapshot_is_deleted_by_the_next_owner(start_nats, start_server):
    nats = start_nats()
    server = start_server("--nats", nats.url, "--shards", "2")
    wait_until(lambda: shards(server) == 2)
    assert {post(server, user, "setPresence", CALL).status_code for user in USERS} == {200}
    assert server.stop() == 0
    stream, filter = "OBJ_presence-snapshots", "$O.presence-snapshots.C.>"

    async def chunks(twice=False):
        """The subjects of chunks, or each of them, stored for a second time as if a kill had come then."""
        connection = await client.connect(nats.url)
        jetstream = connection.jetstream()
        found = (await jetstream.stream_info(stream, subjects_filter=filter)).state.subjects or {}
        for chunk in found if twice else []:
            await jetstream.publish(f"{chunk}-killed", (await jetstream.get_last_msg(stream, chunk)).data)
        await connection.close()
        return set(found)

    named = asyncio.run(chunks(twice=True))
    assert len(named) == 2 and len(asyncio.run(chunks())) == 4
    server.start()
    wait_until(lambda: asyncio.run(chunks()) == named, 20, "deleting what was left")
    assert read(server, USERS) == ["InACall"] * 64


def test_two_services_share_a_nats_by_prefixes(start_nats, start_server):
    nats = start_nats()
    servers = [start_server("--nats", nats.url, "--nats-prefix", name) for name in ("one", "two_2")]
    wait_until(lambda: [shards(server) for server in servers] == [16, 16])
    assert post(servers[0], "ana", "setPresence", CALL).status_code == 200
    assert [read(server, ["ana"])[0] for server in servers] == ["InACall", "Offline"]
