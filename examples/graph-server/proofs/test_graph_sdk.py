"""The real SDKs of Graph, through every action, error, fade and expiry, while years pass in a moment."""

import asyncio
import datetime
import importlib.util
import re
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import httpx
import pytest

import tokens
from sdk import FOLDER, SDKS, differences, presence
from service import wait_until

README = (Path(__file__).parent.parent / "README.md").read_text()


@pytest.fixture(scope="module", params=["embedded", "cluster"])
def server(request, start_server, start_nats, tmp_path_factory):
    flags = ["--nats", start_nats().url] if request.param == "cluster" else []
    server = start_server("--clock", "header", *flags, *tokens.flags(tmp_path_factory.mktemp("keys")))
    headers = {"x-now": "2026-11-20T00:00:00Z"} | tokens.bearer(tokens.application())
    wait_until(lambda: httpx.get(f"{server.url}/v1.0/users/ana/presence", headers=headers).status_code == 200)
    return server


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.go if name == "go" else []) for name in SDKS])
def sdk(request, say):
    """An SDK that is fetched and compiled."""
    sdk = SDKS[request.param]
    if missing := sdk.missing():
        pytest.skip(f"this machine lacks {', '.join(missing)}")
    begin = time.monotonic()
    sdk.prepare()
    if time.monotonic() - begin > 5:
        say(f"sdk: {request.param}: fetched and compiled in {time.monotonic() - begin:.0f} s")
    return sdk


def test_every_step_of_the_table_has_its_answer(server, sdk, start_nginx):
    front = start_nginx(server) if sdk.needs_tls else server
    wrong = differences(sdk, f"{front.url}/v1.0", getattr(front, "certificate", None))
    assert not wrong, "\n".join(wrong[:20])


# What a program needs around the lines of the README.
PROGRAMS = {
    "python": (SDKS["python"], [sys.executable, "-c"], """
        import asyncio
        from kiota_abstractions.authentication import AnonymousAuthenticationProvider
        from msgraph import GraphRequestAdapter, GraphServiceClient
        async def main():
        {lines}
            print(presence.availability)
        asyncio.run(main())"""),
    "graph-client": (SDKS["graph-client"], ["node", "--input-type=module", "-e"], """
        import {{ Client }} from "@microsoft/microsoft-graph-client";
        {lines}
        console.log(presence.availability)"""),
    "msgraph-sdk": (SDKS["msgraph-sdk"], ["node", "--input-type=module", "-e"], """
        import {{ AnonymousAuthenticationProvider }} from "@microsoft/kiota-abstractions";
        import {{ createGraphServiceClient, GraphRequestAdapter }} from "@microsoft/msgraph-sdk";
        import "@microsoft/msgraph-sdk-users";
        {lines}
        console.log(presence.availability)"""),
    "java": (SDKS["java"], ["java", "-cp", "target/lib/*"], """
        import com.microsoft.graph.serviceclient.GraphServiceClient;
        import com.microsoft.kiota.authentication.AnonymousAuthenticationProvider;
        public class Readme {{
            public static void main(String[] arguments) {{
                {lines}
                System.out.println(presence.getAvailability());
                System.exit(0);
            }}
        }}"""),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_lines_of_the_readme_read_a_presence(start_server, tmp_path, name):
    sdk, command, around = PROGRAMS[name]
    if missing := sdk.missing():
        pytest.skip(f"this machine lacks {', '.join(missing)}")
    sdk.prepare()
    server = start_server()
    user = f"{server.url}/v1.0/users/ana/presence/setPresence"
    httpx.post(user, json={"sessionId": "phone"} | presence("Presenting")).raise_for_status()
    lines = dict(re.findall(r"^\*\*.*?`(\S+)`\*\*.*?\n\n```\w+\n(.*?)^```", README, re.MULTILINE | re.DOTALL))
    lines = {"graph-client": lines["@microsoft/microsoft-graph-client"], "msgraph-sdk": lines["@microsoft/msgraph-sdk-users"],
             "python": lines["msgraph-sdk"], "java": lines["com.microsoft.graph:microsoft-graph"]}[name]
    lines = lines.replace("http://127.0.0.1:8080", server.url)
    indent = "    " if name == "python" else ""
    program = textwrap.dedent(around).format(lines=textwrap.indent(lines, indent))
    if name == "java":
        (tmp_path / "Readme.java").write_text(program)
        program = tmp_path / "Readme.java"
    done = subprocess.run([*command, program], cwd=FOLDER / sdk.folder, capture_output=True, text=True, timeout=300)
    assert done.stdout.strip().endswith("DoNotDisturb"), done.stdout + done.stderr


def test_a_timedelta_of_the_python_sdk_is_rejected_as_the_real_service_does(server):
    """The SDK writes it as `8:00:00`, which is no duration of OData."""
    spec = importlib.util.spec_from_file_location("program", FOLDER / "python" / "program.py")
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    body = presence("Away") | {"expirationDuration": datetime.timedelta(hours=8)}
    headers = {"x-now": "2026-11-20T09:00:00Z", "client-request-id": "one"}
    call = {"root": f"{server.url}/v1.0", "token": tokens.delegated("ana"), "name": "setUserPreferredPresence"}
    result = asyncio.run(program.result(call | {"headers": headers, "body": body}))
    assert (result["status"], result["code"]) == (400, "InvalidArgument"), result
