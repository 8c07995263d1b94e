"""The halt file on the disk, and what a signer, a daemon and a reader make of it and of the journal's last word."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Generator
from pathlib import Path

import pytest

from engine.domain.commands import Halt
from engine.domain.errors import ControlError, JournalError
from engine.journal.journal import JOURNAL_FILE, Journal
from engine.journal.records import record_state
from engine.risk.halt import (
    HALT_FILE,
    halt_reason,
    hold_halt,
    lift_halt,
    signing_halted,
    take_halt,
    trading_state,
    write_halt,
)
from tests.unit import journal_stubs as stub


@pytest.fixture
def journal(tmp_path: Path) -> Generator[Journal]:
    with Journal.open(tmp_path / JOURNAL_FILE, genesis=stub.GENESIS) as opened:
        yield opened


def says(journal: Journal, state: object, reason: str = "go") -> None:
    record_state(journal, state, principal="operator", reason=reason, block=stub.block())  # type: ignore[arg-type]


def test_a_halt_is_on_the_disk_before_anyone_is_told_and_leaves_no_file_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []

    def fsync(file: int) -> None:
        assert json.loads((tmp_path / HALT_FILE).read_bytes()) == {"principal": "person", "reason": "smoke"}
        synced.append(os.fstat(file).st_ino)

    monkeypatch.setattr("os.fsync", fsync)
    before = open_files()
    write_halt(tmp_path, principal="person", reason="smoke")
    assert synced == [(tmp_path / HALT_FILE).stat().st_ino, tmp_path.stat().st_ino]
    assert open_files() == before
    assert stat.S_IMODE((tmp_path / HALT_FILE).stat().st_mode) == 0o644 & ~umask()


def open_files() -> int:
    return len([*Path("/proc/self/fd").iterdir()])


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_reason_without_end_is_cut_and_halts_all_the_same(tmp_path: Path) -> None:
    write_halt(tmp_path, principal="person", reason="x" * 10_000)
    assert (tmp_path / HALT_FILE).stat().st_size == 4_096
    assert halt_reason(tmp_path) == "a halt file stands in the state folder"


def test_no_more_of_a_halt_file_is_read_than_would_be_written(tmp_path: Path) -> None:
    whole = json.dumps({"principal": "person", "reason": "long"})
    (tmp_path / HALT_FILE).write_text(whole + " " * (4_096 - len(whole)))
    assert halt_reason(tmp_path) == "long (by person)"
    (tmp_path / HALT_FILE).write_text(whole[:-1] + " " * (4_097 - len(whole)) + "}")
    assert halt_reason(tmp_path) == "a halt file stands in the state folder"


def test_a_folder_that_cannot_be_looked_into_is_halted(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert halt_reason(file) == "the halt file cannot be looked for: Not a directory"


def test_a_halt_that_cannot_be_written_or_lifted_says_what_to_do_by_hand(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="cannot be written") as unwritten:
        write_halt(tmp_path / "nowhere", principal="person", reason="x")
    assert (unwritten.value.measured, unwritten.value.next_step) == (
        "No such file or directory",
        "stop the engine's process",
    )
    (tmp_path / HALT_FILE).mkdir()
    with pytest.raises(ControlError, match="cannot be removed") as kept:
        lift_halt(tmp_path)
    assert kept.value.measured
    assert kept.value.next_step == "remove it by hand"
    assert halt_reason(tmp_path) is not None


def test_lifting_what_does_not_stand_is_nothing(tmp_path: Path) -> None:
    lift_halt(tmp_path)
    assert halt_reason(tmp_path) is None


SIGNS = {"ACTIVE": True, "REDUCING": True, "HALTED": False, "SLEEPING": False}


@pytest.mark.parametrize("word", SIGNS)
def test_the_journals_last_word_decides_who_may_sign_while_no_file_stands(journal: Journal, word: str) -> None:
    state = journal.path.parent
    says(journal, "ACTIVE")
    says(journal, word, "because")
    assert trading_state(journal, state) == (word if SIGNS[word] else "HALTED")
    why = None if SIGNS[word] else "because (by operator, in the journal)"
    assert signing_halted(journal, state) == why


@pytest.mark.parametrize("word", SIGNS)
def test_while_the_file_stands_nobody_signs_whatever_the_journal_says(journal: Journal, word: str) -> None:
    says(journal, word)
    write_halt(journal.path.parent, principal="person", reason="smoke")
    assert trading_state(journal, journal.path.parent) == "HALTED"
    assert signing_halted(journal, journal.path.parent) == "smoke (by person)"


def test_a_journal_that_says_nothing_yet_or_cannot_be_read_signs_nothing(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = journal.path.parent
    assert signing_halted(journal, state) == "the journal says nothing of trading yet"
    says(journal, "ACTIVE")

    def torn(_: object) -> None:
        raise JournalError("a page is torn")

    monkeypatch.setattr(journal, "last", torn)
    assert signing_halted(journal, state) == "the journal's last state cannot be read: a page is torn"


def test_a_halt_made_around_the_inbox_is_written_down_once_and_outlives_its_file(journal: Journal) -> None:
    state = journal.path.parent
    says(journal, "ACTIVE")
    hold_halt(journal, state, stub.block())
    assert journal.count("state") == 1
    write_halt(state, principal="person", reason="smoke")
    hold_halt(journal, state, stub.block())
    hold_halt(journal, state, stub.block())
    assert journal.count("state") == 2
    lift_halt(state)
    assert trading_state(journal, state) == "HALTED"
    assert signing_halted(journal, state) == "smoke (by person) (by halt file, in the journal)"


def test_a_halt_file_says_nothing_to_a_journal_that_never_traded(journal: Journal) -> None:
    write_halt(journal.path.parent, principal="person", reason="smoke")
    hold_halt(journal, journal.path.parent, stub.block())
    assert journal.last("state") is None


@pytest.mark.parametrize("reducing", [False, True])
def test_who_halts_or_reduces_is_written_down_with_the_reason(journal: Journal, reducing: bool) -> None:
    state = journal.path.parent
    says(journal, "ACTIVE")
    asked = Halt(principal="agent", reason="odd", reducing=reducing)
    after = take_halt(asked, journal=journal, state=state, block=stub.block())
    assert after == ("REDUCING" if reducing else "HALTED")
    assert (halt_reason(state) is None) is reducing
    (command,) = journal.entries("command")
    assert (command.body["type"], command.body["principal"], command.body["reason"]) == ("Halt", "agent", "odd")
    last = journal.last("state")
    assert last is not None
    assert (last.body["state"], last.body["principal"], last.body["reason"]) == (after, "agent", "odd")
