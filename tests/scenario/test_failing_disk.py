"""A full, broken, torn or unsynced disk under the journal of a trading engine: it ends, and the books are whole."""

from __future__ import annotations

import random
import shutil
import signal
from pathlib import Path

import pytest

from engine.journal.journal import Journal
from engine.replacing import SECOND_OWNER
from engine.risk.halt import halt_reason, trading_state
from engine.verify.verify import verify_state
from tests.chain_and_journal import account
from tests.disk_faults import FAULTS
from tests.kill_points import JOURNAL, Nursery, living_chain, nursery

pytestmark = [pytest.mark.node, pytest.mark.timeout(600)]

ROUNDS, MOST_CALLS = 4, 60
SAID = {
    "full": "the disk is full",
    "write": "the disk failed under the journal",
    "torn": "the disk failed under the journal",
    "sync": "the disk failed under the journal",
}


def fail(engines: Nursery, fault: str, after: int) -> None:
    """Run an engine until its disk fails: it ends in one line that says so, and signs nothing after the fault."""
    engines.fork({"fault": fault, "after": after})
    code, said = engines.ended(within_s=30)
    names = [one["event"] for one in said]
    assert code == 1, said
    (why,) = [one["why"] for one in said if one["event"] == "failed"]
    assert SAID[fault] in why
    assert "\n" not in why
    assert "signed" not in names[names.index("fault") :], said


def test_a_failing_disk_ends_the_engine_and_nothing_is_out_there_that_is_not_on_it(tmp_path: Path) -> None:
    dice = random.Random(7)
    with living_chain(tmp_path, seed=11, rivals=0) as rpc, nursery(tmp_path) as engines:
        engines.fork()
        engines.await_event("block")
        engines.signal(signal.SIGKILL)
        for _ in range(ROUNDS):
            for fault in FAULTS:
                fail(engines, fault, dice.randrange(1, MOST_CALLS))
        engines.fork()
        engines.await_event("block")
        code, said = engines.signal(signal.SIGTERM)
        assert code == 0, said
        assert verify_state(tmp_path, rpc.url).findings == []
        books = account(tmp_path / JOURNAL, rpc)
    print(books)
    assert books.faults == ()
    assert books.open == 0
    assert books.filled > 0


def test_a_disk_that_loses_trades_it_had_acknowledged_is_found_out_by_the_chain(tmp_path: Path) -> None:
    state, kept = tmp_path / "state", tmp_path / "kept"
    state.mkdir()
    kept.mkdir()
    with living_chain(state, seed=12, rivals=0) as rpc, nursery(state) as engines:
        engines.fork()
        engines.await_event("trade")
        engines.signal(signal.SIGKILL)
        for file in state.glob(f"{JOURNAL}*"):
            shutil.copy(file, kept)
        engines.fork()
        for _ in range(3):
            engines.await_event("trade")
        engines.signal(signal.SIGKILL)
        for file in state.glob(f"{JOURNAL}*"):
            file.unlink()
        for file in kept.iterdir():
            shutil.copy(file, state)
        engines.fork()
        engines.await_event("block")
        with Journal.read(state / JOURNAL) as journal:
            assert trading_state(journal, state) == "HALTED"
        assert SECOND_OWNER in (halt_reason(state) or "")
        code, said = engines.signal(signal.SIGTERM)
        assert code == 0, said
        report = verify_state(state, rpc.url)
        assert not report.ok
        assert account(state / JOURNAL, rpc).faults != ()
