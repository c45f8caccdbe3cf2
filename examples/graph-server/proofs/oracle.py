"""One directory, fed with a log by calling the crate: what every server must agree with."""

import json
import subprocess
from collections import defaultdict

from service import ORACLE

TICK = {"tick": {}}


class Replay:
    """The answers, the changes and the last state of a directory that was fed with a log."""

    def __init__(self, log):
        """`log` has a time, a user and a command for each entry, in the order of the log."""
        lines = (json.dumps({"sequence": n, "at": at, "user": user, **command}) for n, (at, user, command) in enumerate(log))
        self.status, self.changes, self.models, self.explanations = {}, defaultdict(list), {}, {}
        for line in run("replay", "\n".join(lines).encode()):
            if "status" in line:
                self.status[line["sequence"]] = line["status"]
            elif "model" in line:
                self.models[line["id"]] = json.dumps(line["model"])
                self.explanations[line["id"]] = line["explanation"]
            else:
                self.changes[line["id"]].append((line["at"], line["availability"], line["activity"]))


def models(snapshot):
    """The stored models of the users of a shard."""
    return {line["id"]: json.dumps(line["model"]) for line in run("snapshot", snapshot)}


def run(argument, data):
    done = subprocess.run([ORACLE, argument], input=data, stdout=subprocess.PIPE, check=True)
    return map(json.loads, done.stdout.splitlines())
