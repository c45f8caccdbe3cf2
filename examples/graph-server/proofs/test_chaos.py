"""Three processes on NATS, killed at random under load: nothing that was answered is lost, and nothing is made up."""

import json
import random
import re
import subprocess
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

import httpx
import pytest

from log import Log
from oracle import Replay
from service import pause, resume, wait_until

SEED, SHARDS, SERVERS, ROUNDS, COMMANDS, USERS = 13, 16, 3, 28, 104_000, 2_000
LOADERS, CLIENTS = 4, 24


class Run:
    """What is left of one run: what clients were answered, the log, the changes and the state."""

    def __init__(self, nats, servers, folder):
        self.nats, self.servers, self.folder, self.log = nats, servers, folder, Log(nats.url)
        self.kills = Counter()
        self.meanwhile = []

    def play(self):
        stop, ports = self.folder / "stop", ",".join(str(server.port) for server in self.servers)
        share = COMMANDS // LOADERS
        loaders = [
            subprocess.Popen([sys.executable, "load.py", ports, str(number), str(CLIENTS), str(share), str(USERS), stop, self.history(number)],
                             cwd=Path(__file__).parent)
            for number in range(LOADERS)
        ]
        try:
            self.harm()
            stop.touch()
            for loader in loaders:
                assert loader.wait(600) == 0
        finally:
            for loader in loaders:
                loader.kill()

    def history(self, number):
        return self.folder / f"history-{number}.jsonl"

    def harm(self):
        """Kills servers at random and, halfway, NATS. Some servers leave in peace, and store their shards."""
        dice = random.Random(SEED)
        for number in range(ROUNDS):
            time.sleep(dice.uniform(1, 3))
            if number == ROUNDS // 2:
                self.harm_nats()
            victims = dice.sample(self.servers, dice.choice([1, 1, 2]))
            leaves = number % 4 == 0
            for victim in victims:
                if leaves:
                    assert victim.stop() == 0
                else:
                    victim.kill()
                    self.kills[victim.port] += 1
            time.sleep(dice.uniform(0, 3))
            for victim in victims:
                victim.start()

    def harm_nats(self):
        self.nats.kill()
        time.sleep(0.5)
        for server in self.servers:
            url = f"{server.url}/v1.0/users/nobody/presence/clearUserPreferredPresence"
            begin = time.monotonic()
            answer = httpx.post(url, json={}, timeout=30)
            self.meanwhile.append((answer, time.monotonic() - begin))
        # The mirror of the log takes a while. Until then nothing may be purged.
        for server in self.servers:
            pause(server)
        self.nats.start()
        self.log.catch_up()
        for server in self.servers:
            resume(server)

    def end(self):
        """Waits until nothing is due, asks for every user, ends the servers, and reads what is left."""
        shares = lambda: [self.shards(server) for server in self.servers]
        wait_until(lambda: min(shares()) > 0 and sum(shares()) == SHARDS, 60, "an owner for each shard")
        # The shortest preferences end, so that nothing is due.
        time.sleep(7)
        self.shares = shares()
        self.found = self.explanations()
        assert [server.stop() for server in self.servers] == [0] * SERVERS
        self.entries = list(self.log.entries())
        self.published = self.log.changes()
        self.stored = self.log.models()
        self.expected = Replay(self.entries)
        self.answered = [json.loads(line) for number in range(LOADERS) for line in self.history(number).open()]

    def shards(self, server):
        [value] = re.findall(r"^presence_shards (\d+)", httpx.get(f"{server.url}/metrics").text, re.MULTILINE) or ["0"]
        return int(value)

    def explanations(self):
        """Why each user has its presence, asked of the servers in turn."""
        found, clients = {}, [httpx.Client(base_url=server.url, timeout=30) for server in self.servers]
        for number in range(USERS):
            ask = lambda: clients[number % SERVERS].get(f"/why/user-{number}")
            answer = wait_until(lambda: (answer := ask()).status_code == 200 and answer, 60, "an owner")
            found[f"user-{number}"] = answer.json()["explanation"]
        return found


@pytest.fixture(scope="module")
def run(start_nats, start_server, tmp_path_factory):
    nats = start_nats()
    servers = [start_server("--nats", nats.url, "--shards", SHARDS) for _ in range(SERVERS)]
    run = Run(nats, servers, tmp_path_factory.mktemp("history"))
    run.log.keep()
    run.play()
    run.end()
    return run


def test_at_least_100_000_commands_were_answered_and_20_processes_killed(run, say):
    statuses = Counter(result["status"] for result in run.answered)
    assert sum(statuses.values()) >= 100_000 and set(statuses) == {200, 404}, statuses
    assert run.kills.total() >= 20 and len(run.kills) == SERVERS, run.kills
    attempts, busy = (sum(result[name] for result in run.answered) for name in ("attempts", "busy"))
    say(f"chaos: {run.kills.total()} kills of {SERVERS} processes and one of NATS, {attempts} attempts, {busy} answers 429 or 503")
    say(f"chaos: {sum(statuses.values())} commands answered, {len(run.entries)} entries in the log")


def test_while_nats_is_down_requests_fail_with_503(run):
    for answer, seconds in run.meanwhile:
        assert answer.status_code == 503 and "retry-after" in answer.headers
        assert answer.json()["error"]["innerError"]["request-id"] == answer.headers["request-id"]
        assert seconds < 15
    assert any(result["busy"] for result in run.answered)


def test_shards_are_spread_over_the_processes(run):
    assert sum(run.shares) == SHARDS and max(run.shares) - min(run.shares) <= SERVERS, run.shares


def test_time_in_the_log_never_goes_backwards(run):
    times = [at for at, _, _ in run.entries]
    assert times == sorted(times)


def identity(user, action, body):
    return user, action, json.dumps(body, sort_keys=True)


def test_every_command_that_was_answered_is_in_the_log_in_the_order_of_its_client(run):
    logged = defaultdict(list)
    for number, (_, user, command) in enumerate(run.entries, 1):
        [(action, body)] = command.items()
        logged[identity(user, action, normal(body or {}))].append(number)
    last, answered, attempts = Counter(), Counter(), Counter()
    for result in run.answered:
        key = identity(result["user"], result["action"], normal(result["body"]))
        later = (n for n in logged[key] if n > last[result["client"]] and run.expected.status[n - 1] == result["status"])
        last[result["client"]] = next(later, None)
        assert last[result["client"]], f"answered, and not in the log: {result}"
        answered[key] += 1
        attempts[key] += result["attempts"]
    for key, sequences in logged.items():
        assert key[1] == "tick" or key[0] == "nobody" or answered[key] <= len(sequences) <= attempts[key], key


def normal(body):
    """A body without what may be written in several ways. The fraction of the lifetime tells commands apart."""
    duration = body.get("expirationDuration")
    return body | {"expirationDuration": duration.partition(".")[2].rstrip("S0")} if duration else body


def test_the_state_of_every_user_equals_that_of_one_directory_fed_with_the_log(run):
    """First as the servers explain it, and then as they have stored it, byte for byte."""
    expected = run.expected
    for user, explanation in run.found.items():
        if user in expected.explanations:
            assert explanation == expected.explanations[user], user
        else:
            assert explanation["reason"] == "noSession" and not explanation["waiting"], user
    assert len(expected.models) > USERS / 2
    assert run.stored == expected.models


def test_the_changes_of_every_user_are_those_of_one_directory_in_order(run, say):
    users, total, repeats = defaultdict(list), 0, 0
    for changes in run.published.values():
        kept, last = {}, 0
        for change in changes:
            # A reader drops what has no higher number than the last one of the shard.
            if change["number"] <= last:
                assert kept[change["number"]] == change, "a number is given once"
                repeats += 1
                continue
            last = change["number"]
            kept[last] = change
            users[change["user"]].append((change["at"], *change["presence"].values()))
        total += len(kept)
    assert users == run.expected.changes
    assert total > 10_000
    say(f"chaos: {total} changes of {len(users)} users, and {repeats} repeats")
