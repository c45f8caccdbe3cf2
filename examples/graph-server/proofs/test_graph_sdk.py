"""The real Graph SDK for Python, through every action, error, fade and expiry, while hours pass in a moment."""

import datetime
import itertools
import uuid

import httpx
import pytest
from msgraph.generated.models.o_data_errors.o_data_error import ODataError

import tokens
from sdk import Graph
from service import wait_until

CLAIMS = {
    "Available": ("Available", "Available"),
    "InACall": ("Busy", "InACall"),
    "InAConferenceCall": ("Busy", "InAConferenceCall"),
    "Presenting": ("DoNotDisturb", "Presenting"),
    "Away": ("Away", "Away"),
}
PREFERENCES = {
    "Available": ("Available", "Available"),
    "Busy": ("Busy", "Busy"),
    "DoNotDisturb": ("DoNotDisturb", "DoNotDisturb"),
    "BeRightBack": ("BeRightBack", "BeRightBack"),
    "Away": ("Away", "Away"),
    "OffWork": ("Offline", "OffWork"),
}
OTHERS = {"AvailableInactive": ("Available", "AvailableInactive"), "Offline": ("Offline", "Offline")}
PAIRS = CLAIMS | PREFERENCES | OTHERS

# The vectors of the rules. A step is a time in minutes after the start, and an action or what others see then; after
# `!` stands the status of an error. Times are minutes, minutes:seconds, or days with a `d`.
VECTORS = """
a user without a session is offline:           0 Offline
a preference alone shows nothing:              0 prefer Busy, 0 Offline
a preference shows with the first session:     0 prefer Busy, 1 set A Available PT1H, 1 Busy
a session lives for five minutes by default:   0 set A Available, 4:59 Available, 5 Offline
an available session fades and expires:        0 set A Available PT1H, 4:59 Available, 5 AvailableInactive, 9:59 AvailableInactive, 10 Away, 59:59 Away, 60 Offline
ten minutes end before away shows:             0 set A Available PT10M, 9:59 AvailableInactive, 10 Offline
a refresh restarts fading:                     0 set A Available PT1H, 4 set A Available PT1H, 8:59 Available, 9 AvailableInactive
a refresh may shorten:                         0 set A InACall PT4H, 1 set A InACall PT5M, 5:59 InACall, 6 Offline
an available session wins until it has faded:  0 set A Away PT1H, 0 set B Available PT1H, 0 Available, 9 AvailableInactive, 10 Away
do not disturb wins over busy:                 0 set A InACall PT1H, 0 set B Presenting PT1H, 1 Presenting, 1 clear B, 1 InACall
a conference wins over a call:                 0 set A InACall, 0 set B InAConferenceCall, 0 InAConferenceCall
a conference wins in the other order:          0 set B InAConferenceCall, 0 set A InACall, 0 InAConferenceCall
busy and away never fade:                      0 set A InACall PT4H, 239 InACall, 240 set A Away PT4H, 479 Away, 480 Offline
preferred offline is off work:                 0 prefer OffWork, 0 set A Available, 1 OffWork, 1 clear A, 1 Offline
do not disturb is preferred for a day:         0 prefer DoNotDisturb, 1439 set A InACall, 1439:59 DoNotDisturb, 1440 InACall
busy is preferred for a day:                   0 prefer Busy, 1439 set A Presenting, 1439:59 Busy, 1440 Presenting
away is preferred for a week:                  0 prefer Away, 10079 set A InACall, 10079:59 Away, 10080 InACall
a preference may be short:                     0 set A InACall PT1H, 0 prefer BeRightBack PT1M, 0:59 BeRightBack, 1 InACall
preferring again replaces:                     0 set A InACall PT1H, 0 prefer Away PT1H, 1 prefer DoNotDisturb PT1M, 2 InACall
what shows after the preference is of then:    0 set A Available PT1H, 0 prefer DoNotDisturb, 20 unprefer, 20 Away
a session that was never set is not found:     0 clear A !404
a session is cleared once:                     0 set A InACall, 1 clear A, 1 Offline, 1 clear A !404
a session is not found at its end:             0 set A InACall, 5 clear A !404
a preference is cleared again and again:       0 set A InACall PT1H, 0 prefer Away, 0 Away, 1 unprefer, 1 InACall, 1 unprefer, 1 InACall
a lifetime has limits:                         0 set A InACall PT4M59S !400, 0 set A InACall PT4H1S !400, 0 Offline, 0 set A InACall PT5M, 4:59 InACall, 5 set A InACall PT4H, 244 InACall, 245 Offline
a preference lives longer than zero:           0 set A InACall PT1H, 0 prefer Away PT0S !400, 0 InACall, 0 prefer Away P400D, 1 Away
a session does not claim what users prefer:    0 set A Busy PT1H !400, 0 set A DoNotDisturb PT1H !400, 0 set A BeRightBack PT1H !400, 0 set A OffWork PT1H !400, 0 set A Offline PT1H !400, 0 set A AvailableInactive PT1H !400, 0 Offline
a user does not prefer what sessions claim:    0 prefer InACall !400, 0 prefer InAConferenceCall !400, 0 prefer Presenting !400, 0 prefer AvailableInactive !400, 0 prefer Offline !400
a preferred available does not fade:           0 prefer Available, 0 set A Available PT4H, 30 Available, 239 Available, 240 Offline
a call that is refreshed lasts:                0 set A InACall, 4 set A InACall, 8 set A InACall, 12:59 InACall, 13 Offline
"""
SCENARIOS = dict(line.split(":  ", 1) for line in VECTORS.strip().splitlines())

days = itertools.count(0, 30)


class Day:
    """A start of its own for each test, later than all that other tests have seen."""

    def __init__(self):
        self.start = datetime.datetime(2026, 11, 20, 9) + datetime.timedelta(days=next(days))

    def at(self, minutes):
        minutes, _, seconds = str(minutes).partition(":")
        later = datetime.timedelta(minutes=int(minutes), seconds=int(seconds or 0))
        return (self.start + later).isoformat() + "Z"


@pytest.fixture(scope="module", params=["embedded", "cluster"])
def server(request, start_server, start_nats, tmp_path_factory):
    flags = ["--nats", start_nats().url] if request.param == "cluster" else []
    server = start_server("--clock", "header", *flags, *tokens.flags(tmp_path_factory.mktemp("keys")))
    headers = {"x-now": Day().at(0)} | tokens.bearer(tokens.application())
    wait_until(lambda: httpx.get(f"{server.url}/v1.0/users/ana/presence", headers=headers).status_code == 200)
    return server


@pytest.fixture(params=["delegated", "application"])
def graph(request, server):
    user = str(uuid.uuid4())
    if request.param == "delegated":
        graph = Graph(server, tokens.delegated(user))
    else:
        graph = Graph(server, tokens.application(), user)
    yield graph
    graph.close()


@pytest.fixture
def application(server):
    graph = Graph(server, tokens.application(), str(uuid.uuid4()))
    yield graph
    graph.close()


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_sdk_sees_that(graph, scenario):
    day = Day()
    for step in SCENARIOS[scenario].split(", "):
        minutes, verb, *words = step.split()
        at = day.at(minutes)
        status = int(words.pop().removeprefix("!")) if words and words[-1].startswith("!") else None
        if verb == "set":
            act = lambda: graph.set(at, words[0], *PAIRS[words[1]], *words[2:])
        elif verb == "prefer":
            act = lambda: graph.prefer(at, *PAIRS[words[0]], *words[1:])
        elif verb == "clear":
            act = lambda: graph.clear(at, words[0])
        elif verb == "unprefer":
            act = lambda: graph.unprefer(at)
        else:
            assert graph.presence(at) == PAIRS[verb], step
            continue
        if status:
            with pytest.raises(ODataError) as error:
                act()
            assert error.value.response_status_code == status, step
        else:
            act()
            assert graph.answers[-1].status_code == 200 and graph.answers[-1].content == b"", step


@pytest.mark.parametrize("claim", CLAIMS)
def test_every_claim_is_read_back_in_every_way(application, claim):
    at = Day().at(0)
    application.set(at, "A", *CLAIMS[claim], "PT1H")
    assert application.presence(at) == CLAIMS[claim]
    assert application.presence_by_communications(at, application.user) == CLAIMS[claim]
    assert application.presences(at, [application.user]) == [(application.user, CLAIMS[claim])]


@pytest.mark.parametrize("preference", PREFERENCES)
def test_every_preference_is_read_back(graph, preference):
    at = Day().at(0)
    graph.set(at, "A", *CLAIMS["InACall"])
    graph.prefer(at, *PREFERENCES[preference])
    assert graph.presence(at) == PREFERENCES[preference]


def test_650_users_are_read_at_once_and_no_more(application):
    at, users = Day().at(0), [f"user {number}" for number in range(650)]
    application.set(at, "A", *CLAIMS["Away"])
    asked = [*users[1:], application.user]
    read = application.presences(at, asked)
    assert read == [(user, PAIRS["Offline"]) for user in users[1:]] + [(application.user, PAIRS["Away"])]
    error = failure(lambda: application.presences(at, [*users, "one more"]), 400)
    assert error.message == "too many [Ids], expected at most 650"


def failure(act, status):
    with pytest.raises(ODataError) as raised:
        act()
    assert raised.value.response_status_code == status
    return raised.value.error


def test_errors_have_the_texts_and_the_shape_of_graph(graph):
    at = Day().at(0)
    error = failure(lambda: graph.set(at, "A", "Available", "Available", "PT1M"), 400)
    assert (error.code, error.message) == ("InvalidArgument", "The provided [ExpirationDuration] is out of range.")
    answer = graph.answers[-1]
    assert error.inner_error.request_id == answer.headers["request-id"]
    assert error.inner_error.client_request_id == answer.request.headers["client-request-id"]
    assert isinstance(error.inner_error.date, datetime.datetime)
    error = failure(lambda: graph.set(at, None, "Available", "Available"), 400)
    assert (error.code, error.message) == ("InvalidArgument", "[SessionId]: The SessionId field is required.")
    error = failure(lambda: graph.clear(at, "B"), 404)
    assert error.code == "NotFound"
    error = failure(lambda: graph.set(at, "A", "Available", "InACall"), 400)
    assert error.code == "InvalidArgument" and "InACall" in error.message


def test_a_timedelta_of_the_sdk_is_rejected_as_the_real_service_does(graph):
    """The SDK writes it as `8:00:00`, which is no duration of OData."""
    error = failure(lambda: graph.prefer(Day().at(0), "Away", "Away", datetime.timedelta(hours=8)), 400)
    assert error.code == "InvalidArgument"


def test_the_129th_live_session_is_forbidden(graph):
    day = Day()
    for number in range(128):
        graph.set(day.at(0), f"session {number}", *CLAIMS["InACall"])
    assert failure(lambda: graph.set(day.at(1), "one more", *CLAIMS["InACall"]), 403).code == "Forbidden"
    graph.set(day.at(1), "session 0", *CLAIMS["InACall"])
    graph.set(day.at(5), "one more", *CLAIMS["InACall"])


def test_the_beta_endpoint_is_the_same(server):
    at, user = Day().at(0), str(uuid.uuid4())
    beta, v1 = (Graph(server, tokens.delegated(user), root=root) for root in ("beta", "v1.0"))
    beta.set(at, "A", *CLAIMS["Presenting"])
    assert beta.presence(at) == v1.presence(at) == CLAIMS["Presenting"]


def test_a_delegated_token_reads_others_with_the_right_to_read_all_only(server):
    at, ana, bob = Day().at(0), str(uuid.uuid4()), str(uuid.uuid4())
    Graph(server, tokens.delegated(ana)).set(at, "A", *CLAIMS["InACall"])
    reader = Graph(server, tokens.delegated(bob, "Presence.Read.All"), ana)
    assert reader.presence(at) == reader.presence_by_communications(at, ana) == CLAIMS["InACall"]
    assert failure(lambda: reader.set(at, "A", *CLAIMS["Away"]), 403).code == "Forbidden"
    writer = Graph(server, tokens.delegated(bob, "Presence.ReadWrite"), ana)
    assert failure(lambda: writer.presence(at), 403).code == "Forbidden"
    assert failure(lambda: writer.set(at, "A", *CLAIMS["Away"]), 403).code == "Forbidden"


def test_the_sdk_without_a_valid_token_gets_401(server):
    expired = Graph(server, tokens.delegated("ana", exp=1_000_000_000))
    assert failure(lambda: expired.presence(Day().at(0)), 401).code == "InvalidAuthenticationToken"
