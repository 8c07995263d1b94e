"""The kill switch and the signer's process on a trading engine: real processes, a living chain, halts from outside."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from engine.control import SOCKET_NAME
from engine.control_client import call
from engine.domain.errors import ControlError
from engine.execution.signer_wire import SIGNER_SOCKET_NAME
from engine.initialise import LOCAL_PASSPHRASE
from engine.journal.journal import JOURNAL_FILE, Journal
from engine.risk.halt import HALT_FILE
from engine.verify.verify import verify_state
from tests.devnet.processes import eventually, manifest_in, start_devnet
from tests.scenario.ketch_processes import END_S, READY_S, argv, clean_env, ketch, wait_for_engine
from tests.unit.test_kill_switch import WRITES_A_HALT, late, stamped

pytestmark = pytest.mark.node

WATCHED_S = 1.5


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """Run a fast chain with busy traders."""
    chain = start_devnet(tmp_path, "--with-parent", "--block-time-ms", "120")
    try:
        manifest_in(tmp_path, chain)
        yield tmp_path
    finally:
        chain.communicate(timeout=END_S)


@contextmanager
def running(command: list[str], log: Path, **env: str) -> Iterator[subprocess.Popen[str]]:
    with log.open("a") as file:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, text=True, env=clean_env(**env)
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait(END_S)


def stamping(state: Path, *command: str) -> list[str]:
    return [sys.executable, "-m", "tests.scenario.stamping_engine", str(state), str(state / "stamps"), *command]


def status(state: Path) -> dict[str, Any]:
    return call(state / SOCKET_NAME, "status")


def filled(state: Path) -> int:
    return status(state)["totals"]["filled"]


def resumed(state: Path) -> None:
    secret = state / "secret"
    secret.write_text(LOCAL_PASSPHRASE + "\n")
    assert ketch("resume", "--secret-file", secret, "--state", state).returncode == 0


def halted_by_another_process(state: Path) -> int:
    """Write the halt as anyone may, and return when it stood."""
    subprocess.run([sys.executable, "-c", WRITES_A_HALT, str(state)], check=True)
    return (state / HALT_FILE).stat().st_mtime_ns


def test_a_halt_from_another_process_stops_a_trading_engine_and_outlives_it(state: Path) -> None:
    log, stamps = state / "log", state / "stamps"
    with running(stamping(state), log) as engine:
        wait_for_engine(state, engine)
        assert eventually(lambda: len(stamped(stamps)) >= 3, READY_S), log.read_text()[-2000:]
        halted_ns = halted_by_another_process(state)
        assert not eventually(lambda: late(stamps, halted_ns) != [], WATCHED_S), late(stamps, halted_ns)
        assert status(state)["state"] == "HALTED"
        for method in ("resume", "approve", "policy_apply"):  # without the operator's signature
            with pytest.raises(ControlError):
                call(state / SOCKET_NAME, method, {})
        engine.kill()
        engine.wait()
    with running(stamping(state), log) as engine:
        wait_for_engine(state, engine)
        blocks = status(state)["blocks"]
        assert eventually(lambda: status(state)["blocks"] > blocks + 10, READY_S)
        assert late(stamps, halted_ns) == []
        made = len(stamped(stamps))
        resumed(state)
        assert eventually(lambda: len(stamped(stamps)) > made, READY_S), "it would have traded"


def test_an_engine_survives_its_signers_death_and_loses_nothing(state: Path) -> None:
    log, stamps = state / "log", state / "stamps"
    own = [*argv("up", "--profile", "devnet", "--events", "--no-mcp", "--state", state)]
    with running([*own, "--trades", "1"], log) as engine:  # sets the folder up, with a key of its own
        assert engine.wait(END_S) == 0, log.read_text()[-2000:]
    with running(own, log, KETCH_WALLET__SIGNER="process") as engine:
        wait_for_engine(state, engine)
        first = filled(state)
        assert eventually(lambda: "signer away" in log.read_text(), READY_S)
        assert filled(state) == first
        before = filled(state)
        with running(stamping(state, "signer"), log) as signer:
            assert eventually(lambda: (state / SIGNER_SOCKET_NAME).exists(), READY_S)
            assert eventually(lambda: filled(state) > before, READY_S), log.read_text()[-2000:]
            assert (state / SIGNER_SOCKET_NAME).stat().st_mode & 0o077 == 0
            assert signer.poll() is None
            psutil.Process(signer.pid).suspend()  # slow: asked, it does not answer
            stopped = status(state)["blocks"]
            assert eventually(lambda: status(state)["blocks"] > stopped + 5, READY_S)
        with running(stamping(state, "signer"), log):
            assert eventually(lambda: len(stamped(stamps)) > 0)
            made = len(stamped(stamps))
            assert eventually(lambda: len(stamped(stamps)) > made, READY_S)
            halted_ns = halted_by_another_process(state)
            assert not eventually(lambda: late(stamps, halted_ns) != [], WATCHED_S), late(stamps, halted_ns)
        assert engine.poll() is None
        assert eventually(lambda: status(state)["totals"]["open"] == 0, READY_S)
        report = verify_state(state, status(state)["rpc"], at_block=status(state)["settled"])
        assert report.ok, report.findings
        with Journal.read(state / JOURNAL_FILE) as journal:
            nonces = [int(entry.body["nonce"]) for entry in journal.entries("intent")]
        assert nonces == list(range(len(nonces))), "no nonce was lost to a signature that never came"
