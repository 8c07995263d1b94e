"""A halt from another process: 100 ms after it stands nothing is signed, however fast somebody signs."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.journal.journal import JOURNAL_FILE, Journal
from engine.journal.records import record_state
from engine.risk.halt import HALT_FILE, lift_halt
from tests.devnet.processes import eventually
from tests.unit import journal_stubs as stub

PROMISED_NS = 100 * 10**6
WATCHED_S = 0.4
"""How long after a halt a signer that missed it would be caught."""
WRITES_A_HALT = (
    "import sys; from pathlib import Path; from engine.risk.halt import write_halt;"
    "write_halt(Path(sys.argv[1]), principal='somebody', reason='smoke')"
)


@contextmanager
def signing(state: Path, *flags: str) -> Generator[Path]:
    """Run a process that signs without end."""
    stamps = state / "stamps"
    argv = [sys.executable, "-m", "tests.scenario.signing_forever", str(state), str(stamps), *flags]
    process = subprocess.Popen(argv)
    try:
        assert eventually(lambda: process.poll() is not None or len(stamped(stamps)) > 20)
        assert process.poll() is None
        yield stamps
    finally:
        process.kill()
        process.wait()


def stamped(stamps: Path) -> list[int]:
    """List when each signature was made, in nanoseconds since the epoch."""
    return [int(line) for line in stamps.read_bytes().splitlines()] if stamps.exists() else []


@pytest.fixture
def state(tmp_path: Path) -> Path:
    with Journal.open(tmp_path / JOURNAL_FILE, genesis=stub.GENESIS) as journal:
        record_state(journal, "ACTIVE", principal="operator", reason="go", block=stub.block())
    return tmp_path


def held_from(stamps: Path, halted_ns: int) -> None:
    """Watch on, and hold every signature against the halt: many before it, none later than promised."""
    assert not eventually(lambda: late(stamps, halted_ns) != [], WATCHED_S), late(stamps, halted_ns)
    made = stamped(stamps)
    assert sum(halted_ns - 10**9 < at < halted_ns for at in made) > 5, "it signed right up to the halt"


def late(stamps: Path, halted_ns: int) -> list[int]:
    """List the signatures made later than promised, in nanoseconds after the halt."""
    return [at - halted_ns for at in stamped(stamps) if at > halted_ns + PROMISED_NS]


@pytest.mark.parametrize("flags", [(), ("socket",)], ids=["in the engine", "in a process of its own"])
def test_a_halt_file_from_another_process_stops_a_signer_at_full_speed(state: Path, flags: tuple[str, ...]) -> None:
    with signing(state, *flags) as stamps:
        for _ in range(3):
            subprocess.run([sys.executable, "-c", WRITES_A_HALT, str(state)], check=True)
            held_from(stamps, (state / HALT_FILE).stat().st_mtime_ns)
            before = len(stamped(stamps))
            lift_halt(state)
            assert eventually(lambda before=before: len(stamped(stamps)) > before + 20)


@pytest.mark.parametrize("flags", [(), ("socket",)], ids=["in the engine", "in a process of its own"])
def test_a_halted_row_from_another_process_stops_it_too(state: Path, flags: tuple[str, ...]) -> None:
    with signing(state, *flags) as stamps:
        with Journal.open(state / JOURNAL_FILE) as journal:
            record_state(journal, "HALTED", principal="loss", reason="too much lost", block=stub.block())
            committed_ns = time.time_ns()
        held_from(stamps, committed_ns)


def test_a_halt_outlives_the_signer(state: Path) -> None:
    with signing(state):
        subprocess.run([sys.executable, "-c", WRITES_A_HALT, str(state)], check=True)
    (state / "stamps").unlink()
    argv = [sys.executable, "-m", "tests.scenario.signing_forever", str(state), str(state / "stamps")]
    process = subprocess.Popen(argv)
    try:
        assert eventually(lambda: (state / "stamps").exists())  # it has begun
        assert not eventually(lambda: stamped(state / "stamps") != [], WATCHED_S)
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()
