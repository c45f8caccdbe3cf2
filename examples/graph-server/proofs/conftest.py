import shutil

import pytest

from deploying import Machine, commands
from service import Nats, Server


@pytest.fixture(scope="module")
def start_server(tmp_path_factory):
    """Starts servers, and ends them after the tests of a file. None may have panicked."""
    servers = []

    def start(*flags, **more):
        servers.append(Server(tmp_path_factory.mktemp("server"), *flags, **more))
        return servers[-1].start()

    yield start
    for server in servers:
        server.kill()
    for server in servers:
        assert "panicked" not in server.said(), server.said()


FACTS = []


@pytest.fixture(scope="module")
def say():
    """Keeps a line for the end of the report."""
    return FACTS.append


def pytest_terminal_summary(terminalreporter):
    for fact in FACTS:
        terminalreporter.write_line(fact)


@pytest.fixture(scope="module")
def start_nats(tmp_path_factory):
    """Starts NATS servers, and ends them after the tests of a file."""
    started = []

    def start(more=""):
        started.append(Nats(tmp_path_factory.mktemp("nats"), more))
        return started[-1].start()

    yield start
    for nats in started:
        nats.kill()


@pytest.fixture(scope="module")
def start_machine(tmp_path_factory):
    """Starts machines as DEPLOYING.md sets them up, and ends their services after the tests of a file."""
    machines = []

    def start(**ports):
        machines.append(Machine(tmp_path_factory.mktemp("machine"), **ports))
        return machines[-1]

    yield start
    for machine in machines:
        machine.end()
    for machine in machines:
        for service in machine.services.values():
            assert "panicked" not in service.said(), service.said()


@pytest.fixture(scope="module")
def start_nginx(start_machine):
    """Starts nginx in front of a server, as DEPLOYING.md says."""

    def start(server):
        if not shutil.which("nginx"):
            pytest.skip("this machine lacks nginx")
        machine = start_machine(_8080=server.port)
        machine.write("/etc/nginx/conf.d/presence.conf")
        machine.run(commands("nginx in front")[0])
        machine.start("nginx")
        return machine

    return start
