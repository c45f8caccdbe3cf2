"""HTTP/1.1 by hand: quick enough for a load, and able to send what no library would."""

import asyncio
import json
from dataclasses import dataclass


@dataclass
class Answer:
    status: int
    headers: dict
    body: bytes

    def json(self):
        return json.loads(self.body)


class Connection:
    """One connection to a server, kept alive."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, port):
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def request(self, method, path, body=None, headers=(), seconds=10):
        self.writer.write(request(method, path, body, headers))
        return await self.answer(seconds)

    async def answer(self, seconds=10):
        return await asyncio.wait_for(self._answer(), seconds)

    async def _answer(self):
        head = await self.head()
        length = int(head.headers.get("content-length", 0))
        if head.headers.get("transfer-encoding") == "chunked":
            head.body = await self._chunks()
        elif length:
            head.body = await self.reader.readexactly(length)
        return head

    async def head(self):
        """Reads the start of an answer, without its body."""
        start, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.split(":", 1) for line in lines if line)
        return Answer(int(start.split(" ")[1]), {name.lower(): value.strip() for name, value in pairs}, b"")

    async def _chunks(self):
        body = b""
        while size := int(await self.reader.readline(), 16):
            body += (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readline()
        return body

    def close(self):
        self.writer.close()


def request(method, path, body=None, headers=()):
    """A request as bytes. A body that is not bytes is written as JSON."""
    lines = [f"{method} {path} HTTP/1.1", "host: localhost"]
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
        lines.append("content-type: application/json")
    if body is not None:
        lines.append(f"content-length: {len(body)}")
    lines += [f"{name}: {value}" for name, value in dict(headers).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b"")
