"""In lockstep everything follows from the seed: two processes write one journal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.scenario.ketch_processes import END_S, started

pytestmark = pytest.mark.node


def journal_of(state: Path, seed: int, *, prior: bool = False) -> bytes:
    """Run a demo in lockstep and return its journal's file."""
    argv = ("demo", "--lockstep", "--trades", "8", "--seed", str(seed), "--json", "--state", state)
    with started(*argv, environment={"KETCH_SCAN__PRIOR": str(prior).lower()}) as process:
        out, said = process.communicate(timeout=END_S)
    assert process.returncode == 0, said
    assert json.loads(out)["verify"]["ok"] is True
    return (state / "journal.sqlite").read_bytes()


def test_one_seed_gives_one_journal_and_another_seed_another(tmp_path: Path):
    first = journal_of(tmp_path / "a", 7)
    assert journal_of(tmp_path / "b", 7) == first
    other = journal_of(tmp_path / "c", 8, prior=True)
    assert other != first
    assert journal_of(tmp_path / "d", 8, prior=True) == other
