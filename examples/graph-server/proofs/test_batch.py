"""Graph's `$batch`: up to 20 requests in one, each with its own answer and rights."""

import asyncio

import httpx
import pytest
from kiota_abstractions.authentication import AnonymousAuthenticationProvider
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.users.item.presence.set_presence.set_presence_post_request_body import (
    SetPresencePostRequestBody,
)
from msgraph.graph_request_adapter import options
from msgraph_core import GraphClientFactory
from msgraph_core.requests.batch_request_content import BatchRequestContent
from msgraph_core.requests.batch_request_item import BatchRequestItem

import tokens
from service import pause, resume, wait_until
from tokens import application, bearer, delegated
from wire import Connection

CALL = {"sessionId": "phone", "availability": "Busy", "activity": "InACall"}
PREFER = {"availability": "Away", "activity": "Away"}
JSON = {"Content-Type": "application/json"}
HTTP = httpx.Client()


@pytest.fixture(scope="module", params=["embedded", "cluster"])
def server(request, start_server, start_nats, tmp_path_factory):
    flags = ["--nats", start_nats().url] if request.param == "cluster" else []
    server = start_server(*flags, *tokens.flags(tmp_path_factory.mktemp("keys")))
    wait_until(lambda: owns_all_shards(server, bearer(application())), what="the first answer")
    return server


def owns_all_shards(server, headers=None):
    ids = [str(number) for number in range(200)]
    url = f"{server.url}/v1.0/communications/getPresencesByUserId"
    return HTTP.post(url, json={"ids": ids}, headers=headers).status_code == 200


def send(server, requests, token=None, root="/v1.0", **headers):
    """Sends a batch, and returns the answers by their ids."""
    headers = bearer(token or application()) | headers
    answer = HTTP.post(f"{server.url}{root}/$batch", json={"requests": requests}, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    answers = answer.json()["responses"]
    assert sorted(each["id"] for each in answers) == sorted(each["id"] for each in requests)
    return {each["id"]: each for each in answers}


def rejected(server, body, token=None, **more):
    """Sends a batch that is rejected as a whole, and returns the code and the text."""
    headers = bearer(token or application())
    sent = {"json": body} if not isinstance(body, bytes) else {"content": body, "headers": headers | JSON}
    answer = HTTP.post(f"{server.url}/v1.0/$batch", **({"headers": headers} | sent | more))
    error = answer.json()["error"]
    assert error["innerError"]["request-id"] == answer.headers["request-id"]
    return answer.status_code, error["code"], error["message"]


def call(number, user, **more):
    url = f"/users/{user}/presence/setPresence"
    return {"id": number, "method": "POST", "url": url, "headers": JSON, "body": CALL} | more


def read(number, user, **more):
    return {"id": number, "method": "GET", "url": f"/users/{user}/presence"} | more


def presence(user, availability="Busy", activity="InACall"):
    return {"id": user, "availability": availability, "activity": activity}


def test_20_requests_are_answered_each_with_status_headers_and_body(server):
    calls = [call(str(number), f"b{number}") for number in range(10)]
    answers = send(server, calls + [read(f"r{number}", f"c{number}") for number in range(10)])
    for number in range(10):
        assert answers[str(number)] == {"id": str(number), "status": 200, "headers": {}}
        assert answers[f"r{number}"]["status"] == 200
        assert answers[f"r{number}"]["headers"]["Content-Type"] == "application/json"
        assert answers[f"r{number}"]["body"] == presence(f"c{number}", "Offline", "Offline")
    answers = send(server, [read(str(number), f"b{number}") for number in range(10)])
    assert [answers[str(number)]["body"] for number in range(10)] == [presence(f"b{number}") for number in range(10)]


def test_every_kind_of_request_can_be_in_a_batch(server):
    chain = [
        call("1", "kinds"),
        {"id": "2", "method": "POST", "url": "users('kinds')/presence/microsoft.graph.setUserPreferredPresence",
         "headers": {"content-type": "application/json; charset=utf-8"}, "body": PREFER},
        {"id": "3", "method": "get", "url": "/communications/presences/kinds?$select=activity"},
        {"id": "4", "method": "POST", "url": "/users/kinds/presence/clearUserPreferredPresence"},
        {"id": "5", "method": "POST", "url": "/communications/getPresencesByUserId", "headers": JSON,
         "body": {"ids": ["kinds", "nobody"]}},
        {"id": "6", "method": "POST", "url": "/users/kinds/presence/clearPresence", "headers": JSON,
         "body": {"sessionId": "phone"}},
        {"id": "7", "method": "GET", "url": f"{server.url}/beta/users/kinds/presence"},
    ]
    for first, second in zip(chain, chain[1:]):
        second["dependsOn"] = [first["id"]]
    answers = send(server, chain[::-1], root="/BETA")
    assert {number: answer["status"] for number, answer in answers.items()} == dict.fromkeys("1234567", 200)
    assert answers["3"]["body"] == presence("kinds", "Away", "Away")
    assert answers["5"]["body"]["value"] == [presence("kinds"), presence("nobody", "Offline", "Offline")]
    assert answers["7"]["body"] == presence("kinds", "Offline", "Offline")


def test_errors_are_graphs_and_stay_with_their_request(server):
    requests = [
        call("good", "alone"),
        call("bad body", "alone", body=CALL | {"activity": "Dancing"}),
        call("bad type", "alone", headers={"Content-Type": "text/xml"}),
        call("bad id", "x" * 257),
        call("no session", "alone", url="/users/alone/presence/clearPresence", body={"sessionId": "other"}),
        read("no path", "alone", url="/users/alone"),
        read("no method", "alone", method="DELETE"),
        read("no word", "alone", method="GET ME"),
        read("no url", "alone", url="/users/a b/presence"),
        read("no header", "alone", headers={"a b": "c"}),
        read("missing", "alone", url="/subscriptions"),
        read("stream", "alone", url="/communications/presences/changes?ids=ana"),
        call("nested", "alone", url="/$batch", body={"requests": [call("1", "alone")]}),
        call("nested whole", "alone", url=f"{server.url}/v1.0/%24BATCH", body={"requests": [call("1", "alone")]}),
        read("outside", "alone", url="/../why/ana"),
        read("good too", "alone", dependsOn=["GOOD"]),
    ]
    answers = send(server, requests, **{"client-request-id": "mine"})
    statuses = {number: answer["status"] for number, answer in answers.items()}
    assert statuses == {
        "good": 200, "bad body": 400, "bad type": 415, "bad id": 400, "no session": 404, "no path": 404,
        "no method": 405, "no word": 400, "no url": 400, "no header": 400, "missing": 501, "stream": 400,
        "nested": 400, "nested whole": 400, "outside": 404, "good too": 200,
    }
    ids = set()
    for number, answer in answers.items():
        if answer["status"] >= 400:
            error = answer["body"]["error"]
            assert error["code"] and error["message"] and answer["headers"]["Content-Type"] == "application/json"
            assert error["innerError"]["client-request-id"] == "mine"
            ids.add(error["innerError"]["request-id"])
    assert len(ids) == 14
    assert answers["no method"]["headers"]["Allow"] == "GET, HEAD"
    assert answers["good too"]["body"] == presence("alone")


def test_what_depends_on_a_failure_fails_and_does_nothing(server):
    answers = send(server, [
        call("4", "late", dependsOn=["3"]),
        call("3", "late", dependsOn=["1", "2"]),
        call("2", "late", body={}),
        call("1", "early"),
        read("5", "early", dependsOn=["1"]),
    ])
    assert {number: answer["status"] for number, answer in answers.items()} == {
        "1": 200, "2": 400, "3": 424, "4": 424, "5": 200}
    assert answers["3"]["body"]["error"]["code"] == "FailedDependency"
    assert answers["5"]["body"] == presence("early")
    assert send(server, [read("1", "late")])["1"]["body"] == presence("late", "Offline", "Offline")


def test_rights_are_checked_for_each_request(server):
    requests = [
        call("write ana", "ana"), call("write bob", "bob"), read("read ana", "ana"), read("read bob", "bob"),
        read("me", "", url="/me/presence"), call("write me", "", url="/me/presence/setPresence"),
        {"id": "many", "method": "POST", "url": "/communications/getPresencesByUserId", "headers": JSON,
         "body": {"ids": ["ana", "bob"]}},
    ]
    columns = {
        "write ana": (403, 403, 200, 200, 403), "write bob": (403, 403, 403, 200, 403),
        "read ana": (200, 200, 200, 200, 200), "read bob": (403, 200, 403, 200, 200),
        "me": (200, 200, 200, 400, 400), "write me": (403, 403, 200, 400, 400), "many": (403, 200, 403, 200, 200),
    }
    holders = [delegated("ana", "Presence.Read"), delegated("ana", "Presence.Read.All"), delegated("ana"),
               application(), application(["Presence.Read.All"])]
    for column, token in enumerate(holders):
        for answers in send(server, requests, token), send(server, requests, token, root="/beta"):
            statuses = {number: answer["status"] for number, answer in answers.items()}
            assert statuses == {number: row[column] for number, row in columns.items()}


def test_a_batch_needs_a_token_and_a_request_in_it_may_bring_its_own(server):
    for text in {}, {"authorization": "Bearer x"}, bearer(application(exp=1_700_000_000)):
        answer = HTTP.post(f"{server.url}/v1.0/$batch", json={"requests": [read("1", "ana")]}, headers=text)
        assert answer.status_code == 401 and answer.headers["www-authenticate"]
    answers = send(server, [
        read("stranger", "bob", headers={"Authorization": "Bearer x"}),
        read("bob", "bob", headers={"Authorization": f"Bearer {delegated('bob')}"}),
        read("ana", "bob"),
    ], delegated("ana"))
    assert {number: answer["status"] for number, answer in answers.items()} == {"stranger": 401, "bob": 200, "ana": 403}
    assert answers["stranger"]["headers"]["Www-Authenticate"].startswith("Bearer")


WHOLE = {
    "no requests": ({"requests": []}, "Invalid batch payload format."),
    "nothing": ({}, "Invalid batch payload format."),
    "no JSON": (b'{"requests":[', "Invalid batch payload format."),
    "no list": ({"requests": {"id": "1"}}, "Invalid batch payload format."),
    "no id": ({"requests": [{"method": "GET", "url": "/me/presence"}]}, "Invalid batch payload format."),
    "no url": ({"requests": [{"id": "1", "method": "GET"}]}, "Invalid batch payload format."),
    "headers of another form": ({"requests": [read("1", "ana", headers=["x"])]}, "Invalid batch payload format."),
    "21 requests": ({"requests": [read(str(number), "ana") for number in range(21)]},
                    "Number of requests inside batch exceed the limit."),
    "an id that comes twice": ({"requests": [call("1", "w"), read("1", "ana")]},
                               "Request Id 1 has to be unique in a batch."),
    "an id in two cases": ({"requests": [call("a", "w"), read("A", "ana")]},
                           "Request Id A has to be unique in a batch."),
    "a body without its type": ({"requests": [call("1", "w", headers={})]},
                                "Write request id : 1 does not contain Content-Type header or body."),
    "an unknown dependency": ({"requests": [call("1", "w"), read("2", "ana", dependsOn=["3"])]}, None),
    "a circle": ({"requests": [call("0", "w"), read("1", "a", dependsOn=["2"]), read("2", "a", dependsOn=["1"])]}, None),
    "oneself": ({"requests": [call("0", "w"), read("1", "a", dependsOn=["1"])]}, None),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_a_batch_is_refused_as_a_whole_and_does_nothing(server, kind):
    body, text = WHOLE[kind]
    status, code, message = rejected(server, body)
    assert (status, code) == (400, "BadRequest") and message
    assert text is None or message == text
    assert send(server, [read("1", "w")])["1"]["body"] == presence("w", "Offline", "Offline")


def test_a_batch_has_a_type_and_a_length_like_other_bodies(server):
    assert rejected(server, b"x", headers=bearer(application()) | {"content-type": "text/plain"})[0] == 415
    long = {"requests": [call("1", "w", body=CALL | {"padding": "x" * 300_000})]}
    assert rejected(server, long)[0] == 413


def test_names_may_start_with_a_capital(server):
    requests = [{"Id": "1", "Method": "GET", "Url": "/users/ana/presence", "Headers": {}, "DependsOn": []}]
    body = {"Requests": requests}
    answer = HTTP.post(f"{server.url}/v1.0/$batch", json=body, headers=bearer(application()))
    assert answer.json()["responses"][0]["status"] == 200


def test_a_hundred_batches_are_answered_at_once_and_no_more(start_server, start_nats):
    """NATS is stopped meanwhile, so that none of them ends."""
    nats = start_nats()
    server = start_server("--nats", nats.url)
    wait_until(lambda: owns_all_shards(server), what="the first answer")
    batch = {"requests": [call("1", "ana"), read("2", "ana", dependsOn=["1"])]}

    async def run():
        connections = [await Connection.open(server.port) for _ in range(120)]
        asked = [asyncio.create_task(each.request("POST", "/v1.0/$batch", batch, seconds=30)) for each in connections]
        async with asyncio.timeout(8):
            while sum(answer.done() for answer in asked) < 20:
                await asyncio.sleep(0.02)
        resume(nats)
        return await asyncio.gather(*asked)

    pause(nats)
    answers = asyncio.run(run())
    busy = [answer for answer in answers if answer.status == 429]
    assert len(busy) == 20 and all(int(answer.headers["retry-after"]) for answer in busy)
    good = [answer.json()["responses"] for answer in answers if answer.status == 200]
    assert len(good) == 100 and all(parts[0]["status"] in (200, 503) for parts in good)
    assert HTTP.post(f"{server.url}/v1.0/$batch", json=batch).status_code == 200


def test_the_sdk_for_python_sends_a_batch(server):
    """It writes whole URLs, as it does to Graph. It cannot read the body of an answer that is JSON."""

    async def run():
        http = httpx.AsyncClient(headers=bearer(delegated("sdk")))
        http = GraphClientFactory.create_with_default_middleware(client=http, options=options)
        adapter = GraphRequestAdapter(AnonymousAuthenticationProvider(), http)
        adapter.base_url = f"{server.url}/v1.0"
        presence = GraphServiceClient(request_adapter=adapter).me.presence
        body = SetPresencePostRequestBody(session_id="phone", availability="Busy", activity="InACall")
        content = BatchRequestContent()
        for number, information in {
            "set": presence.set_presence.to_post_request_information(body),
            "get": presence.to_get_request_information(),
        }.items():
            information.path_parameters["baseurl"] = adapter.base_url
            content.add_request(number, BatchRequestItem(information, number))
        answers = await GraphServiceClient(request_adapter=adapter).batch.post(content)
        return answers, await presence.get()

    answers, presence = asyncio.run(run())
    assert answers.get_response_status_codes() == {"set": 200, "get": 200}
    assert answers.get_response_by_id("get").content_type == "application/json"
    assert (presence.availability, presence.activity) == ("Busy", "InACall")
