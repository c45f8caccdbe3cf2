"""What a cluster leaves in JetStream: the log of commands, the changes that were published, and the stored shards."""

import asyncio
import json
import time

import nats
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, StreamConfig, StreamSource

import oracle


class Log:
    """The log of a cluster. Mirrors keep what the servers purge once a snapshot contains it."""

    def __init__(self, url):
        self.url = url

    def keep(self):
        async def mirror(jetstream):
            for stream in ("presence-commands", "presence-changes"):
                await jetstream.add_stream(StreamConfig(name=f"kept-{stream}", mirror=StreamSource(name=stream)))

        self.run(mirror)

    def catch_up(self):
        """Waits until the mirror of the log goes on, by an empty group, after NATS was started again."""

        async def probe(jetstream):
            sequence = (await jetstream.publish("presence.commands.0", b"[]")).seq
            await has(jetstream, "kept-presence-commands", sequence)

        self.run(probe)

    def run(self, use):
        async def connected():
            client = await nats.connect(self.url)
            try:
                return await use(client.jetstream(timeout=10))
            finally:
                await client.close()

        return asyncio.run(connected())

    def messages(self, stream):
        """All messages of a stream, in order."""

        async def read(jetstream):
            end = (await jetstream.stream_info(stream)).state.last_seq
            kept = await has(jetstream, f"kept-{stream}", end)
            assert kept.messages == end, "the mirror was too slow for a purge: the log cannot be read"
            config = ConsumerConfig(deliver_policy=DeliverPolicy.ALL, ack_policy=AckPolicy.NONE)
            source = await jetstream.pull_subscribe("", stream=f"kept-{stream}", config=config)
            found = []
            while len(found) < end:
                found += await source.fetch(min(end - len(found), 1000), timeout=10)
            return found

        return self.run(read)

    def entries(self):
        """The entries of the log: a time, a user (none for a tick) and a command."""
        for group in self.messages("presence-commands"):
            at = rfc3339(stamp(group))
            for entry in json.loads(group.data):
                yield at, entry["user"] or "", entry["command"]

    def changes(self):
        """The changes of each shard, in the order in which they were published, with repeats."""
        shards = {}
        for message in self.messages("presence-changes"):
            shards.setdefault(message.subject, []).extend(json.loads(message.data))
        return shards

    def models(self):
        """The models in the shards that are stored."""

        async def read(jetstream):
            shards = await jetstream.key_value("presence-shards")
            records = [json.loads((await shards.get(shard)).value) for shard in await shards.keys()]
            store = await jetstream.object_store("presence-snapshots")
            return [(await store.get(record["object"])).data for record in records]

        found = {}
        for snapshot in self.run(read):
            found |= oracle.models(snapshot)
        return found


async def has(jetstream, stream, sequence):
    """Waits until a stream has a message, and returns its state."""
    while (state := (await jetstream.stream_info(stream)).state).last_seq < sequence:
        await asyncio.sleep(0.1)
    return state


def stamp(message):
    """JetStream's time of a message in nanoseconds, which the client rounds to microseconds."""
    return int(message.reply.split(".")[-2])


def rfc3339(nanoseconds):
    seconds, fraction = divmod(nanoseconds, 10**9)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{fraction:09}Z"
