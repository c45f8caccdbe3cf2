"""DEPLOYING.md as it is written: its files and commands set up a machine, and do what the page says."""

import asyncio
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time

import httpx
import pytest

import tokens
from deploying import TOOLS, commands, file
from load import Client
from sdk import missing
from service import wait_until

BEARER = tokens.bearer(tokens.application(key=tokens.RSA_KEY, algorithm="RS256", kid="rsa"))
CALL = {"sessionId": "phone", "availability": "Busy", "activity": "InACall", "expirationDuration": "PT4H"}


class Load:
    """Clients that set sessions for one new user after the other, and note who was answered."""

    def __init__(self, *ports):
        self.ports, self.asked, self.answered, self.stopped = ports, [], [], False
        self.thread = threading.Thread(target=lambda: asyncio.run(self.run()))

    async def run(self):
        await asyncio.gather(*(self.one(number) for number in range(8)))

    async def one(self, client):
        connection, number = Client(self.ports, BEARER, client), 0
        while not self.stopped:
            user, number = f"user-{client}-{number}", number + 1
            self.asked.append(user)
            if (await connection.send(user, "setPresence", CALL))[0] == 200:
                self.answered.append(user)
        connection.close()

    def __enter__(self):
        self.thread.start()
        wait_until(lambda: len(self.answered) > 200, what="200 answers")
        return self

    def __exit__(self, *_):
        self.stopped = True
        self.thread.join()


def in_a_call(port, users):
    """Those of some users whose session is there."""
    found, url = set(), f"http://127.0.0.1:{port}/v1.0/communications/getPresencesByUserId"
    for begin in range(0, len(users), 650):
        ask = lambda: httpx.post(url, json={"ids": users[begin:begin + 650]}, headers=BEARER, timeout=20)
        answer = wait_until(lambda: (answer := ask()).status_code == 200 and answer, what="an owner")
        found |= {presence["id"] for presence in answer.json()["value"] if presence["activity"] == "InACall"}
    return found


@pytest.fixture(scope="module")
def machine(start_machine):
    """A machine with one process, as the page sets it up."""
    machine = start_machine()
    install, start, _ = commands("One process")
    machine.run(install)
    machine.write("/etc/systemd/system/presence.service")
    assert machine.run(start).endswith("ok\n")
    return machine


@pytest.fixture(scope="module")
def nats_cli():
    """NATS's command line, for the commands of the page."""
    if lacked := missing("go"):
        pytest.skip(f"this machine lacks {lacked[0]}")
    if not (TOOLS / "nats").exists():
        subprocess.run(["go", "install", "-p=1", "github.com/nats-io/natscli/nats@v0.5.0"], check=True,
                       env=os.environ | {"GOBIN": str(TOOLS), "GOMAXPROCS": "1", "GOGC": "50"})


@pytest.fixture(scope="module")
def behind_nginx(machine):
    """The machine with nginx in front, and a client that trusts its certificate."""
    if not shutil.which("nginx"):
        pytest.skip("this machine lacks nginx")
    install, reload = commands("nginx in front")
    machine.run(install)
    machine.write("/etc/nginx/conf.d/presence.conf")
    machine.start("nginx")
    said = machine.run(reload)
    assert "test is successful" in said and '"activity":"Offline"' in said, said
    with httpx.Client(base_url=machine.url, headers=BEARER, verify=trust(machine), timeout=20) as client:
        yield client


def trust(machine):
    return ssl.create_default_context(cafile=machine.certificate)


def is_graphs_error(answer, status, code):
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["code"] == code and error["message"] and error["innerError"]["date"]
    assert error["innerError"]["request-id"] == answer.headers["request-id"]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="this machine lacks systemd-analyze")
@pytest.mark.parametrize("arguments", [["verify"], ["security", "--offline=yes", "--threshold=20"]], ids=lambda words: words[0])
def test_systemd_takes_the_unit_and_finds_little_to_attack(machine, arguments):
    unit = machine.folder / "etc/systemd/system/presence.service"
    done = subprocess.run(["systemd-analyze", *arguments, unit], capture_output=True, text=True)
    assert done.returncode == 0 and "presence.service:" not in done.stderr, done.stdout[-600:] + done.stderr


def test_new_keys_are_read_without_a_pause(machine):
    url, process = f"http://127.0.0.1:{machine.ports['8080']}/v1.0/users/ana/presence", machine.services["presence"].process
    stranger = tokens.bearer(tokens.application(key=tokens.STRANGERS_KEY, algorithm="RS256", kid="new"))
    status = lambda headers: httpx.get(url, headers=headers).status_code
    assert (status(BEARER), status(stranger)) == (200, 401)
    keys = json.loads((machine.folder / "jwks.json").read_text())
    new = tokens.jwt.algorithms.RSAAlgorithm.to_jwk(tokens.STRANGERS_KEY.public_key(), as_dict=True)
    keys["keys"].append({name: new[name] for name in ("kty", "n", "e")} | {"kid": "new"})
    (machine.folder / "jwks.json").write_text(json.dumps(keys))
    machine.run(commands("One process")[2])
    wait_until(lambda: (status(BEARER), status(stranger)) == (200, 200), what="reading the new keys")
    assert machine.services["presence"].process is process and process.poll() is None


def test_what_nginx_answers_by_itself_has_graphs_shape(machine, behind_nginx):
    assert behind_nginx.get("/healthz").status_code == behind_nginx.get("/metrics").status_code == 404
    large = behind_nginx.post("/v1.0/users/ana/presence/setPresence", content=b" " * 300_000)
    is_graphs_error(large, 413, "RequestEntityTooLarge")
    machine.systemctl("stop", "presence")
    stopped = behind_nginx.get("/v1.0/users/ana/presence")
    machine.systemctl("start", "presence")
    is_graphs_error(stopped, 503, "ServiceUnavailable")
    assert stopped.headers["retry-after"] == "1"
    wait_until(lambda: behind_nginx.get("/v1.0/users/ana/presence").status_code == 200)


def test_ids_reach_the_server_as_they_were_sent(behind_nginx):
    ids = ["a/b", "a//b", "a%2Fb", "a b+c", "ä", "..", "a?b#c"]
    for number, user in enumerate(ids):
        path = f"/v1.0/users/{''.join(f'%{byte:02X}' for byte in user.encode())}/presence"
        assert behind_nginx.post(f"{path}/setPresence", json=CALL | {"sessionId": f"{number}"}).status_code == 200, user
        answer = behind_nginx.get(path).json()
        assert (answer["id"], answer["activity"]) == (user, "InACall")


def test_each_change_passes_nginx_at_once(behind_nginx):
    changes = "/v1.0/communications/presences/changes?ids=watched"
    with behind_nginx.stream("GET", changes) as stream:
        lines = stream.iter_lines()
        for activity in ("InACall", "Offline", "InACall"):
            action = "setPresence" if activity == "InACall" else "clearPresence"
            begin = time.monotonic()
            assert behind_nginx.post(f"/v1.0/users/watched/presence/{action}", json=CALL).status_code == 200
            data = next(line for line in lines if line.startswith("data: "))
            assert json.loads(data[6:])["activity"] == activity
            assert time.monotonic() - begin < 5


def test_nginx_closes_requests_that_stop_and_limits_those_of_one_address(machine, behind_nginx):
    half = []
    for text in (b"GET /v1.0/users/ana/presence HTTP/1.1\r\nhost: x\r\n",
                 b"POST /v1.0/users/ana/presence/setPresence HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{"):
        plain = socket.create_connection(("localhost", machine.ports["443"]))
        half.append(trust(machine).wrap_socket(plain, server_hostname="localhost"))
        half[-1].sendall(text)
    limits = httpx.Limits(max_connections=None)
    with httpx.Client(base_url=machine.url, headers=BEARER, verify=trust(machine), limits=limits, timeout=20) as watchers:
        streams = []
        while len(streams) < 120:
            stream = watchers.send(watchers.build_request("GET", "/v1.0/communications/presences/changes?ids=ana"), stream=True)
            if stream.status_code != 200:
                break
            streams.append(stream)
        assert stream.status_code == 429
        stream.read()
        is_graphs_error(stream, 429, "TooManyRequests")
        assert stream.headers["retry-after"] == "1" and 90 <= len(streams) <= 100
        for stream in streams:
            stream.close()
    wait_until(lambda: behind_nginx.get("/v1.0/users/ana/presence").status_code == 200)
    for connection in half:
        connection.settimeout(15)
        assert b"200" not in connection.recv(4096)


def backed_up(machine, command, load):
    """Backs up under load. Returns who was answered before it, who was asked until its end, and its seconds."""
    before = list(load.answered)
    begin = time.monotonic()
    machine.run(command)
    seconds = time.monotonic() - begin
    asked = set(load.asked)
    wait_until(lambda: len(set(load.answered) - asked) > 100, what="answers after the backup")
    return before, asked, seconds


def test_a_backup_of_the_folder_has_every_command_that_was_answered_before_it(machine, say):
    back_up, restore = commands("Backup and restore")
    port = machine.ports["8080"]
    with Load(port) as load:
        before, asked, seconds = backed_up(machine, back_up, load)
    later = [user for user in load.answered if user not in asked]
    assert in_a_call(port, load.answered) == set(load.answered)
    machine.run(restore)
    assert in_a_call(port, before) == set(before)
    assert in_a_call(port, later) == set()
    say(f"deploying: {len(before)} commands before a backup of {seconds:.1f} s under load, {len(later)} after it")


def test_an_upgrade_reads_what_is_there(machine):
    port = machine.ports["8080"]
    url = f"http://127.0.0.1:{port}/v1.0/users/upgraded/presence/setPresence"
    assert httpx.post(url, json=CALL, headers=BEARER).status_code == 200
    machine.run(commands("Upgrade")[0])
    assert in_a_call(port, ["upgraded"]) == {"upgraded"}


@pytest.mark.go
def test_a_backup_of_the_streams_has_every_command_that_was_answered(start_machine, nats_cli, say):
    """Two processes are killed, so the log of their shards is in the backup, and not only snapshots."""
    start, back_up, restore = commands("Many processes")
    machines = [start_machine(), start_machine()]
    for machine in machines:
        machine.run(commands("One process")[0])
        machine.write("/etc/nats/nats.conf")
        one = file("/etc/systemd/system/presence.service").replace("StateDirectory=presence\n", "")
        head, tail = one.split("ExecStart=")[0], one.split("https://graph.example\n")[1]
        machine.write("/etc/systemd/system/presence@.service", head + file("/etc/systemd/system/presence@.service") + tail)
    first, second = machines
    first.run(start)
    ports = [first.ports[port] for port in ("8081", "8082", "8083")]
    in_a_call(ports[0], ["ana"])
    with Load(*ports) as load:
        wait_until(lambda: len(load.answered) > 1000, what="1,000 answers")
        for port in ports[1:]:
            first.services[f"presence@{port}"].kill()
        before, asked, seconds = backed_up(first, back_up, load)
    later = [user for user in load.answered if user not in asked]
    assert in_a_call(ports[0], load.answered) == set(load.answered)

    second.systemctl("start", "nats")
    shutil.copytree(first.folder / "var/backups", second.folder / "var/backups", dirs_exist_ok=True)
    second.run(restore)
    assert in_a_call(second.ports["8081"], before) == set(before)
    assert in_a_call(second.ports["8081"], [*later, "somebody"]) == set()
    url = f"http://127.0.0.1:{second.ports['8082']}/v1.0/users/somebody/presence/setPresence"
    wait_until(lambda: httpx.post(url, json=CALL, headers=BEARER, timeout=20).status_code == 200, what="the log going on")
    assert in_a_call(second.ports["8083"], ["somebody"]) == {"somebody"}
    say(f"deploying: {len(before)} commands before a backup of the streams, for which all processes stopped for {seconds:.1f} s, "
        f"and {len(later)} after it")
