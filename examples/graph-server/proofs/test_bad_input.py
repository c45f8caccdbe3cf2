"""Thousands of bad requests: an error in Graph's shape each time, never a panic, never a success."""

import asyncio
import gzip
import json
import random
import re
import time
import zlib

import pytest

import tokens
from tokens import application, bearer
from wire import Connection, request

CALL = {"sessionId": "phone", "availability": "Busy", "activity": "InACall", "expirationDuration": "PT1H"}
PREFER = {"availability": "Away", "activity": "Away", "expirationDuration": "P1D"}
USER = "/v1.0/users/ana/presence"


@pytest.fixture(scope="module")
def server(start_server, tmp_path_factory):
    return start_server(*tokens.flags(tmp_path_factory.mktemp("keys")))


def is_graphs_error(answer):
    """Every error has a code, a message and the ids of the request."""
    assert answer.headers["content-type"].startswith("application/json"), answer
    error = answer.json()["error"]
    assert error["code"] and error["message"], answer
    assert error["innerError"]["request-id"] == answer.headers["request-id"]
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", error["innerError"]["date"])
    return error


async def is_usable(connection):
    """Another request on the same connection is answered."""
    read = await connection.request("GET", USER, headers=bearer(application()))
    assert read.status == 200
    return True


LONG = "x" * 20_000
WRONG = {  # status: method, path, body, headers
    "an unknown path": (404, "GET", "/v1.0/nothing", None, {}),
    "an unknown action": (404, "POST", f"{USER}/setPresense", CALL, {}),
    "an unknown version": (404, "GET", "/v2.0/users/ana/presence", None, {}),
    "a path without a version": (404, "GET", "/users/ana/presence", None, {}),
    "no path": (404, "GET", "/", None, {}),
    "an empty id": (400, "GET", "/v1.0/users//presence", None, {}),
    "an id that is too long": (400, "GET", f"/v1.0/users/{LONG}/presence", None, {}),
    "an id that is not UTF-8": (400, "GET", "/v1.0/users/%ff%fe/presence", None, {}),
    "an action that is read": (405, "GET", f"{USER}/setPresence", None, {}),
    "a presence that is deleted": (405, "DELETE", USER, None, {}),
    "a presence that is written": (405, "PUT", USER, CALL, {}),
    "a method of nobody": (405, "PRESENCE", USER, None, {}),
    "another content type": (415, "POST", f"{USER}/setPresence", b"<a/>", {"content-type": "text/xml"}),
    "no content type": (415, "POST", f"{USER}/setPresence", json.dumps(CALL).encode(), {}),
    "a body that is too long": (413, "POST", f"{USER}/setPresence", CALL | {"sessionId": LONG * 100}, {}),
    "no body": (400, "POST", f"{USER}/setPresence", b"", {"content-type": "application/json"}),
    "half a body": (400, "POST", f"{USER}/setPresence", b'{"sessionId":"ph', {"content-type": "application/json"}),
    "a list": (400, "POST", f"{USER}/setPresence", [CALL], {}),
    "651 ids": (400, "POST", "/v1.0/communications/getPresencesByUserId", {"ids": ["ana"] * 651}, {}),
    "no ids": (400, "POST", "/v1.0/communications/getPresencesByUserId", {}, {}),
    "changes of nobody": (400, "GET", "/v1.0/communications/presences/changes", None, {}),
    "a batch that is a list": (400, "POST", "/v1.0/$batch", [], {}),
    "a batch without a type": (415, "POST", "/v1.0/$batch", b'{"requests":[{}]}', {}),
    "what only Graph has": (501, "POST", f"{USER}/setStatusMessage", {}, {}),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_clear_error_answers(server, kind):
    status, method, path, body, headers = WRONG[kind]

    async def run():
        connection = await Connection.open(server.port)
        sent = {"client-request-id": "mine"} | headers | bearer(application())
        answer = await connection.request(method, path, body, sent)
        assert answer.status == status, answer
        assert is_graphs_error(answer)["innerError"]["client-request-id"] == "mine"
        assert status != 405 or answer.headers["allow"]
        assert answer.headers.get("connection") == "close" or await is_usable(connection)
        if status != 413:
            assert answer.headers.get("connection") != "close"

    asyncio.run(run())


@pytest.mark.parametrize("text", ["ana bob", "ana/bob", "100%", "%41", "ü", "😀", "a?b#c", "..", "\u0000", "a" * 100])
def test_ids_with_percent_signs_are_ids(server, text):
    path = "/v1.0/users/" + "".join(f"%{byte:02x}" for byte in text.encode()) + "/presence"

    async def run():
        connection = await Connection.open(server.port)
        headers = bearer(application())
        assert (await connection.request("POST", f"{path}/setPresence", CALL, headers)).status == 200
        read = await connection.request("GET", path, headers=headers)
        assert (read.json()["id"], read.json()["activity"]) == (text, "InACall")
        body = {"ids": [text]}
        many = await connection.request("POST", "/v1.0/communications/getPresencesByUserId", body, headers)
        assert many.json()["value"] == [{"id": text, "availability": "Busy", "activity": "InACall"}]

    asyncio.run(run())


MARK = b"\xef\xbb\xbf"
NOTHING = [None, b"", b"{}", b"{}\n", b"{ }", b" {\r\n\t} ", b"null", b" null\n", b"\n", MARK, MARK + b"{}", MARK + b" null "]
SOMETHING = {  # The status if the content type is JSON. It is 415 for all other types.
    b'{"a":1}': 200, MARK + b'{"a":1}': 200, b"{}{}": 400, b"nul": 400, b"NULL": 400, b"{": 400, b"}": 400, b"[]": 400,
    b'"{}"': 400, b"0": 400, b"n u l l": 400, b"\x0c{}": 400, b"{\xc2\xa0}": 400, b"\xff": 400, MARK + MARK + b"{}": 400,
}
TYPES = [None, "", "application/json", "Application/JSON; charset=utf-8", "text/plain", "application/x-www-form-urlencoded"]


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("path", [USER, "/v1.0/communications/presences/ana", "/beta/users('ana')/presence"])
def test_a_preference_is_cleared_by_every_body_that_says_nothing(server, path, kind):
    async def run():
        connection = await Connection.open(server.port)
        headers = bearer(application())
        await connection.request("POST", f"{USER}/setPresence", CALL, headers)
        for body in NOTHING:
            await connection.request("POST", f"{USER}/setUserPreferredPresence", PREFER, headers)
            sent = headers | ({} if kind is None else {"content-type": kind})
            answer = await connection.request("POST", f"{path}/clearUserPreferredPresence", body, sent)
            assert (answer.status, answer.body) == (200, b""), (body, answer)
            read = await connection.request("GET", USER, headers=headers)
            assert read.json()["activity"] == "InACall", body

    asyncio.run(run())


@pytest.mark.parametrize("kind", TYPES)
def test_a_body_that_says_something_needs_its_type(server, kind):
    async def run():
        connection = await Connection.open(server.port)
        headers = bearer(application()) | ({} if kind is None else {"content-type": kind})
        for body, status in SOMETHING.items():
            answer = await connection.request("POST", f"{USER}/clearUserPreferredPresence", body, headers)
            assert answer.status == (status if kind and "json" in kind.lower() else 415), (body, answer)
            assert status == 200 and answer.status == 200 or is_graphs_error(answer)

    asyncio.run(run())


@pytest.mark.parametrize("body", [json.dumps(CALL).encode(), json.dumps({"ids": ["ana"]}).encode()])
def test_a_byte_order_mark_is_passed_over(server, body):
    path = f"{USER}/setPresence" if b"sessionId" in body else "/v1.0/communications/getPresencesByUserId"

    async def run():
        connection = await Connection.open(server.port)
        headers = bearer(application()) | {"content-type": "application/json"}
        assert (await connection.request("POST", path, MARK + body, headers)).status == 200
        assert (await connection.request("POST", path, MARK + MARK + body, headers)).status == 400

    asyncio.run(run())


@pytest.mark.parametrize("head", [
    "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{{",
    "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{{",
    "POST {path} HT",
])
def test_a_request_that_is_cut_off_harms_nobody(server, head):
    async def run():
        connection = await Connection.open(server.port)
        connection.writer.write(head.format(path=f"{USER}/setPresence").encode())
        connection.writer.write_eof()
        answer = await asyncio.wait_for(connection.reader.read(), 10)
        assert not answer.startswith(b"HTTP/1.1 2")
        assert await is_usable(await Connection.open(server.port))

    asyncio.run(run())


# Bodies that are compressed.

JSON = json.dumps(CALL).encode()
MAX_BODY = 256 * 1024


def deflated(data, window=15):
    """Deflate with the header of zlib, or bare with a negative window."""
    packer = zlib.compressobj(9, zlib.DEFLATED, window)
    return packer.compress(data) + packer.flush()


def zeros(window):
    """60 MB of zeros in about as many KB: too long only when it is inflated."""
    packer = zlib.compressobj(9, zlib.DEFLATED, window)
    packed = b"".join(packer.compress(bytes(10**6)) for _ in range(60)) + packer.flush()
    assert len(packed) < MAX_BODY
    return packed


def pad(length):
    return JSON.ljust(length)


CODED = {  # status: coding, body
    "gzip": (200, "gzip", gzip.compress(JSON)),
    "gzip in capitals": (200, "GZip", gzip.compress(JSON)),
    "gzip by its old name": (200, "x-gzip", gzip.compress(JSON)),
    "gzip and nothing else": (200, "identity, gzip,", gzip.compress(JSON)),
    "gzip in two members": (200, "gzip", gzip.compress(JSON[:20]) + gzip.compress(JSON[20:])),
    "gzip that is stored": (200, "gzip", gzip.compress(JSON, 0)),
    "deflate of zlib": (200, "deflate", deflated(JSON)),
    "bare deflate": (200, "deflate", deflated(JSON, -15)),
    "deflate of a small window": (200, "deflate", deflated(JSON, 9)),
    "identity": (200, "identity", JSON),
    "no coding": (200, "", JSON),
    "the longest body": (200, "gzip", gzip.compress(pad(MAX_BODY))),
    "the longest body of zlib": (200, "deflate", deflated(pad(MAX_BODY))),
    "the longest bare body": (200, "deflate", deflated(pad(MAX_BODY), -15)),
    "a byte more": (413, "gzip", gzip.compress(pad(MAX_BODY + 1))),
    "a byte more of zlib": (413, "deflate", deflated(pad(MAX_BODY + 1))),
    "a byte more of bare deflate": (413, "deflate", deflated(pad(MAX_BODY + 1), -15)),
    "a bomb": (413, "gzip", zeros(31)),
    "a bomb of zlib": (413, "deflate", zeros(15)),
    "a bare bomb": (413, "deflate", zeros(-15)),
    "a bomb in many members": (413, "gzip", gzip.compress(bytes(2**20)) * 200),
    "text that is no gzip": (400, "gzip", JSON),
    "text that is no deflate": (400, "deflate", JSON),
    "gzip that is no deflate": (400, "deflate", gzip.compress(JSON)),
    "zlib that is no gzip": (400, "gzip", deflated(JSON)),
    "noise": (400, "gzip", random.Random(1).randbytes(1000)),
    "noise after gzip": (400, "gzip", gzip.compress(JSON) + b"noise"),
    "noise after zlib": (400, "deflate", deflated(JSON) + b"noise"),
    "noise after bare deflate": (400, "deflate", deflated(JSON, -15) + b"noise"),
    "gzip with a wrong checksum": (400, "gzip", gzip.compress(JSON)[:-8] + bytes(8)),
    "zlib with a wrong checksum": (400, "deflate", deflated(JSON)[:-4] + bytes(4)),
    "half a bomb": (413, "gzip", zeros(31)[:30_000]),
    "nothing": (400, "gzip", b""),
    "brotli": (415, "br", JSON),
    "zstd": (415, "zstd", JSON),
    "compress": (415, "compress", JSON),
    "an unknown coding": (415, "gzipped", gzip.compress(JSON)),
    "two codings": (415, "gzip, gzip", gzip.compress(gzip.compress(JSON))),
    "two codings in two lines": (415, "gzip\r\ncontent-encoding: deflate", deflated(gzip.compress(JSON))),
    "a coding behind another": (415, "gzip, br", gzip.compress(JSON)),
    "another coding of nothing": (415, "br", b""),
    "a coding that is no text": (415, "\xff", JSON),
}


@pytest.mark.parametrize("kind", CODED)
def test_a_body_is_inflated_or_the_error_is_clear(server, kind):
    status, coding, body = CODED[kind]

    async def run():
        connection = await Connection.open(server.port)
        headers = {"content-type": "application/json", "content-encoding": coding} | bearer(application())
        before, begin = server.memory("VmHWM"), time.monotonic()
        data = request("POST", f"{USER}/setPresence", body, {}).partition(b"\r\n")
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode("latin-1")
        connection.writer.write(data[0] + b"\r\n" + head + data[2])
        answer = await connection.answer()
        assert answer.status == status, answer
        assert status == 200 or is_graphs_error(answer)
        assert status != 415 or answer.headers["accept-encoding"] == "gzip, deflate"
        assert time.monotonic() - begin < 5 and server.memory("VmHWM") - before < 8 * 2**20
        assert await is_usable(connection)

    asyncio.run(run())


@pytest.mark.parametrize("coding, packed", [("gzip", gzip.compress(JSON)), ("deflate", deflated(JSON)), ("deflate", deflated(JSON, -15))],
                         ids=["gzip", "zlib", "bare deflate"])
def test_a_compressed_body_that_is_cut_anywhere_is_an_error(server, coding, packed):
    async def run():
        connection = await Connection.open(server.port)
        headers = {"content-type": "application/json", "content-encoding": coding} | bearer(application())
        for length in range(1, len(packed)):
            answer = await connection.request("POST", f"{USER}/setPresence", packed[:length], headers)
            assert answer.status == 400 and is_graphs_error(answer), (length, answer)
        assert (await connection.request("POST", f"{USER}/setPresence", packed, headers)).status == 200

    asyncio.run(run())


def test_1000_changed_compressed_bodies_are_never_a_fault_of_the_server(server):
    dice = random.Random(17)

    async def run():
        connection, statuses = await Connection.open(server.port), set()
        for number in range(1000):
            packed = dice.choice([gzip.compress(JSON, mtime=0), deflated(JSON), deflated(JSON, -15)])
            headers = {"content-type": "application/json", "content-encoding": dice.choice(["gzip", "deflate"])}
            body = mutated_bytes(dice, packed)
            answer = await connection.request("POST", f"/v1.0/users/coded-{number}/presence/setPresence", body, headers | bearer(application()))
            statuses.add(answer.status)
            assert answer.status in (200, 400, 413), (body, answer)
        assert {200, 400} <= statuses

    asyncio.run(run())


@pytest.mark.parametrize("method, path", [("GET", USER), ("POST", f"{USER}/clearUserPreferredPresence"), ("GET", "/nothing")])
def test_another_coding_is_an_error_on_every_path(server, method, path):
    async def run():
        connection = await Connection.open(server.port)
        answer = await connection.request(method, path, None, {"content-encoding": "br"} | bearer(application()))
        assert answer.status == 415 and is_graphs_error(answer)

    asyncio.run(run())


# Bodies that are changed, judged by a reading of their own.

EVIL = [
    None, 0, -1, 1.5, True, [], {}, "", " ", "available", "Available", "Busy", "Offline", "InACall", "PresenceUnknown",
    "PT", "P", "PT5M", "PT4M59.999999999S", "PT4H", "PT4H0.000000001S", "PT240M", "-PT5M", "+PT5M", "P1D", "P1W", "P1Y",
    "PT1.5H", "pt5m", "PT5M ", "8:00:00", "PT99999999999999999999H", "P106751991DT4H", "PT0S", "PT0.0000000001S", "\u0000",
    "😀" * 50, [["Busy"]], {"Busy": "InACall"}, "PT5M\n", "x" * 256, "x" * 257, "PT05M", "PT5M0S", "PT5M30", "T5M", "PT5M5M", "PT5S5M", "P0DT5M",
]
CLAIMS = [("Available", "Available"), ("Busy", "InACall"), ("Busy", "InAConferenceCall"),
          ("DoNotDisturb", "Presenting"), ("Away", "Away")]
PREFERENCES = [("Available", "Available"), ("Busy", "Busy"), ("DoNotDisturb", "DoNotDisturb"),
               ("BeRightBack", "BeRightBack"), ("Away", "Away"), ("Offline", "OffWork")]
DURATION = re.compile(r"(-?)P(?=.)(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d+))?S)?)?", re.ASCII)


def nanoseconds(text):
    """The length of an OData duration, or None."""
    parts = DURATION.fullmatch(text) if isinstance(text, str) else None
    if parts is None:
        return None
    sign, days, hours, minutes, seconds, fraction = parts.groups()
    whole = ((int(days or 0) * 24 + int(hours or 0)) * 60 + int(minutes or 0)) * 60 + int(seconds or 0)
    return (whole * 10**9 + int((fraction or "0")[:9].ljust(9, "0"))) * (-1 if sign else 1)


def lower(text):
    """The text with ASCII letters in lower case, and no others."""
    return text.encode("utf-8", "surrogatepass").lower() if isinstance(text, str) else text


def once(pairs):
    """The fields of an object by their names in lower case, each with all its values."""
    fields = {}
    for name, value in pairs:
        fields.setdefault(lower(name), []).append(value)
    return fields


def is_valid(action, body):
    try:
        found = json.loads(body.removeprefix(b"\xef\xbb\xbf").decode(), object_pairs_hook=once, parse_constant=int)
    except ValueError:
        return False
    if not isinstance(found, dict):
        return False
    names = {"setPresence": CALL, "setUserPreferredPresence": PREFER, "clearPresence": ["sessionId"]}[action]
    fields = {name: found.get(lower(name), [None]) for name in names}
    if any(len(values) > 1 for values in fields.values()):
        return False
    fields = {name: value for name, [value] in fields.items()}
    session = fields.get("sessionId")
    if "sessionId" in fields and not (isinstance(session, str) and 1 <= len(session.encode()) <= 256):
        return False
    if action == "clearPresence":
        return True
    length, minute = fields.get("expirationDuration"), 60 * 10**9
    if length is not None and (length := nanoseconds(length)) is None:
        return False
    pair = lower(fields["availability"]), lower(fields["activity"])
    if action == "setPresence":
        return pair in map(lowered, CLAIMS) and (length is None or 5 * minute <= length <= 240 * minute)
    return pair in map(lowered, PREFERENCES) and (length is None or 0 < length < 2**63 * 10**9)


def lowered(pair):
    return tuple(map(lower, pair))


def mutated_fields(dice, fields):
    fields = dict(fields)
    for _ in range(dice.choice([1, 1, 1, 2])):
        name = dice.choice(list(fields) or [""])
        match dice.randrange(5):
            case 0:
                fields.pop(name, None)
            case 1:
                fields[dice.choice([name.upper(), f"{name} ", "other", "id"])] = fields.pop(name, None)
            case _:
                fields[name] = dice.choice(EVIL)
    return json.dumps(fields, ensure_ascii=dice.random() < 0.5).encode()


def mutated_bytes(dice, data):
    data = bytearray(data)
    for _ in range(dice.choice([1, 1, 2, 5])):
        start = dice.randrange(len(data) + 1)
        end = min(len(data), start + dice.choice([0, 1, 1, 3, 20]))
        match dice.randrange(4):
            case 0:
                del data[start:end]
            case 1:
                data[start:end] = dice.randbytes(end - start)
            case 2:
                data[start:start] = data[start:end]
            case 3:
                data[start:start] = dice.choice([b"\0", b"\r\n", b"\xff", b'"', b"}", b"{", b",", b"%", b" ", b"[" * 200])
    return bytes(data)


def test_3000_changed_bodies_are_accepted_exactly_if_they_are_valid(server):
    dice = random.Random(13)
    actions = {"setPresence": CALL, "setUserPreferredPresence": PREFER, "clearPresence": {"sessionId": "phone"}}

    async def run():
        connection, headers = await Connection.open(server.port), bearer(application())
        seen = {True: 0, False: 0}
        for _ in range(3000):
            action = dice.choice(list(actions))
            if dice.random() < 0.5:
                body = mutated_fields(dice, actions[action])
            else:
                body = mutated_bytes(dice, json.dumps(actions[action]).encode())
            sent = headers | {"content-type": "application/json"}
            # Each request has a user of its own, so that no number of sessions is exceeded.
            path = f"/v1.0/users/user-{dice.random()}/presence/{action}"
            answer = await connection.request("POST", path, body, sent)
            valid = is_valid(action, body)
            seen[valid] += 1
            expected = 400 if not valid else 404 if action == "clearPresence" else 200
            assert answer.status == expected, (body, answer)
            assert answer.status == 200 or is_graphs_error(answer)
        assert await is_usable(connection)
        assert min(seen.values()) > 100, seen

    asyncio.run(run())


@pytest.mark.parametrize("rights", ["all", "none"])
def test_2000_changed_requests_never_fail_the_server(server, rights):
    """Any byte of a request may change. Without a valid token nothing succeeds, whatever has changed."""
    dice = random.Random(f"requests {rights}")
    token = application() if rights == "all" else tokens.unsigned(roles=["Presence.ReadWrite.All"])
    headers = bearer(token)
    requests = [
        request("POST", f"{USER}/setPresence", CALL, headers),
        request("POST", f"{USER}/clearPresence", {"sessionId": "phone"}, headers),
        request("POST", f"{USER}/setUserPreferredPresence", PREFER, headers),
        request("POST", f"{USER}/clearUserPreferredPresence", None, headers),
        request("POST", "/v1.0/communications/getPresencesByUserId", {"ids": ["ana", "bob"]}, headers),
        request("GET", f"{USER}", None, headers),
        request("GET", "/v1.0/communications/presences/changes?ids=ana,bob", None, headers | {"last-event-id": "1"}),
        request("GET", "/why/ana", None, headers),
        request("POST", "/v1.0/$batch", {"requests": [
            {"id": "1", "method": "GET", "url": "/users/ana/presence"},
            {"id": "2", "method": "POST", "url": "/users/ana/presence/clearUserPreferredPresence", "dependsOn": ["1"]},
        ]}, headers),
    ]

    async def attempt():
        connection = await Connection.open(server.port)
        connection.writer.write(mutated_bytes(dice, dice.choice(requests)))
        try:
            connection.writer.write_eof()
            answer = await connection.head()
        except (EOFError, OSError):
            return None
        if answer.status >= 400 and int(answer.headers.get("content-length", 0)):
            answer.body = await connection.reader.readexactly(int(answer.headers["content-length"]))
        connection.close()
        return answer

    async def run():
        statuses = {}
        for _ in range(2000):
            answer = await asyncio.wait_for(attempt(), 15)
            status = answer and answer.status
            statuses[status] = statuses.get(status, 0) + 1
            if answer is None:
                continue
            assert status < 500 or status == 505, answer
            assert rights == "all" or status >= 400, answer
            # What is not HTTP at all is answered below the routes, without a body.
            if status >= 400 and (answer.body or "request-id" in answer.headers):
                is_graphs_error(answer)
            assert status < 400 or answer.body or answer.headers.get("connection") == "close", answer
        assert server.is_running() and await is_usable(await Connection.open(server.port))
        assert len(statuses) > (3 if rights == "all" else 2), statuses

    asyncio.run(run())
