"""Graph's SDKs of four languages, and the table of steps that all of them follow (`sdk/steps.txt`)."""

import datetime
import itertools
import json
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import tokens

FOLDER = Path(__file__).parent / "sdk"
PAIRS = {
    "Available": ("Available", "Available"),
    "AvailableInactive": ("Available", "AvailableInactive"),
    "Away": ("Away", "Away"),
    "BeRightBack": ("BeRightBack", "BeRightBack"),
    "Busy": ("Busy", "Busy"),
    "DoNotDisturb": ("DoNotDisturb", "DoNotDisturb"),
    "InACall": ("Busy", "InACall"),
    "InAConferenceCall": ("Busy", "InAConferenceCall"),
    "OffWork": ("Offline", "OffWork"),
    "Offline": ("Offline", "Offline"),
    "Presenting": ("DoNotDisturb", "Presenting"),
}
CODES = {400: "InvalidArgument", 401: "InvalidAuthenticationToken", 403: "Forbidden", 404: "NotFound"}



def missing(*tools):
    """Those of some tools that this machine lacks. A Go before 1.21 cannot fetch the one that is needed."""
    lacked = [tool for tool in tools if not shutil.which(tool)]
    if "go" in tools and not lacked:
        version = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True).stdout
        if [int(part) for part in re.findall(r"\d+", version)[:2]] < [1, 21]:
            lacked.append("go 1.21")
    return lacked


@dataclass
class Sdk:
    """A program that drives one SDK: it reads calls as lines of JSON, and prints a line for each."""

    name: str
    folder: str
    command: list
    build: list = field(default_factory=list)
    tools: tuple = ()
    environment: dict = field(default_factory=dict)
    # The SDK sends tokens over TLS only.
    needs_tls: bool = False
    # The SDK has the paths under `/communications`.
    has_communications: bool = True

    def missing(self):
        return missing(*self.tools)

    def prepare(self):
        """Fetches and compiles, unless that was done since the program was changed."""
        folder = FOLDER / self.folder
        done = folder / "target" / f"{self.name} is prepared"
        if done.exists() and all(file.stat().st_mtime < done.stat().st_mtime for file in folder.iterdir() if file.is_file()):
            return
        for command in self.build:
            ran = subprocess.run(command, cwd=folder, env=os.environ | self.environment, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            assert ran.returncode == 0, ran.stdout[-4000:]
        done.parent.mkdir(exist_ok=True)
        done.touch()

    def results(self, calls, certificate=None):
        """Makes all calls, one after the other, and returns what came of each."""
        trust = {"NODE_EXTRA_CA_CERTS": certificate, "SSL_CERT_FILE": certificate} if certificate else {}
        environment = os.environ | {name: str(value) for name, value in trust.items()}
        lines = "".join(json.dumps(call) + "\n" for call in calls)
        done = subprocess.run(self.command, cwd=FOLDER / self.folder, env=environment, input=lines, text=True,
                              stdout=subprocess.PIPE, timeout=600)
        results = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(results) == len(calls) and done.returncode == 0, results[-1:]
        return results


NPM = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
MAVEN = ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=target/lib"]
SDKS = [
    Sdk("python", "python", [sys.executable, "program.py"]),
    Sdk("graph-client", "javascript", ["node", "graph-client.mjs"], [NPM], ("npm", "node"), needs_tls=True),
    Sdk("msgraph-sdk", "javascript", ["node", "msgraph-sdk.mjs"], [NPM], ("npm", "node"), has_communications=False),
    # It compiles five packages of the SDK, one of them for minutes, with little memory and at one core.
    Sdk("go", "go", ["target/program"], [["go", "build", "-mod=mod", "-p=1", "-o", "target/program", "."]], ("go",),
        {"GOMAXPROCS": "1", "GOGC": "50"}),
    Sdk("java", "java", ["java", "-cp", "target/lib/*:target/classes", "Program"],
        [MAVEN, ["javac", "-cp", "target/lib/*", "-d", "target/classes", "Program.java"]], ("mvn", "javac")),
]
SDKS = {sdk.name: sdk for sdk in SDKS}


def scenarios(sdk):
    """The table: the name and the steps of each scenario that an SDK can express."""
    for line in (FOLDER / "steps.txt").read_text().splitlines():
        if line and not line.startswith("#") and f"(not {sdk.name})" not in line:
            name, steps = line.split(": ", 1)
            yield name, steps.split("; ")


@dataclass
class Call:
    """A call of an SDK, and what must come of it."""

    step: str
    call: dict
    status: int
    message: str | None
    presences: list

    def fits(self, result):
        if self.status == 200:
            return result == {"presences": self.presences}
        return (
            result.get("status") == self.status
            and result["code"] == CODES[self.status]
            and (self.message is None or result["message"] == self.message)
            and uuid.UUID(result["requestId"])
            and result["clientRequestId"] == self.call["headers"]["client-request-id"]
            and abs(datetime.datetime.fromisoformat(result["date"]).timestamp() - tokens.now()) < 600
        )


days = itertools.count(0, 30)
dice = random.Random(13)


class Scenario:
    """One line of the table, for a user of its own, on a day that is later than all before."""

    def __init__(self, sdk, root, as_application):
        self.sdk, self.root = sdk, root
        self.start = datetime.datetime(2026, 11, 20, 9) + datetime.timedelta(days=next(days))
        self.user, other = self.uuid(), self.uuid()
        token = tokens.application() if as_application else tokens.delegated(self.user)
        # An application names the user in the path; a person is `/me`, unless the user is somebody else.
        self.actors = {
            "": (root, token, self.user if as_application else None),
            "@communications": (root, token, self.user),
            "@beta": (root.replace("/v1.0", "/beta"), token, self.user),
            "@reader": (root, tokens.delegated(other, "Presence.Read.All"), self.user),
            "@writer": (root, tokens.delegated(other, "Presence.ReadWrite"), self.user),
            "@expired": (root, tokens.delegated(self.user, exp=1_000_000_000), self.user),
        }

    def uuid(self):
        return str(uuid.UUID(int=dice.getrandbits(128), version=4))

    def calls(self, steps):
        return [call for step in steps for call in self.calls_of(step)]

    def calls_of(self, step):
        """The calls of one step."""
        what, _, error = step.partition(" !")
        minutes, *words = what.split()
        status, message = (*shlex.split(error or "200"), None)[:2]
        actor = words.pop(0) if words[0].startswith("@") else ""
        for name, user, body, presences in self.requests(*words):
            root, token, person = self.actors[actor]
            if actor == "@communications":
                name = f"communications/{name}"
            call = {"root": root, "token": token, "name": name, "body": body, "headers": {
                "x-now": self.at(minutes), "client-request-id": self.uuid()}}
            if user := user or person:
                call["user"] = user
            yield Call(step, call, int(status), message, presences)

    def requests(self, verb, *words):
        """The names and bodies of the calls, the users in their paths, and what is read."""
        match verb:
            case "set":
                name, _, count = words[0].partition("*")
                for session in [f"{name}{number}" for number in range(1, int(count) + 1)] if count else [name]:
                    yield "setPresence", None, sessions(session) | presence(*words[1:]), []
            case "prefer":
                yield "setUserPreferredPresence", None, presence(*words), []
            case "clear":
                yield "clearPresence", None, sessions(words[0]), []
            case "unprefer":
                yield "clearUserPreferredPresence", None, {}, []
            case "read":
                if self.sdk.has_communications:
                    users = [self.uuid() for _ in range(int(words[0]) - 1)]
                    expected = [[user, *PAIRS["Offline"]] for user in users] + [[self.user, *PAIRS[words[1]]]]
                    yield "getPresencesByUserId", None, {"ids": [*users, self.user]}, expected
            case pair:
                seen = [[self.user, *PAIRS[pair]]]
                yield "presence", None, {}, seen
                if self.sdk.has_communications:
                    yield "communications/presence", self.user, {}, seen
                    yield "getPresencesByUserId", None, {"ids": [self.user]}, seen

    def at(self, minutes):
        minutes, _, seconds = minutes.partition(":")
        later = datetime.timedelta(minutes=int(minutes), seconds=int(seconds or 0))
        return (self.start + later).isoformat() + "Z"


def sessions(name):
    return {} if name == "-" else {"sessionId": name}


def presence(pair, duration=None):
    availability, activity = pair.split("/") if "/" in pair else PAIRS[pair]
    body = {"availability": availability, "activity": activity}
    return body | {"expirationDuration": duration} if duration else body


def differences(sdk, root, certificate=None):
    """Takes all steps of the table, as a person and as an application, and returns what differs from it."""
    calls = []
    for as_application in (False, True):
        for name, steps in scenarios(sdk):
            calls += [(name, call) for call in Scenario(sdk, root, as_application).calls(steps)]
    results = sdk.results([call.call for _, call in calls], certificate)
    return [f"{name}: {call.step}: {call.call['name']}: {result}"
            for (name, call), result in zip(calls, results) if not call.fits(result)]
