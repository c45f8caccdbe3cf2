"""What web pages may do: those that are allowed everything that a token allows, and the others nothing."""

import http.server
import json
import shutil
import subprocess
import threading
import time

import httpx
import pytest

import tokens
from service import SERVER
from tokens import application, bearer

USER = "/v1.0/users/ana/presence"
CALL = {"sessionId": "phone", "availability": "Busy", "activity": "InACall"}
PREFER = {"availability": "Away", "activity": "Away"}
HTTP = httpx.Client()
PAGE = "https://app.example"
OTHER = "https://evil.example"


@pytest.fixture(scope="module")
def open_server(start_server):
    """A server without keys, which one other page may use."""
    return start_server("--allow-origin", "https://App.example:443/start?now")


@pytest.fixture(scope="module")
def server(start_server, tmp_path_factory):
    """A server with keys, which two other pages may use."""
    flags = tokens.flags(tmp_path_factory.mktemp("keys"))
    return start_server(*flags, "--allow-origin", PAGE, "--allow-origin", "http://localhost:3000")


def send(server, headers, method="POST", path=f"{USER}/clearUserPreferredPresence"):
    return HTTP.request(method, f"{server.url}{path}", headers=headers)



def prefer_away(server):
    for action, body in (("setPresence", CALL), ("setUserPreferredPresence", PREFER)):
        assert HTTP.post(f"{server.url}{USER}/{action}", json=body).status_code == 200


# The headers of browsers: of a form or a fetch without CORS, of a page of the same site, of an old browser, of a frame
# without an origin, of a link, of a name that points to this machine.
FOREIGN = {
    "a form": {"origin": OTHER, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate",
               "content-type": "application/x-www-form-urlencoded"},
    "a script": {"origin": OTHER, "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "content-type": "text/plain"},
    "another port": {"origin": "http://localhost:3000", "sec-fetch-site": "same-site", "sec-fetch-mode": "cors"},
    "an old browser": {"origin": OTHER},
    "an old browser at another port": {"origin": "http://127.0.0.1:1"},
    "a frame without an origin": {"origin": "null", "sec-fetch-site": "cross-site"},
    "an image": {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
    "nearly the page": {"origin": f"{PAGE}.evil.example", "sec-fetch-site": "cross-site"},
    "the page over HTTP": {"origin": "http://app.example", "sec-fetch-site": "cross-site"},
    "another name": {"host": "evil.example:8080"},
    "another name of the same page": {"host": "evil.example", "origin": "http://evil.example", "sec-fetch-site": "same-origin"},
    "an address of the network": {"host": "192.168.0.1"},
    "nearly this machine": {"host": "localhost.evil.example"},
    "nearly an address": {"host": "127.0.0.1.evil.example"},
    "no name": {"host": ""},
}


@pytest.mark.parametrize("kind", FOREIGN)
@pytest.mark.parametrize("method, path", [("POST", f"{USER}/clearUserPreferredPresence"), ("GET", USER), ("GET", "/metrics"),
                                          ("OPTIONS", f"{USER}/setPresence")])
def test_a_foreign_page_may_do_nothing_without_keys(open_server, kind, method, path):
    prefer_away(open_server)
    answer = send(open_server, FOREIGN[kind], method, path)
    assert answer.status_code == 403 and answer.json()["error"]["code"] == "Forbidden", answer.text
    assert "access-control-allow-origin" not in answer.headers
    assert HTTP.get(f"{open_server.url}{USER}").json()["availability"] == "Away"


OWN = {
    "no browser": {},
    "an address that was typed": {"sec-fetch-site": "none", "sec-fetch-mode": "navigate"},
    "a page of the server": {"origin": "http://127.0.0.1", "sec-fetch-site": "same-origin"},
    "the page": {"origin": PAGE, "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"},
    "the page in an old browser": {"origin": PAGE},
    "a name of this machine": {"host": "LocalHost:1"},
    "a name below it": {"host": "presence.localhost"},
    "another address of it": {"host": "127.1.2.3:8080"},
    "its address of IPv6": {"host": "[::1]:8080"},
}


@pytest.mark.parametrize("kind", OWN)
def test_others_may_do_everything_without_keys(open_server, kind):
    assert send(open_server, OWN[kind]).status_code == 200
    assert send(open_server, OWN[kind], "GET", USER).status_code == 200


def test_a_page_of_the_server_is_its_own_in_an_old_browser(open_server):
    assert send(open_server, {"origin": open_server.url}).status_code == 200


def test_with_keys_a_token_decides(server):
    for headers in (*FOREIGN.values(), *OWN.values()):
        answer = send(server, headers | bearer(application()))
        assert answer.status_code == 200, headers
        assert send(server, headers).status_code == 401


@pytest.mark.parametrize("origin", [PAGE, "http://localhost:3000"])
def test_a_page_that_is_allowed_reads_answers_and_errors(server, origin):
    preflight = HTTP.options(f"{server.url}{USER}/setPresence", headers={
        "origin": origin, "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,client-request-id,content-type,sdkversion"})
    assert preflight.status_code == 200 and preflight.headers["access-control-allow-origin"] == origin
    allowed = {name.strip() for name in preflight.headers["access-control-allow-headers"].split(",")}
    assert allowed == {"authorization", "client-request-id", "content-type", "sdkversion"}
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert int(preflight.headers["access-control-max-age"]) > 0
    for token, path, status in [(application(), USER, 200), (application(), "/nothing", 404), ("none", USER, 401)]:
        answer = send(server, {"origin": origin} | bearer(token), "GET", path)
        assert answer.status_code == status and answer.headers["access-control-allow-origin"] == origin
        exposed = answer.headers["access-control-expose-headers"].lower()
        assert {"request-id", "client-request-id", "retry-after"} <= set(exposed.split(","))
        assert "origin" in answer.headers["vary"].lower()
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", [OTHER, "null", f"{PAGE}:444"])
def test_a_page_that_is_not_allowed_reads_nothing(server, origin):
    for method in ("GET", "OPTIONS"):
        answer = send(server, {"origin": origin, "access-control-request-method": "GET"} | bearer(application()), method, USER)
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("url", ["*", "null", "app.example", "file:///page", "data:text/html,x"])
def test_what_has_no_origin_cannot_be_allowed(tmp_path, url):
    command = [SERVER, "--data", tmp_path / "data", "--listen", "127.0.0.1:0", "--allow-origin", url]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert ended.returncode not in (0, 101) and "--allow-origin" in ended.stderr


# In a browser.

SCRIPT = """
<script type="module">
const found = {};
const attempt = async (name, run) => { try { found[name] = await run(); } catch (error) { found[name] = String(error); } };
const user = "/v1.0/users/ana/presence";
const { open, server, token } = await (await fetch("/facts")).json();
const headers = { authorization: `Bearer ${token}` };
const call = { method: "POST", headers: { ...headers, "content-type": "application/json" },
               body: JSON.stringify({ sessionId: "page", availability: "Busy", activity: "InACall" }) };
await attempt("foreign clear", async () => (await fetch(open + user + "/clearUserPreferredPresence", { method: "POST", mode: "no-cors" })).type);
await attempt("foreign read", async () => (await fetch(open + user)).status);
await attempt("set", async () => (await fetch(server + user + "/setPresence", call)).status);
await attempt("read", async () => (await (await fetch(server + user, { headers })).json()).activity);
await attempt("error", async () => {
    const answer = await fetch(server + user + "/setPresence", { ...call, body: "{}" });
    return [answer.status, answer.headers.get("request-id") === (await answer.json()).error.innerError["request-id"]];
});
await attempt("stream", async () => {
    const answer = await fetch(server + "/v1.0/communications/presences/changes?ids=ana", { headers });
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    await fetch(server + user + "/setPresence", { ...call, body: call.body.replace("InACall", "InAConferenceCall") });
    let text = "";
    while (!text.includes("InAConferenceCall")) text += (await reader.read()).value;
    return text.startsWith("event: presence") || text.startsWith("id: ");
});
await fetch("/found", { method: "POST", body: JSON.stringify(found) });
</script>
"""


def test_chromium_does_what_the_headers_say(start_server, tmp_path, say):
    chromium = shutil.which("chromium")
    if not chromium:
        say("browsers: this machine has no chromium, so no page was opened in it")
        pytest.skip("no chromium")
    found, facts = [], {}

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            kind, text = ("application/json", json.dumps(facts)) if self.path == "/facts" else ("text/html", SCRIPT)
            self.send_response(200)
            self.send_header("content-type", kind)
            self.end_headers()
            self.wfile.write(text.encode())

        def do_POST(self):
            found.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    page = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=page.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{page.server_port}"
    closed = start_server()
    facts |= {"open": closed.url, "token": application(),
              "server": start_server(*tokens.flags(tmp_path), "--allow-origin", url).url}
    prefer_away(closed)

    browser = subprocess.Popen([chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                                f"--user-data-dir={tmp_path / 'profile'}", "--remote-debugging-port=0", url],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 60
        while not found and time.monotonic() < end:
            time.sleep(0.1)
    finally:
        browser.kill()
        browser.wait()
        page.shutdown()
    assert found, "the page did not finish"
    foreign = found[0].pop("foreign read")
    assert "TypeError" in str(foreign), foreign
    assert found[0] == {"foreign clear": "opaque", "set": 200, "read": "InACall", "error": [400, True], "stream": True}
    assert HTTP.get(f"{closed.url}{USER}").json()["availability"] == "Away"
