"""`ketch up --mcp-port` with a port that somebody else has: one line, and the engine runs on."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable

import pytest

from engine.control import SOCKET_NAME
from engine.control_client import call
from server.mcp.http import FILE, HOST
from tests.conftest import LocalChain
from tests.mcp.test_session import mining
from tests.scenario.ketch_processes import started, wait_for_engine

pytestmark = pytest.mark.node


def test_a_port_that_is_taken_is_said_in_one_line_and_ends_no_engine(own_chain: Callable[[int], LocalChain]) -> None:
    chain = own_chain(42161)
    state = chain.manifest_path.parent
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        argv = ("up", "--profile", "devnet", "--json", "--state", state, "--mcp-port", str(port))
        with started(*argv) as process, mining(chain):
            assert process.stderr is not None
            said = process.stderr.readline()
            wait_for_engine(state, process)
            assert call(state / SOCKET_NAME, "engine_status")["running"] is True
            assert not (state / FILE).exists()
            process.send_signal(signal.SIGTERM)
            _, rest = process.communicate(timeout=60)
    expected = f"the port for agents is taken, measured {port}: choose another --mcp-port"
    assert said.rstrip() == f"ketch: agents are not served over HTTP: {expected}"
    assert "port" not in rest
