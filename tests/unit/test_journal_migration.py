"""A journal of the released format opens in the new one: nothing is spent anew, and what was open is still held."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from engine.domain.errors import JournalError
from engine.domain.outcome import Filled
from engine.journal.canonical import dumps
from engine.journal.journal import Journal, entry_hash
from engine.journal.schema import APPLICATION_ID, MIGRATIONS
from engine.risk.book import Claim
from engine.risk.limits import LimitLedger
from engine.risk.policy import Policy
from engine.verify.history import read_history
from engine.verify.intents import check_tables
from engine.verify.limits import check_limits
from engine.verify.lineage import trace
from engine.verify.report import Report
from tests.unit import journal_stubs as stub

DAY = stub.block().timestamp_s // 86_400
RESERVED = {"worst_wei": 50, "day": DAY, "worth": {"wei": 1, "raw": 1}, "policy_hash": "0x1"}
RELEASED = {"how": "reverted", "day": DAY, "gas_wei": 40, "profit_wei": 0, "loss_wei": 40}
ENTRIES: list[tuple[str, dict[str, Any]]] = [
    ("genesis", stub.GENESIS),
    ("state", {"state": "ACTIVE"}),
    ("reservation", RESERVED | {"reservation": "reservation-3"}),
    ("reservation", RESERVED | {"reservation": "reservation-4"}),
    ("release", RELEASED | {"reservation": "reservation-3"}),
]


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """Write a journal as the first format did; its tables are left empty, since they are to be filled again."""
    path = tmp_path / "journal.sqlite"
    prev = bytes(32)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        for statement in MIGRATIONS[0]:
            db.execute(statement)
        for seq, (kind, body) in enumerate(ENTRIES, 1):
            data = dumps(body)
            digest = entry_hash(prev, seq, kind, data)
            db.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", (seq, kind, data, prev, digest))
            prev = digest
        db.execute("INSERT INTO meta VALUES ('head_seq', ?), ('head_hash', ?)", (str(len(ENTRIES)), prev.hex()))
        db.execute("PRAGMA user_version = 1")
    return path


def test_the_first_formats_day_is_spent_and_its_open_trade_held(released: Path) -> None:
    with Journal.open(released) as journal:
        ledger = LimitLedger(journal)
        book = ledger.book(stub.block())
        assert (book.day, book.gas_wei, book.loss_wei, book.held_wei, book.losses_in_a_row) == (DAY, 40, 40, 50, 1)
        assert book.held == (Claim(worst_wei=50),)
        outcome = Filled(intent_id="i", block=stub.block(), token=stub.WETH, realised=9, gas_used=1, gas_paid_wei=10)
        ledger.release("reservation-4", outcome)
        assert ledger.book(stub.block()).loss_wei == 41
        name = ledger.reserve(Claim(worst_wei=1), block=stub.block(), policy=Policy())
        assert isinstance(name, str)
    report = Report()
    history = read_history(released, report)
    lineage = trace(history, Report())
    check_tables(history, lineage, report)
    check_limits(history, lineage.genesis, report)
    assert report.findings == []


def test_an_upgrade_that_fails_half_way_leaves_the_first_format_as_it_was(released: Path) -> None:
    with closing(sqlite3.connect(released, isolation_level=None)) as db:
        db.execute("DROP TRIGGER entries_no_update")
        db.execute("UPDATE entries SET body = X'7b7d' WHERE seq = 5")
        before = db.execute("SELECT name FROM sqlite_master ORDER BY name").fetchall()
    with pytest.raises(JournalError, match="damaged"):
        Journal.open(released)
    with closing(sqlite3.connect(released)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)
        assert db.execute("SELECT name FROM sqlite_master ORDER BY name").fetchall() == before
