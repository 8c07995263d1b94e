"""Any change to a journal is found without asking a chain, and the row is named."""

import hashlib
import json
import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from engine.domain.errors import JournalError
from engine.journal.journal import Journal
from engine.journal.schema import MIGRATIONS
from engine.verify.history import SCHEMAS
from engine.verify.report import Finding
from engine.verify.verify import verify_state
from tests.unit import journal_stubs as stub
from tests.unit import verify_stubs as truth

FLIPS = 250
GUARDS = ("entries_no_update", "entries_no_delete", "entries_follow")


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pristine")
    truth.true_state(folder)
    return folder


@pytest.fixture
def state(pristine: Path, tmp_path: Path) -> Path:
    shutil.copy(pristine / "journal.sqlite", tmp_path)
    return tmp_path


def offline(state: Path) -> list[Finding]:
    return [finding for finding in verify_state(state, None).findings if finding.what != "chain not reached"]


def rows(state: Path) -> int:
    with closing(sqlite3.connect(state / "journal.sqlite")) as db:
        return db.execute("SELECT COUNT(*) FROM entries").fetchone()[0]


def tamper(state: Path, *statements: str) -> None:
    """Edit as somebody with the file would: guards off, edit, guards on again."""
    with closing(sqlite3.connect(state / "journal.sqlite", isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = OFF")
        guards = [db.execute("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).fetchone()[0] for name in GUARDS]
        for name in GUARDS:
            db.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            db.execute(statement)
        for guard in guards:
            db.execute(guard)


def rehash(state: Path, first: int, *, acknowledge: bool) -> None:
    """Forge: compute every hash again from row `first` to the end."""
    with closing(sqlite3.connect(state / "journal.sqlite", isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = OFF")
        for name in GUARDS:
            db.execute(f"DROP TRIGGER {name}")
        prev = db.execute("SELECT prev FROM entries WHERE seq = ?", (first,)).fetchone()[0]
        for seq, kind, body in db.execute(
            "SELECT seq, kind, CAST(body AS BLOB) FROM entries WHERE seq >= ? ORDER BY seq", (first,)
        ):
            digest = hashlib.sha256(prev + seq.to_bytes(8, "big") + kind.encode() + b"\0" + body).digest()
            db.execute("UPDATE entries SET prev = ?, hash = ? WHERE seq = ?", (prev, digest, seq))
            prev = digest
        if acknowledge:
            db.execute("UPDATE meta SET value = ? WHERE name = 'head_hash'", (prev.hex(),))
        for statements in MIGRATIONS:
            for statement in statements:
                if statement.startswith("CREATE TRIGGER"):
                    db.execute(statement)


def seq_of(state: Path, kind: str, nth: int = 0) -> int:
    with Journal.read(state / "journal.sqlite") as journal:
        return [entry.seq for entry in journal.entries(kind)][nth]  # type: ignore[arg-type]


def test_nothing_is_found_in_a_journal_that_nobody_touched(state: Path, pristine: Path) -> None:
    assert offline(state) == []
    shutil.copy(pristine / "journal.seal", state)
    assert offline(state) == []
    report = verify_state(state, None)
    assert not report.ok
    assert report.findings[-1].what == "chain not reached"
    assert report.checked["entries"] == rows(state)


def test_nothing_is_found_while_an_engine_writes_or_after_it_died(state: Path) -> None:
    journal = Journal.open(state / "journal.sqlite")
    journal.append("command", {"type": "Stop", "reason": "x"})
    assert offline(state) == []
    journal.db.close()
    assert offline(state) == []


def test_every_row_that_is_edited_is_named(state: Path, pristine: Path) -> None:
    dice = random.Random(7)
    for seq in range(1, rows(pristine) + 1):
        for column in ("body", "prev", "hash", "kind"):
            with closing(sqlite3.connect(pristine / "journal.sqlite")) as db:
                held = db.execute(f"SELECT CAST({column} AS BLOB) FROM entries WHERE seq = ?", (seq,)).fetchone()[0]
            at = dice.randrange(len(held))
            edited = held[:at] + bytes([held[at] ^ 1 << dice.randrange(7)]) + held[at + 1 :]
            value = f"x'{edited.hex()}'" if column != "kind" else f"CAST(x'{edited.hex()}' AS TEXT)"
            shutil.copy(pristine / "journal.sqlite", state)
            tamper(state, f"UPDATE entries SET {column} = {value} WHERE seq = {seq}")
            assert seq in {finding.seq for finding in offline(state)}, (seq, column)


def test_every_row_that_is_deleted_is_named(state: Path, pristine: Path) -> None:
    for seq in range(1, rows(pristine) + 1):
        shutil.copy(pristine / "journal.sqlite", state)
        tamper(state, f"DELETE FROM entries WHERE seq = {seq}")
        assert (seq, "the entry is missing") in {(f.seq, f.what) for f in offline(state)}


def test_every_truncation_names_the_first_row_that_is_gone(state: Path, pristine: Path) -> None:
    for seq in range(1, rows(pristine) + 1):
        shutil.copy(pristine / "journal.sqlite", state)
        tamper(state, f"DELETE FROM entries WHERE seq >= {seq}")
        assert next(f.seq for f in offline(state) if f.what == "the entry is missing") == seq


def test_a_row_whose_own_hash_was_forged_too_is_named(state: Path, pristine: Path) -> None:
    for seq in range(1, rows(pristine) + 1):
        shutil.copy(pristine / "journal.sqlite", state)
        with closing(sqlite3.connect(state / "journal.sqlite")) as db:
            kind, body, prev = db.execute("SELECT kind, body, prev FROM entries WHERE seq = ?", (seq,)).fetchone()
        forged = json.dumps(json.loads(body) | {"extra": "x"}, sort_keys=True, separators=(",", ":")).encode()
        digest = hashlib.sha256(prev + seq.to_bytes(8, "big") + kind.encode() + b"\0" + forged).hexdigest()
        tamper(state, f"UPDATE entries SET body = x'{forged.hex()}', hash = x'{digest}' WHERE seq = {seq}")
        assert seq in {finding.seq for finding in offline(state)}


def test_rows_put_in_swapped_or_added_are_named(state: Path, pristine: Path) -> None:
    last = rows(pristine)
    swap = ("UPDATE entries SET seq = -1 WHERE seq = 5", "UPDATE entries SET seq = 5 WHERE seq = 6")
    tamper(state, *swap, "UPDATE entries SET seq = 6 WHERE seq = -1")
    assert {5, 6} <= {finding.seq for finding in offline(state)}
    shutil.copy(pristine / "journal.sqlite", state)
    columns = "SELECT {}, kind, body, prev, hash FROM entries WHERE seq = 5"
    tamper(state, "INSERT INTO entries " + columns.format(last + 1), "INSERT INTO entries " + columns.format(-4))
    assert {last + 1, -4} <= {finding.seq for finding in offline(state)}


def test_history_forged_from_a_row_to_the_end_breaks_the_anchors_that_are_in_signed_bytes(state: Path) -> None:
    first = seq_of(state, "request")
    tamper(state, f"UPDATE entries SET body = replace(body, 'engine', 'nobody') WHERE seq = {first}")
    rehash(state, first, acknowledge=True)
    found = offline(state)
    assert seq_of(state, "intent", 1) in {f.seq for f in found if "anchor" in f.what}
    assert not any(f.what.startswith("the entry was changed") for f in found)


@pytest.mark.parametrize("name", GUARDS)
def test_a_dropped_guard_is_found(state: Path, name: str) -> None:
    with closing(sqlite3.connect(state / "journal.sqlite")) as db:
        db.execute(f"DROP TRIGGER {name}")
    assert [f.what for f in offline(state)] == ["the journal's tables or guards were changed"]


@pytest.mark.parametrize(
    ("table", "edit"),
    [
        ("intents", "UPDATE intents SET status = 'filled' WHERE intent_id = 'i5'"),
        ("intents", "DELETE FROM intents WHERE intent_id = 'i1'"),
        ("reservations", "UPDATE reservations SET held = 0 WHERE held = 1"),
        ("reservations", "UPDATE reservations SET worst_wei = '1' WHERE held = 1"),
        (
            "reservations",
            "INSERT INTO reservations SELECT 'x', 3, principal, agent, token, venues, worst_wei, notional_wei, own_wei,"
            " time_s, 1, how, ended_seq, day, gas_wei, loss_wei FROM reservations LIMIT 1",
        ),
        ("spent", "UPDATE spent SET wei = '0'"),
        ("ledger", "UPDATE ledger SET value = 0 WHERE name = 'resumed'"),
        ("spent", "DELETE FROM spent"),
    ],
)
def test_a_projection_that_says_other_than_the_entries_is_found(state: Path, table: str, edit: str) -> None:
    with closing(sqlite3.connect(state / "journal.sqlite", isolation_level=None)) as db:
        db.execute(edit)
    found = offline(state)
    assert found
    assert all("table of" in finding.what for finding in found), found
    assert table in found[0].what or table == "spent"
    with Journal.open(state / "journal.sqlite") as journal:
        journal.rebuild()
    assert offline(state) == []


def test_every_byte_of_a_closed_file_that_is_flipped_is_found(state: Path, pristine: Path) -> None:
    shutil.copy(pristine / "journal.seal", state)
    whole = (pristine / "journal.sqlite").read_bytes()
    dice, seen = random.Random(7), Counter[str]()
    for _ in range(FLIPS):
        at = dice.randrange(len(whole))
        flipped = bytearray(whole)
        flipped[at] ^= 1 << dice.randrange(8)
        (state / "journal.sqlite").write_bytes(flipped)
        found = offline(state)
        assert any(finding.seq is not None for finding in found), at
        seen["by its row"] += any("sealed" not in finding.what for finding in found)
    print(f"{FLIPS} bytes flipped anywhere in the file: all found, {dict(seen)}, the others by the seal")


def test_every_byte_of_a_row_that_is_flipped_in_the_file_names_it(state: Path, pristine: Path) -> None:
    whole = (pristine / "journal.sqlite").read_bytes()
    with Journal.read(pristine / "journal.sqlite") as journal:
        bodies = {seq: bytes(body) for seq, body in journal.db.execute("SELECT seq, body FROM entries")}
    dice, tried = random.Random(7), 0
    for seq, body in bodies.items():
        start = whole.find(body[:200])
        if whole.count(body[:200]) != 1:
            continue
        for _ in range(4):
            at = start + dice.randrange(min(len(body), 200))
            flipped = bytearray(whole)
            flipped[at] ^= 1 << dice.randrange(8)
            (state / "journal.sqlite").write_bytes(flipped)
            assert seq in {finding.seq for finding in offline(state)}
            tried += 1
    assert tried > 60


def test_a_file_cut_short_or_overwritten_is_found(state: Path, pristine: Path) -> None:
    whole = (pristine / "journal.sqlite").read_bytes()
    for content in (whole[:4096], whole[: len(whole) // 2], whole[:-1], b"", b"x" * 5000):
        (state / "journal.sqlite").write_bytes(content)
        assert offline(state), len(content)


def test_the_format_that_the_checker_knows_is_the_one_that_the_journal_writes(state: Path) -> None:
    assert set(SCHEMAS) == {len(MIGRATIONS)}
    assert offline(state) == []


def test_without_a_journal_there_is_nothing_to_check(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="there is no journal"):
        verify_state(tmp_path, None)


Edit = Callable[[dict[str, object]], object]


@pytest.mark.parametrize(
    ("kind", "edit", "what"),
    [
        ("genesis", lambda b: b["policy"].update(max_gas_wei="5"), "the policy is not the one that was hashed"),
        ("decision", lambda b: b.update(verdict="refused"), "the intent was not approved"),
        ("decision", lambda b: b.update(max_fee_wei="1"), "max fee as approved"),
        ("proof", lambda b: b["plan"].update(calldata_hash="0x"), "the signed bytes say another calldata"),
        ("request", lambda b: b.update(amount_in="1"), "the signed call has other amount"),
        ("request", lambda b: b.update(min_profit="1"), "the signed call has other floor"),
        ("request", lambda b: b["route"]["hops"][0].update(pool="0x1"), "the signed call has other pools"),
        ("reservation", lambda b: b.update(worst_wei="1"), "gas could cost more than was reserved"),
        ("release", lambda b: b.update(gas_wei="1"), "the release says other than the outcome"),
        ("intent", lambda b: b.update(nonce="9"), "the signed bytes say another nonce"),
        ("intent", lambda b: b.update(tx_hash="0x1"), "the signed bytes say another hash"),
        ("intent", lambda b: b.update(to=stub.TREASURY), "the signed bytes say another receiver"),
        ("intent", lambda b: b.update(raw_tx="0x00"), "the intent cannot be decoded"),
        ("intent", lambda b: b.pop("raw_tx"), "the intent cannot be decoded"),
        ("outcome", lambda b: b.update(type="Lucky"), "the outcome is unknown"),
        ("outcome", lambda b: b.update(intent_id="i1"), "the intent has a second outcome"),
        ("outcome", lambda b: b.update(intent_id="nobody"), "the outcome is of no intent"),
    ],
)
def test_a_forged_history_that_contradicts_itself_is_found(state: Path, kind: str, edit: Edit, what: str) -> None:
    seq = seq_of(state, kind, 1 if kind == "outcome" else 0)
    with closing(sqlite3.connect(state / "journal.sqlite")) as db:
        body = json.loads(db.execute("SELECT body FROM entries WHERE seq = ?", (seq,)).fetchone()[0])
    edit(body)
    forged = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
    tamper(state, f"UPDATE entries SET body = x'{forged.hex()}' WHERE seq = {seq}")
    rehash(state, seq, acknowledge=True)
    assert any(what in finding.what for finding in offline(state)), offline(state)
