"""What a cluster leaves in JetStream: the log of commands, and the changes that were published."""

import json
import time

import nats
from nats.js.api import AckPolicy, DeliverPolicy

COMMANDS, CHANGES = "presence-commands", "presence-changes"


async def read(url, stream, use):
    """Calls `use` with each message of a stream, in order."""
    client = await nats.connect(url)
    jetstream = client.jetstream(timeout=10)
    remaining = (await jetstream.stream_info(stream)).state.messages
    source = await jetstream.pull_subscribe("", stream=stream, config=ordered())
    while remaining:
        for message in await source.fetch(min(remaining, 1000), timeout=10):
            use(message)
            remaining -= 1
    await client.close()


def ordered():
    return nats.js.api.ConsumerConfig(deliver_policy=DeliverPolicy.ALL, ack_policy=AckPolicy.NONE)


async def commands(url):
    """The entries of the log: a sequence number, a time, a user (or none) and a command."""
    entries = []

    def use(message):
        sequence, nanoseconds = message.metadata.sequence.stream, stamp(message)
        command = json.loads(message.data)
        user = command.pop("user", "")
        entries.append((sequence, rfc3339(nanoseconds), user, command))

    await read(url, COMMANDS, use)
    return entries


def stamp(message):
    """JetStream's time of a message in nanoseconds, which the client's `timestamp` rounds to microseconds."""
    return int(message.reply.split(".")[-2])


def rfc3339(nanoseconds):
    seconds, fraction = divmod(nanoseconds, 10**9)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{fraction:09}Z"


async def changes(url):
    """For each user, the numbered changes, in the order in which they were published, with repeats."""
    users = {}

    def use(message):
        change = json.loads(message.data)
        users.setdefault(change["id"], []).append(change)

    await read(url, CHANGES, use)
    return users
