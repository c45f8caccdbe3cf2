"""One directory, fed with a log by calling the crate: what every server must agree with."""

import json
import subprocess
from collections import defaultdict

from service import ORACLE

TICK = {"tick": {}}


class Replay:
    """The answers, the changes and the last state of a directory that was fed with a log."""

    def __init__(self, log):
        """`log` has a sequence number, a time, a user and a command for each entry, in the order of the log."""
        lines = (json.dumps({"sequence": n, "at": at, "user": user, **command}) for n, at, user, command in log)
        done = subprocess.run([ORACLE], input="\n".join(lines), capture_output=True, text=True, check=True)
        self.status = {}
        self.changes = defaultdict(list)
        self.states = []
        for text in done.stdout.splitlines():
            line = json.loads(text)
            if "status" in line:
                self.status[line["sequence"]] = line["status"]
            elif "model" in line:
                self.states.append(text)
            else:
                self.changes[line["id"]].append(line)
