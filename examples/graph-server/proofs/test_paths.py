"""Every path and every spelling that real clients send, and a clear error for all others."""

import re

import httpx
import pytest

CALL = {"sessionId": "phone", "availability": "Busy", "activity": "InACall"}
PREFER = {"availability": "Away", "activity": "Away"}
HTTP = httpx.Client()

# Ana's presence, in the spellings of Graph's documents, of its SDKs and of PowerShell. ID stands for the id.
PRESENCES = [
    "/v1.0/users/ID/presence",
    "/beta/users/ID/presence",
    "/V1.0/Users/ID/Presence",
    "/BETA/USERS/ID/PRESENCE",
    "/v1.0/users('ID')/presence",
    "/v1.0/users(%27ID%27)/presence",
    "/v1.0/communications/presences/ID",
    "/v1.0/Communications/Presences/ID",
    "/v1.0/communications/presences('ID')",
]
ACTIONS = ["setPresence", "SetPresence", "SETPRESENCE", "microsoft.graph.setPresence", "Microsoft.Graph.SetPresence"]


@pytest.fixture(scope="module")
def server(start_server):
    return start_server("--me", "the Me")


def get(server, path, **more):
    return HTTP.get(f"{server.url}{path}", **more)


def post(server, path, body=None, **more):
    return HTTP.post(f"{server.url}{path}", json=body, **more)


def activity(server, user):
    return get(server, f"/v1.0/users/{user}/presence").json()["activity"]


def is_graphs_error(answer, status, code):
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["code"] == code and error["message"]
    assert error["innerError"]["request-id"] == answer.headers["request-id"]
    return error["message"]


@pytest.mark.parametrize("path", PRESENCES)
def test_every_spelling_of_a_presence_is_read_and_written(server, path):
    for number, action in enumerate(ACTIONS):
        user = f"User-{PRESENCES.index(path)}-{number}"
        own = path.replace("ID", user)
        assert post(server, f"{own}/{action}", CALL).status_code == 200, action
        assert get(server, own).json() == {"id": user, "availability": "Busy", "activity": "InACall"}
        assert activity(server, user) == "InACall"
        assert activity(server, user.lower()) == "Offline", "ids are exact"


@pytest.mark.parametrize("root", ["/v1.0/users/ID/presence", "/v1.0/communications/presences/ID",
                                  "/beta/communications/presences('ID')", "/v1.0/me/presence"])
@pytest.mark.parametrize("space", ["", "microsoft.graph."])
def test_all_four_actions_are_there(server, root, space):
    user = "the Me" if "/me/" in root else f"four {space} {root}".replace("'", "").replace("/", "-")
    root = root.replace("ID", user)
    assert post(server, f"{root}/{space}setPresence", CALL).status_code == 200
    assert get(server, root).json() == {"id": user, "availability": "Busy", "activity": "InACall"}
    assert post(server, f"{root}/{space}setUserPreferredPresence", PREFER).status_code == 200
    assert activity(server, user) == "Away"
    assert post(server, f"{root}/{space}clearUserPreferredPresence", {}).status_code == 200
    assert activity(server, user) == "InACall"
    assert post(server, f"{root}/{space}clearPresence", {"sessionId": "phone"}).status_code == 200
    assert activity(server, user) == "Offline"


@pytest.mark.parametrize("name", ["getPresencesByUserId", "getPresencesByUserID", "GetPresencesByUserId",
                                  "microsoft.graph.getPresencesByUserId"])
def test_many_presences_are_read(server, name):
    answer = post(server, f"/v1.0/communications/{name}", {"ids": ["nobody"]})
    assert answer.json() == {"value": [{"id": "nobody", "availability": "Offline", "activity": "Offline"}]}


def test_a_quote_in_a_key_is_doubled(server):
    assert post(server, "/v1.0/users('o''hara')/presence/setPresence", CALL).status_code == 200
    assert activity(server, "o'hara") == "InACall"
    is_graphs_error(get(server, "/v1.0/users('o'hara')/presence"), 404, "ResourceNotFound")


def test_a_user_may_be_named_like_the_stream(server):
    assert post(server, "/v1.0/communications/presences/changes/setPresence", CALL).status_code == 200
    assert get(server, "/v1.0/communications/presences('changes')").json()["activity"] == "InACall"
    with HTTP.stream("GET", f"{server.url}/v1.0/Communications/presences/Changes?ids=ana") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")


def test_options_of_odata_are_passed_over(server):
    assert get(server, "/v1.0/users/ana/presence?$select=id,activity&$expand=x").json()["id"] == "ana"


@pytest.mark.parametrize("path", [
    "/v1.0/me/presence/setStatusMessage", "/v1.0/users/ana/presence/setStatusMessage",
    "/beta/users/ana/presence/microsoft.graph.setStatusMessage", "/v1.0/communications/presences/ana/setStatusMessage",
    "/beta/me/presence/setManualLocation", "/v1.0/users('ana')/presence/setManualLocation",
    "/beta/me/presence/setAutomaticLocation", "/beta/me/presence/clearLocation", "/v1.0/subscriptions",
])
def test_what_only_graph_has_is_not_implemented(server, path):
    answer = post(server, path, {"statusMessage": {"message": {"content": "Back at 3."}}})
    assert "this server" in is_graphs_error(answer, 501, "NotImplemented")


def test_subscriptions_are_not_implemented_in_any_way(server):
    for method, path in ("GET", ""), ("PATCH", "/7"), ("DELETE", "/7"):
        answer = HTTP.request(method, f"{server.url}/v1.0/subscriptions{path}")
        is_graphs_error(answer, 501, "NotImplemented")


METHODS = {
    "/v1.0/me/presence": "GET, HEAD", "/v1.0/users/ana/presence": "GET, HEAD",
    "/v1.0/communications/presences/ana": "GET, HEAD", "/v1.0/communications/presences/changes": "GET, HEAD",
    "/v1.0/me/presence/setPresence": "POST", "/v1.0/communications/presences/ana/clearPresence": "POST",
    "/v1.0/communications/getPresencesByUserId": "POST", "/v1.0/$batch": "POST",
    "/why/ana": "GET, HEAD", "/healthz": "GET, HEAD", "/metrics": "GET, HEAD",
}


@pytest.mark.parametrize("path", METHODS)
def test_a_wrong_method_is_told_the_right_ones(server, path):
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PRESENCE"):
        if method not in METHODS[path].split(", "):
            answer = HTTP.request(method, f"{server.url}{path}")
            allowed = answer.headers["allow"].replace(" ", "").split(",")
            assert answer.status_code == 405 and allowed == METHODS[path].split(", "), (method, answer)
            assert method == "HEAD" or is_graphs_error(answer, 405, "MethodNotAllowed")


@pytest.mark.parametrize("path", ["/v1.0/users/ana/presence", "/healthz", "/why/ana", "/metrics"])
def test_the_head_of_an_answer_comes_without_its_body(server, path):
    head = HTTP.head(f"{server.url}{path}")
    assert head.status_code == 200 and head.content == b""
    assert head.headers["content-type"] == get(server, path).headers["content-type"]


@pytest.mark.parametrize("path", [
    "/", "/v1.0", "/v1.0/users", "/v1.0/users/ana", "/v1.0/users/ana/presence/", "/v1.0//users/ana/presence",
    "/v1.0/users/ana/presence/setPresence/setPresence", "/v1.0/users(ana)/presence", "/v1.0/me('ana')/presence",
    "/users/ana/presence", "/v1.0/healthz", "/v1.0/why/ana", "/v1.0/communications/presences",
])
def test_all_other_paths_are_not_found(server, path):
    is_graphs_error(get(server, path), 404, "ResourceNotFound")
    is_graphs_error(post(server, path, CALL), 404, "ResourceNotFound")


def test_the_figures_do_not_grow_with_the_paths_that_are_asked_for(server):
    def labels():
        found = re.findall(r'presence_requests_total\{path="([^"]*)"', get(server, "/metrics").text)
        return set(found)

    known = {"presence", "setPresence", "clearPresence", "setUserPreferredPresence", "clearUserPreferredPresence",
             "getPresencesByUserId", "changes", "$batch", "missing", "why", "other"}
    for number in range(20):
        get(server, f"/v1.0/users/user-{number}/presence")
        get(server, f"/v1.0/path-{number}")
    assert {"presence", "other"} <= labels() <= known


def test_without_keys_me_is_the_user_of_the_flag(start_server):
    unnamed, named = start_server(), start_server("--me", "ana")
    assert "--me" in is_graphs_error(get(unnamed, "/v1.0/me/presence"), 400, "InvalidArgument")
    for token in {}, {"authorization": "Bearer anything"}:
        assert post(named, "/v1.0/me/presence/setPresence", CALL, headers=token).status_code == 200
        assert get(named, "/v1.0/me/presence", headers=token).json()["id"] == "ana"
    assert activity(named, "ana") == "InACall"
