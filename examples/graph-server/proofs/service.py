"""The processes of the proofs, on loopback: servers and NATS, which are started, watched and killed."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

SERVER = os.environ.get("SERVER", "presence-graph-server")
ORACLE = os.environ.get("ORACLE", "oracle")
NATS = Path(sys.executable).with_name("nats-server")


def wait_until(true, seconds=30, what="it"):
    """Waits until `true()` is, and returns that."""
    end = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < end, f"{what} did not happen within {seconds} seconds"
        time.sleep(0.02)
    return value


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """A program whose standard error is kept in a file."""

    environment = {}

    def __init__(self, folder, *command):
        self.folder, self.command = Path(folder), [str(part) for part in command]
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / "stderr"
        self.process = None

    def start(self):
        with self.log.open("ab") as log:
            environment = os.environ | self.environment
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
        return self

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        """kill -9"""
        if self.process:
            self.process.kill()
            self.process.wait()

    def stop(self):
        """Asks it to end, and returns its exit status."""
        self.process.terminate()
        return self.process.wait(60)

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def said(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def memory(self, kind="VmRSS"):
        """Its resident memory in bytes, or with "VmHWM" the most that it ever was."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{kind}:\s+(\d+) kB", status)[1]) * 1024


class Server(Process):
    """A presence-graph-server, which keeps its address when it is started again."""

    def __init__(self, folder, *flags, environment=()):
        super().__init__(folder, SERVER, "--data", Path(folder) / "data", *flags)
        self.environment = dict(environment)
        self.flags = list(self.command)
        self.port = 0

    def start(self, ready=True):
        """Starts it, and waits until it listens."""
        known = len(self.said())
        self.command = [*self.flags, "--listen", f"127.0.0.1:{self.port}"]
        super().start()
        listening = re.compile(r"listening on http://[^\s:]+:(\d+)")
        found = wait_until(lambda: listening.search(self.said(), known) or not self.is_running(), 60, "listening")
        assert found is not True, f"it ended with {self.process.returncode}: {self.said()[known:]}"
        self.port = int(found[1])
        return self

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def metric(self, name):
        """The sum of a metric over its labels, or 0 if it was never set."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=10) as answer:
            values = re.findall(rf"^{name}(?:{{.*}})? (\S+)$", answer.read().decode(), re.MULTILINE)
        return sum(map(float, values))


class Nats(Process):
    """A NATS server with JetStream, which writes every message to the disk before it says so."""

    def __init__(self, folder, more=""):
        self.port = free_port()
        configuration = Path(folder) / "nats.conf"
        configuration.parent.mkdir(parents=True, exist_ok=True)
        configuration.write_text(
            f'listen: "127.0.0.1:{self.port}"\n'
            f'jetstream {{ store_dir: "{folder}/store", sync_interval: always }}\n'
            f"{more}\n"
        )
        super().__init__(folder, NATS, "-c", configuration)

    def start(self):
        super().start()
        wait_until(self.accepts, what="listening")
        return self

    def lose(self):
        """Kills it, and loses all that it has stored."""
        self.kill()
        shutil.rmtree(self.folder / "store")

    def accepts(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    @property
    def url(self):
        return f"nats://127.0.0.1:{self.port}"


def pause(process):
    process.signal(signal.SIGSTOP)


def resume(process):
    process.signal(signal.SIGCONT)
