"""Clocks that are wrong: a read is never before or after what its command has said, and time in the log goes on."""

import re
import struct
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from log import Log
from service import Server, wait_until

CALL = {"sessionId": "phone", "availability": "Busy", "activity": "InACall", "expirationDuration": "PT5M"}
PRIVATE = {"availability": "DoNotDisturb", "activity": "DoNotDisturb", "expirationDuration": "PT3S"}
MINUTES, NONE = 600, -(2**63)


class WrongClock:
    """The flags of a server whose clock is wrong by some seconds, which can change while it runs."""

    def __init__(self, folder, seconds):
        library = folder / "clock.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, Path(__file__).with_name("clock.c")], check=True)
        self.offset = folder / "offset"
        self.set(seconds)
        self.environment = {"LD_PRELOAD": str(library), "CLOCK_OFFSET": str(self.offset)}

    def set(self, seconds):
        with self.offset.open("r+b" if self.offset.exists() else "wb") as file:
            file.write(struct.pack("@q", seconds))


def post(server, user, action, body):
    answer = httpx.post(f"{server.url}/v1.0/users/{user}/presence/{action}", json=body, timeout=20)
    assert answer.status_code == 200, answer.text


def read(server, user):
    answer = httpx.get(f"{server.url}/v1.0/users/{user}/presence", timeout=20)
    assert answer.status_code == 200, answer.text
    return answer.json()["activity"]


def set_and_expire(user, servers):
    """Sets a session and a preference, which counts at once at each server, and ends there after its three seconds."""
    post(servers[0], user, "setPresence", CALL)
    begin = time.monotonic()
    post(servers[-1], user, "setUserPreferredPresence", PRIVATE)
    set_at, seen = time.monotonic(), []
    while time.monotonic() < set_at + 5:
        now = time.monotonic()
        seen.append((now, {read(server, user) for server in servers}, time.monotonic()))
        time.sleep(0.02)
    for before, activities, after in seen:
        if after < begin + 2.9:
            assert activities == {"DoNotDisturb"}, f"{after - begin} s after it was set"
        if before > set_at + 3.5:
            assert activities == {"InACall"}, f"{before - set_at} s after it was set"


def test_processes_whose_clocks_are_ten_minutes_apart_read_what_was_written(start_nats, start_server, tmp_path):
    nats = start_nats()
    for name in ("fast", "slow"):
        (tmp_path / name).mkdir()
    clocks = WrongClock(tmp_path / "fast", MINUTES), WrongClock(tmp_path / "slow", -MINUTES)
    servers = [start_server("--nats", nats.url, "--shards", "4", environment=clock.environment) for clock in clocks]
    wait_until(lambda: [server.metric("presence_shards") for server in servers] == [2, 2], what="sharing")
    log = Log(nats.url)
    log.keep()
    users = [f"user-{number}" for number in range(8)]
    for user in users:
        for server in servers:
            post(server, user, "setPresence", CALL)
            assert {read(other, user) for other in servers} == {"InACall"}
    set_and_expire("ana", servers)
    set_and_expire("bob", servers[::-1])
    time.sleep(2)
    ticks = [entry for entry in log.entries() if not entry[1]]
    assert len(ticks) == 2, "one for each preference that has ended"
    assert {read(server, user) for server in servers for user in users} == {"InACall"}


@pytest.mark.parametrize("step", [MINUTES, -MINUTES])
def test_a_clock_that_is_set_while_the_server_runs_hides_no_answered_command(start_server, tmp_path, step):
    clock = WrongClock(tmp_path, 0)
    server = start_server("--shards", "4", environment=clock.environment)
    users = [f"user-{number}" for number in range(8)]
    for user in users[:4]:
        post(server, user, "setPresence", CALL)
    assert read(server, users[-1]) == "Offline"
    clock.set(step)
    for user in users:
        post(server, user, "setPresence", CALL)
        assert read(server, user) == "InACall"
    assert {read(server, user) for user in users} == {"InACall"}
    if step > 0:
        set_and_expire("ana", [server])
    server.kill()
    server.start()
    assert {read(server, user) for user in users} == {"InACall"}


def test_a_writer_that_panics_ends_the_process(tmp_path):
    """Its clock fails, which is as good a reason as any. A supervisor can start the process again, and nothing is lost."""
    clock = WrongClock(tmp_path, 0)
    server = Server(tmp_path / "server", environment=clock.environment).start()
    try:
        post(server, "ana", "setPresence", CALL)
        clock.set(NONE)
        wait_until(lambda: not server.is_running(), 10, "the end")
        assert server.process.returncode == 1 and "the writer has panicked" in server.said()
        clock.set(0)
        server.start()
        assert read(server, "ana") == "InACall"
    finally:
        server.kill()


def test_a_task_of_a_cluster_that_panics_ends_the_process(start_nats, tmp_path):
    """The clock fails while NATS is away, when nothing but a task in the background says something."""
    nats, clock = start_nats(), WrongClock(tmp_path, 0)
    server = Server(tmp_path / "server", "--nats", nats.url, environment=clock.environment).start()
    try:
        wait_until(lambda: server.metric("presence_shards") == 16, what="owning")
        nats.kill()
        wait_until(lambda: server.metric("presence_shards") == 0, what="the end of the owners")
        time.sleep(1)
        clock.set(NONE)
        wait_until(lambda: not server.is_running(), 20, "the end")
        assert server.process.returncode == 1 and re.search("Error: .* has (failed|panicked)", server.said())
    finally:
        server.kill()
