import pytest

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

    def start():
        started.append(Nats(tmp_path_factory.mktemp("nats")))
        return started[-1].start()

    yield start
    for nats in started:
        nats.kill()
