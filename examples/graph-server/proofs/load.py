"""Clients that send commands, again and again until they are answered, and write down what was answered.

As a program it is one process of a load: `load.py PORTS SEED CLIENTS COMMANDS USERS STOP HISTORY`. Each of its clients sends
at least its share of the commands, and goes on until the file STOP exists. HISTORY becomes a JSON line a command:
`client`, `user`, `action`, `body`, `status`, `attempts`, and how many of them were answered `busy`.
"""

import asyncio
import json
import random
import sys
from pathlib import Path

from wire import Connection

CLAIMS = [
    ("Available", "Available"), ("Busy", "InACall"), ("Busy", "InAConferenceCall"),
    ("DoNotDisturb", "Presenting"), ("Away", "Away"),
]
PREFERENCES = [
    ("Available", "Available"), ("Busy", "Busy"), ("DoNotDisturb", "DoNotDisturb"),
    ("BeRightBack", "BeRightBack"), ("Away", "Away"), ("Offline", "OffWork"),
]


class Commands:
    """The commands of one client, from a seed. No two are the same: a lifetime's fraction of a second numbers them."""

    def __init__(self, seed, name, users, claims=CLAIMS):
        self.random, self.name, self.users, self.claims = random.Random(f"{seed} {name}"), name, users, claims
        self.sessions, self.number = [], 0

    def __iter__(self):
        return self

    def __next__(self):
        self.number += 1
        dice, user = self.random.random(), self.random.choice(self.users)
        fraction = f"{self.random.randrange(10**5):05}{self.number % 10**4:04}"
        if dice < 0.15 and self.sessions:
            user, session = self.sessions.pop(self.random.randrange(len(self.sessions)))
            return user, "clearPresence", {"sessionId": session}
        if dice < 0.25:
            availability, activity = self.random.choice(PREFERENCES)
            seconds = self.random.choice([1, 2, 3, 5, 3600])
            duration = f"PT{seconds}.{fraction}S"
            body = {"availability": availability, "activity": activity, "expirationDuration": duration}
            return user, "setUserPreferredPresence", body
        if dice < 0.30:
            return user, "clearUserPreferredPresence", {}
        if dice < 0.60 and self.sessions:
            user, session = self.random.choice(self.sessions)
        else:
            session = f"{self.name}-{self.number}"
            self.sessions.append((user, session))
        availability, activity = self.random.choice(self.claims)
        duration = f"PT{self.random.randint(1, 3)}H0.{fraction}S"
        body = {"sessionId": session, "availability": availability, "activity": activity, "expirationDuration": duration}
        return user, "setPresence", body


class Client:
    """Sends commands one after the other to any of several servers, each until it is answered."""

    def __init__(self, ports, headers=(), seed=0):
        self.ports, self.headers, self.random = ports, headers, random.Random(seed)
        self.connection = None

    async def send(self, user, action, body):
        """Returns the status, how many attempts there were, and how many were answered 429 or 503."""
        attempts = busy = 0
        while True:
            attempts += 1
            try:
                if self.connection is None:
                    self.connection = await Connection.open(self.random.choice(self.ports))
                path = f"/v1.0/users/{user}/presence/{action}"
                answer = await self.connection.request("POST", path, body, self.headers)
            except (OSError, EOFError, asyncio.TimeoutError):
                self.close()
                await asyncio.sleep(0.05)
                continue
            if answer.status not in (429, 503):
                return answer.status, attempts, busy
            busy += 1
            self.close()
            await asyncio.sleep(0.05)

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None


def record(client, user, action, body, status, attempts, busy):
    return {
        "client": client, "user": user, "action": action, "body": body,
        "status": status, "attempts": attempts, "busy": busy,
    }


async def main(ports, seed, clients, commands, users, stop, history):
    users = [f"user-{number}" for number in range(users)]

    async def run(name, out):
        client = Client(ports, seed=name)
        # Nothing fades, so that the state at the end does not depend on how long the run takes.
        for user, action, body in Commands(seed, name, users, CLAIMS[1:]):
            out.write(json.dumps(record(name, user, action, body, *await client.send(user, action, body))) + "\n")
            run.sent += 1
            if run.sent >= commands and stop.exists():
                break
        client.close()

    run.sent = 0
    with open(history, "w") as out:
        await asyncio.gather(*(run(f"{seed}.{number}", out) for number in range(clients)))


if __name__ == "__main__":
    ports, seed, clients, commands, users, stop, history = sys.argv[1:]
    ports = [int(port) for port in ports.split(",")]
    asyncio.run(main(ports, seed, int(clients), int(commands), int(users), Path(stop), history))
