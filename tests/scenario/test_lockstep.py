"""In lockstep everything follows from the seed: two processes write one journal."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from engine.journal.journal import Journal
from tests.scenario.ketch_processes import END_S, started
from tests.unit import journal_stubs as stub

pytestmark = pytest.mark.node


def journal_of(state: Path, seed: int, *, prior: bool = False) -> bytes:
    """Run a demo in lockstep and return its journal's file."""
    argv = ("demo", "--lockstep", "--trades", "8", "--seed", str(seed), "--json", "--state", state)
    with started(*argv, environment={"KETCH_SCAN__PRIOR": str(prior).lower()}) as process:
        out, said = process.communicate(timeout=END_S)
    assert process.returncode == 0, said
    assert json.loads(out)["verify"]["ok"] is True
    return whole(state / "journal.sqlite")


def whole(journal: Path) -> bytes:
    """Return a closed journal's file, its log taken in: closing leaves that where the archive was still reading."""
    with closing(sqlite3.connect(journal)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert db.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)
    return journal.read_bytes()


def test_a_reader_that_lingers_when_a_journal_closes_changes_nothing_in_it(tmp_path: Path):
    files = [tmp_path / "alone.sqlite", tmp_path / "read.sqlite"]
    for file in files:
        with closing(Journal.open(file, genesis=stub.GENESIS)) as journal:
            journal.append("note", {"what": "written"})
            reader = sqlite3.connect(file)
            if file == files[1]:
                reader.execute("BEGIN")
                reader.execute("SELECT COUNT(*) FROM entries").fetchone()
            else:
                reader.close()
        reader.close()
    assert files[0].read_bytes() != files[1].read_bytes()
    assert whole(files[0]) == whole(files[1])


def test_one_seed_gives_one_journal_and_another_seed_another(tmp_path: Path):
    first = journal_of(tmp_path / "a", 7)
    assert journal_of(tmp_path / "b", 7) == first
    other = journal_of(tmp_path / "c", 8, prior=True)
    assert other != first
    assert journal_of(tmp_path / "d", 8, prior=True) == other
