"""What an operator sees: the metrics that the README lists are there, and say what has happened."""

import asyncio
import re
import time
from pathlib import Path

import httpx
import pytest

from service import wait_until
from watcher import Watcher

README = Path(__file__).parent.parent / "README.md"
CALL = {"sessionId": "phone", "availability": "Busy", "activity": "InACall", "expirationDuration": "PT1H"}


def listed(place):
    """The metrics that the README lists for servers with a folder, or with NATS."""
    rows = re.findall(r"^\| `(presence_\w+)`[^|]*\| ([^|]*) \|", README.read_text(), re.MULTILINE)
    assert len(rows) > 10
    return {name for name, where in rows if where in ("both", place)}


def set_session(server, user):
    url = f"{server.url}/v1.0/users/{user}/presence/setPresence"
    return httpx.post(url, json=CALL, timeout=20).status_code == 200


@pytest.mark.parametrize("place", ["folder", "NATS"])
def test_the_metrics_of_the_readme_are_there_and_count(place, start_server, start_nats):
    flags = ("--nats", start_nats().url) if place == "NATS" else ()
    server = start_server("--shards", "2", *flags)
    for user in ("user-0", "user-1"):
        wait_until(lambda: set_session(server, user), what="an owner for each shard")

    async def run():
        # A watcher of an older service.
        watcher = await Watcher.open(server, ["ana"], 2**62)
        for user in ("ana", *(f"user-{number}" for number in range(2, 30))):
            assert await asyncio.to_thread(set_session, server, user)
        await watcher.events(3)
        assert server.metric("presence_watchers") == server.metric("presence_watchers_reset_total") == 1
        watcher.close()

    asyncio.run(run())
    wait_until(lambda: server.metric("presence_users") == 31 and server.metric("presence_watchers") == 0)
    assert server.metric("presence_changes_total") == 31
    assert server.metric("presence_commands_waiting") == server.metric("presence_changes_waiting") == 0
    assert server.metric("presence_log_seconds_count") > 0
    if place == "NATS":
        assert abs(server.metric("presence_lease_renewed_timestamp_seconds") - time.time()) < 3
    else:
        assert server.metric("presence_log_groups") == 31
    text = httpx.get(f"{server.url}/metrics").text
    found = {re.sub("_(bucket|sum|count)$", "", name) for name in re.findall(r"^(presence_\w+)", text, re.MULTILINE)}
    # What has not happened yet is not shown.
    assert found <= listed(place) and listed(place) - found <= {"presence_snapshot_seconds", "presence_watchers_slow_total"}
