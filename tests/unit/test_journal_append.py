"""The journal keeps what it is given, in order, chained, and nothing else."""

import hashlib
import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from engine.domain.errors import JournalError
from engine.journal.journal import Journal
from engine.journal.lock import LOCK_FILE, hold_state
from engine.journal.schema import KINDS, MIGRATIONS
from tests.unit.journal_stubs import GENESIS


def opened(folder: Path) -> Journal:
    return Journal.open(folder / "journal.sqlite", genesis=GENESIS)


def test_an_entry_reads_back_with_its_place_and_its_hash(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        written = journal.append("command", {"type": "Stop", "reason": "the end"})
        assert journal.entry(2) == written
        assert (written.seq, written.kind, written.body["reason"]) == (2, "command", "the end")
        assert journal.head == (2, written.hash)
        assert journal.genesis["start_block"] == "7"


def test_each_hash_covers_the_one_before_the_place_the_kind_and_the_body(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        for number in range(3):
            journal.append("state", {"number": number})
    prev = bytes(32)
    for seq, kind, body, held_prev, held in sqlite3.connect(tmp_path / "journal.sqlite").execute(
        "SELECT * FROM entries ORDER BY seq"
    ):
        assert held_prev == prev
        prev = hashlib.sha256(prev + seq.to_bytes(8, "big") + kind.encode() + b"\0" + body).digest()
        assert held == prev
        assert body == json.dumps(json.loads(body), sort_keys=True, separators=(",", ":")).encode()


def test_a_transaction_writes_all_of_it_or_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        with pytest.raises(KeyError), journal.transaction():
            journal.append("state", {"number": 1})
            raise KeyError
        assert journal.head[0] == 1
        with journal.transaction():
            journal.append("state", {"number": 2})
            journal.append("state", {"number": 3})
        assert journal.head[0] == 3


def test_an_inner_transaction_that_fails_leaves_the_outer_one_whole(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        with journal.transaction():
            journal.append("state", {"number": 1})
            with pytest.raises(KeyError), journal.transaction():
                journal.append("state", {"number": 2})
                raise KeyError
            journal.append("state", {"number": 3})
        assert [entry.body["number"] for entry in journal.entries("state")] == ["1", "3"]


def test_entries_are_listed_by_kind_place_and_number(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        for number in range(3):
            journal.append("state", {"number": number})
            journal.append("command", {"number": number})
        assert [entry.seq for entry in journal.entries("state")] == [2, 4, 6]
        assert [entry.seq for entry in journal.entries("state", after_seq=2, limit=1)] == [4]
        assert [entry.seq for entry in journal.entries(after_seq=5)] == [6, 7]
        last = journal.last("command")
        assert last is not None
        assert last.body == {"number": "2"}
        assert journal.last("release") is None
        assert journal.count("state") == 3


@pytest.mark.parametrize("edit", ["UPDATE entries SET body = x'00' WHERE seq = 1", "DELETE FROM entries WHERE seq = 2"])
def test_no_entry_can_be_changed_or_deleted(tmp_path: Path, edit: str) -> None:
    with opened(tmp_path) as journal:
        journal.append("state", {})
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            journal.db.execute(edit)


@pytest.mark.parametrize("verb", ["INSERT", "INSERT OR REPLACE"])
@pytest.mark.parametrize("seq", [1, 2, 4])
def test_no_entry_can_be_put_anywhere_but_at_the_end(tmp_path: Path, verb: str, seq: int) -> None:
    with opened(tmp_path) as journal:
        journal.append("state", {})
        with pytest.raises(sqlite3.IntegrityError, match="must follow"):
            journal.db.execute(f"{verb} INTO entries VALUES (?, 'state', x'', x'', x'')", (seq,))


def test_refuses_a_kind_that_nothing_reads(tmp_path: Path) -> None:
    with opened(tmp_path) as journal, pytest.raises(JournalError, match="no such kind"):
        journal.append("gossip", {})  # type: ignore[arg-type]
    assert len(set(KINDS)) == len(KINDS)


def test_refuses_a_float_since_money_is_never_one(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        with pytest.raises(TypeError, match="float"):
            journal.append("state", {"amount": 0.1})
        assert journal.head[0] == 1


def test_a_closed_journal_is_one_file_under_a_seal_that_opening_breaks(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.append("state", {})
        assert {file.name for file in tmp_path.iterdir()} >= {"journal.sqlite-wal"}
    assert sorted(file.name for file in tmp_path.iterdir()) == ["journal.seal", "journal.sqlite"]
    digest = hashlib.sha256((tmp_path / "journal.sqlite").read_bytes()).hexdigest()
    assert (tmp_path / "journal.seal").read_text() == digest + "\n"
    with opened(tmp_path):
        assert not (tmp_path / "journal.seal").exists()


def test_a_reader_sees_what_a_writer_committed_and_can_write_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with opened(tmp_path) as journal:
        journal.append("state", {})
        reader = Journal.read(path)
        assert reader.head == journal.head
        with pytest.raises(JournalError, match="read only"):
            reader.append("state", {})
        reader.close()
    with Journal.read(path) as reader:
        assert reader.head[0] == 2
    assert sorted(file.name for file in tmp_path.iterdir()) == ["journal.seal", "journal.sqlite"]


def test_a_writer_that_died_leaves_all_that_it_committed(tmp_path: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from engine.journal.journal import Journal\n"
        "journal = Journal.open(Path(sys.argv[1]), genesis={'format': 1})\n"
        "journal.append('state', {'number': 1})\n"
        "journal.db.execute('BEGIN IMMEDIATE'); journal._depth = 1; journal.append('state', {'number': 2})\n"
        "os._exit(9)\n"
    )
    path = tmp_path / "journal.sqlite"
    assert subprocess.run([sys.executable, "-c", script, str(path)], check=False).returncode == 9
    with Journal.read(path) as reader:
        assert reader.head[0] == 2
    with Journal.open(path) as journal:
        assert journal.append("state", {"number": 3}).seq == 3


def test_a_commit_is_forced_to_the_disk_before_it_returns(tmp_path: Path) -> None:
    full = 2  # of SQLite's synchronous: the log is forced to the disk at each commit, not only at checkpoints
    for _ in ("a new file", "one that was there"):
        with opened(tmp_path) as journal:
            assert journal.db.execute("PRAGMA synchronous").fetchone() == (full,)
            assert journal.db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_genesis_cut_off_by_a_crash_is_written_at_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.touch()
    with pytest.raises(JournalError, match="there is no journal"):
        Journal.open(path)
    with Journal.open(path, genesis=GENESIS) as journal:
        assert journal.head[0] == 1


def test_refuses_a_journal_that_is_about_another_executor(tmp_path: Path) -> None:
    opened(tmp_path).close()
    with pytest.raises(JournalError, match="another executor"):
        Journal.open(tmp_path / "journal.sqlite", genesis=GENESIS | {"executor": "0x" + "ff" * 20})
    with Journal.open(tmp_path / "journal.sqlite", genesis=GENESIS | {"start_block": 99}) as journal:
        assert journal.genesis["start_block"] == "7"


def test_refuses_a_journal_of_a_newer_format(tmp_path: Path) -> None:
    opened(tmp_path).close()
    db = sqlite3.connect(tmp_path / "journal.sqlite")
    db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    db.close()
    with pytest.raises(JournalError, match="newer ketch"):
        opened(tmp_path)
    with pytest.raises(JournalError, match="another format"):
        Journal.read(tmp_path / "journal.sqlite")


def test_refuses_a_journal_that_another_process_has_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.journal.journal.BUSY_MS", 50)
    with opened(tmp_path) as journal:
        other = sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalError, match="locked by another process"):
            journal.append("state", {})
        other.execute("ROLLBACK")
        other.close()
        assert journal.append("state", {}).seq == 2


def test_a_full_disk_stops_the_append_and_loses_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        pages = journal.db.execute("PRAGMA page_count").fetchone()[0]
        journal.db.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(JournalError, match=r"disk is full.*free some space"):
            journal.append("state", {"text": "x" * 100_000})
        assert journal.head[0] == 1
        journal.db.execute("PRAGMA max_page_count = 1000000")
        assert journal.append("state", {}).seq == 2


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"SQLite format 3\x00" + b"\xff" * 8000])
def test_a_file_that_is_no_journal_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(content)
    for open_ in (Journal.open, Journal.read):
        with pytest.raises(JournalError, match=r"not a journal|corrupt|not a ketch journal"):
            open_(path)
    with pytest.raises(JournalError):
        Journal.open(path, genesis=GENESIS)
    assert path.read_bytes() == content


def test_a_journal_whose_end_was_cut_off_is_not_opened(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.append("state", {})
    db = sqlite3.connect(tmp_path / "journal.sqlite")
    db.executescript("DROP TRIGGER entries_no_delete; DELETE FROM entries WHERE seq = 2")
    db.close()
    with pytest.raises(JournalError, match="end is missing"):
        Journal.open(tmp_path / "journal.sqlite")


def test_a_journal_whose_newest_entry_was_changed_is_not_opened(tmp_path: Path) -> None:
    opened(tmp_path).close()
    db = sqlite3.connect(tmp_path / "journal.sqlite")
    db.executescript("DROP TRIGGER entries_no_update; UPDATE entries SET body = '{}' WHERE seq = 1")
    db.close()
    with pytest.raises(JournalError, match="an entry of the journal was changed"):
        Journal.open(tmp_path / "journal.sqlite")


def test_a_missing_journal_or_folder_says_what_to_do(tmp_path: Path) -> None:
    for attempt in (Journal.open, Journal.read):
        with pytest.raises(JournalError, match="run ketch init"):
            attempt(tmp_path / "journal.sqlite")
    with pytest.raises(JournalError, match="choose another --state"):
        Journal.open(tmp_path / "nowhere" / "journal.sqlite", genesis=GENESIS)


def test_a_state_folder_has_one_owner_who_is_named(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from engine.journal.lock import hold_state\n"
        "with hold_state(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdin is not None
    assert owner.stdout is not None
    try:
        assert owner.stdout.readline() == "held\n"
        with pytest.raises(JournalError, match=f"pid {owner.pid}"), hold_state(tmp_path):
            pass
    finally:
        owner.kill()
        owner.wait()
        owner.stdin.close()
        owner.stdout.close()
    with hold_state(tmp_path):
        assert (tmp_path / LOCK_FILE).stat().st_mode & 0o777 == 0o600
    with pytest.raises(JournalError, match="choose another --state"), hold_state(tmp_path / "nowhere"):
        pass


def test_an_entry_that_another_process_appends_while_the_end_is_read_is_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal.open(path, genesis=GENESIS) as one, Journal.open(path) as other:

        def append_between(statement: str) -> None:
            if statement.endswith("FROM meta"):
                other.append("command", {"name": "halt"})

        one.db.set_trace_callback(append_between)
        one.check_head()
        one.db.set_trace_callback(None)
        assert one.head[0] == other.head[0] == 2
        one.check_head()
