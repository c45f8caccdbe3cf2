"""A reader of the stream of changes."""

import asyncio
import json
import socket

from wire import Connection


class Watcher:
    @classmethod
    async def open(cls, server, users, last_id=None, buffer=None, headers=()):
        self = cls()
        connection = socket.socket()
        if buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        connection.connect(("127.0.0.1", server.port))
        self.connection = Connection(*await asyncio.open_connection(sock=connection, limit=2**14))
        headers = dict(headers) | ({"last-event-id": last_id} if last_id is not None else {})
        query = users if isinstance(users, str) else f"ids={','.join(users)}"
        path = f"/v1.0/communications/presences/changes?{query}"
        self.connection.writer.write(f"GET {path} HTTP/1.1\r\nhost: localhost\r\n".encode())
        self.connection.writer.write("".join(f"{n}: {v}\r\n" for n, v in headers.items()).encode() + b"\r\n")
        head = await asyncio.wait_for(self.connection.head(), 10)
        assert head.status == 200 and head.headers["content-type"].startswith("text/event-stream")
        self.text = ""
        return self

    async def event(self):
        """The next event as (name, id, data), or None at the end of the stream."""
        while "\n\n" not in self.text:
            try:
                size = int(await self.connection.reader.readuntil(b"\r\n"), 16)
            except (asyncio.IncompleteReadError, ConnectionError):
                return None
            chunk = await self.connection.reader.readexactly(size + 2)
            if not size:
                return None
            self.text += chunk[:-2].decode()
        event, self.text = self.text.split("\n\n", 1)
        fields = dict(line.split(": ", 1) for line in event.splitlines() if not line.startswith(":"))
        if not fields:
            return await self.event()
        data = fields.get("data")
        return fields.get("event"), int(fields["id"]) if "id" in fields else None, data and json.loads(data)

    async def events(self, count, seconds=10):
        return [await asyncio.wait_for(self.event(), seconds) for _ in range(count)]

    def close(self):
        self.connection.close()
