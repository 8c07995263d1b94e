"""One node: whose it is, and that it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from engine.devnet.node import anvil, anvil_executable, owned_ports
from engine.devnet.rpc import Rpc
from engine.domain.errors import DevnetError
from tests.devnet.processes import eventually, gone

pytestmark = pytest.mark.node

HOLDS_A_NODE = """
import sys, time
from engine.devnet.node import anvil
with anvil() as node:
    print(node.process.pid, node.guardian.pid, flush=True)
    sys.stdin.read()
"""


def _holder() -> tuple[subprocess.Popen[str], int, int]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDS_A_NODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    node, guardian = holder.stdout.readline().split()
    return holder, int(node), int(guardian)


def _end(holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.communicate()


def test_listens_on_loopback_alone_and_on_a_port_of_its_own() -> None:
    with anvil() as one, anvil() as other:
        assert one.port != other.port
        for node in (one, other):
            assert owned_ports(node.process.pid) == [node.port]
            sockets = psutil.Process(node.process.pid).net_connections(kind="tcp")
            assert {s.laddr.ip for s in sockets if s.status == psutil.CONN_LISTEN} == {"127.0.0.1"}
            with Rpc(node.rpc_url) as rpc:
                assert rpc.call("web3_clientVersion").startswith("anvil/v1.7.1")


def test_never_takes_a_neighbours_server_for_its_own() -> None:
    with socket.socket() as neighbour:
        neighbour.bind(("127.0.0.1", 0))
        neighbour.listen()
        with pytest.raises(DevnetError, match=r"anvil did not start.*in use"), anvil(port=neighbour.getsockname()[1]):
            pass


def test_says_in_one_line_why_a_node_does_not_start() -> None:
    with pytest.raises(DevnetError, match="--no-such-flag") as refused, anvil(["--no-such-flag"]):
        pass
    assert "\n" not in refused.value.line()


def test_ends_with_its_context() -> None:
    with anvil() as node:
        pids = (node.process.pid, node.guardian.pid)
    assert all(gone(pid) for pid in pids)


def test_ends_when_its_parent_is_killed() -> None:
    holder, node, guardian = _holder()
    _end(holder)
    assert eventually(lambda: gone(node) and gone(guardian), 5)


def test_ends_with_its_parent_though_the_guardian_was_killed_before() -> None:
    holder, node, guardian = _holder()
    os.kill(guardian, signal.SIGKILL)
    holder.communicate(timeout=10)  # closes its standard input: it ends by itself
    assert eventually(lambda: gone(node), 5)


def test_the_guardian_alone_ends_an_orphan() -> None:
    """The way that systems without a death signal have to rely on."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as orphan:
        created = psutil.Process(orphan.pid).create_time()
        guardian_file = Path(sys.modules["engine.devnet.node"].__file__ or "").with_name("guardian.py")
        guardian = subprocess.Popen(
            [sys.executable, "-I", str(guardian_file), str(orphan.pid), repr(created)], stdin=subprocess.PIPE
        )
        assert orphan.poll() is None
        guardian.communicate(timeout=10)
        assert orphan.wait(5) == -signal.SIGTERM


def test_the_guardian_spares_a_process_that_only_has_the_number() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        guardian_file = Path(sys.modules["engine.devnet.node"].__file__ or "").with_name("guardian.py")
        guardian = subprocess.Popen(
            [sys.executable, "-I", str(guardian_file), str(stranger.pid), "1000.0"], stdin=subprocess.PIPE
        )
        guardian.communicate(timeout=10)
        assert stranger.poll() is None
        stranger.communicate(b"\n", timeout=10)


def test_names_the_set_up_when_the_packages_are_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KETCH_NODE", str(tmp_path / "nowhere"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DevnetError, match=r"anvil 1\.7\.1 is not installed.*run `make setup`") as refused:
        anvil_executable()
    assert "\n" not in refused.value.line()


def test_passes_over_an_anvil_of_another_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = tmp_path / "anvil"
    other.write_text("#!/bin/sh\necho anvil Version: 1.0.0-stable\n")
    other.chmod(0o755)
    monkeypatch.setenv("KETCH_NODE", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(DevnetError, match=r"measured version 1\.0\.0"):
        anvil_executable()
