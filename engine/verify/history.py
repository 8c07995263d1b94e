"""Read a journal's file as a stranger would: every row, every hash, and the guards around them."""

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.verify.pages import void_damage
from engine.verify.report import Report

APPLICATION_ID = 0x4B455443
SCHEMAS = {2: "16c61c35ecbc72a44fa6e2f03b48e10d43800f78f433d8b7758552ca72352ad7"}
"""Format -> sha256 of the file's own table and trigger definitions: none may be dropped or softened."""
COLUMNS = ", ".join(f"CAST({name} AS BLOB)" for name in ("kind", "body", "prev", "hash"))
PROJECTIONS = {
    "intents": "SELECT intent_id, seq, nonce, tx_hash, status, outcome_seq FROM intents",
    "reservations": "SELECT id, seq, principal, agent, token, venues, worst_wei, notional_wei, own_wei, time_s, held,"
    " how, ended_seq, day, gas_wei, loss_wei FROM reservations",
    "spent": "SELECT day || ' ' || what || ' ' || name, wei FROM spent",
    "ledger": "SELECT name, value FROM ledger",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One entry. `hash` is 0x hex, as calldata anchors quote it."""

    seq: int
    kind: str
    body: dict[str, Any]
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All rows that could be read, in order, and the projection tables as they stand."""

    rows: tuple[Row, ...]
    tables: dict[str, list[tuple[Any, ...]]]


def read_history(path: Path, report: Report) -> History:
    """Read the file and check its chain of hashes; what cannot be read is a finding, never an exception."""
    rows: list[Row] = []
    tables: dict[str, list[tuple[Any, ...]]] = {}
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)) as db:
            db.execute("BEGIN")  # one view of a file that an engine may be writing
            acknowledged = _read_head(db, report)
            rows = list(_read_rows(db, acknowledged, report))
            _check_file(db, report)
            for name, query in PROJECTIONS.items():
                tables[name] = db.execute(query).fetchall()
            root = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'entries'").fetchone()[0]
            if not path.with_name(path.name + "-wal").exists():
                for seq, measured in void_damage(path, root):
                    report.found(seq, "bytes beside this row were changed", measured, "zeros")
    except (sqlite3.Error, UnicodeDecodeError) as fault:
        report.found(rows[-1].seq + 1 if rows else 1, "the journal's file is damaged", fault, "a readable file")
    _check_seal(path, rows[-1].seq if rows else 1, report)
    return History(rows=tuple(rows), tables=tables)


def _check_seal(path: Path, last: int, report: Report) -> None:
    """Compare the file of a closed journal with its seal, which was set when row `last` was the newest.

    A running engine breaks the seal, a crash leaves none.
    """
    seal = path.with_suffix(".seal")
    try:
        expected = seal.read_text("ascii").strip()
        with path.open("rb") as file:
            measured = hashlib.file_digest(file, "sha256").hexdigest()
    except (FileNotFoundError, UnicodeDecodeError):
        return
    if measured != expected and seal.exists():
        report.found(last, "the file was changed after this row closed and sealed it", measured, expected)


def _read_head(db: sqlite3.Connection, report: Report) -> tuple[int, str]:
    """Return the last acknowledged seq and hash."""
    meta = dict(db.execute("SELECT name, value FROM meta").fetchall())
    try:
        return int(meta["head_seq"]), "0x" + str(meta["head_hash"])
    except (KeyError, ValueError):
        report.found(None, "the journal does not say where it ends", meta, "head_seq and head_hash")
        return 0, ""


def _read_rows(db: sqlite3.Connection, acknowledged: tuple[int, str], report: Report) -> Iterator[Row]:
    """Yield every row that holds what its hash says, in order; find those that do not, and those that are gone."""
    last_seq, last_hash = acknowledged
    held = [seq for (seq,) in db.execute("SELECT seq FROM entries NOT INDEXED ORDER BY seq") if isinstance(seq, int)]
    for seq in (seq for seq in held if seq < 1):
        report.found(seq, "the entry is before the first", seq, 1)
    at, before = 0, bytes(32)
    for seq in (seq for seq in held if seq >= 1):
        row = _read_row(db, seq, report)
        if seq != at + 1:
            _missing(at + 1, seq - 1, report)
        link = before if seq == at + 1 else b""
        at, before = seq, b""
        if row is None:
            continue
        report.checked["entries"] += 1
        kind, body, prev, digest = row
        whole = hashlib.sha256(prev + seq.to_bytes(8, "big") + kind + b"\x00" + body).digest()
        if whole != digest:
            report.found(seq, "the entry was changed", _hex(digest), _hex(whole))
            continue
        if link and prev != link:
            report.found(max(seq - 1, 1), f"entry {seq} does not hold this entry's hash", _hex(prev), _hex(link))
        if seq == last_seq and _hex(digest) != last_hash:
            report.found(seq, "the last entry is not the one that was acknowledged", _hex(digest), last_hash)
        if seq > last_seq:
            report.found(seq, "the entry was never acknowledged", seq, f"at most {last_seq}")
        before = digest
        try:
            tree = json.loads(body)
            if not isinstance(tree, dict):
                raise ValueError("not an object")
        except ValueError as fault:
            report.found(seq, "the entry is not canonical JSON", fault, "an object")
            continue
        yield Row(seq=seq, kind=kind.decode("utf-8", "replace"), body=tree, hash=_hex(digest))
    if at < last_seq:
        _missing(at + 1, last_seq, report)


def _missing(first: int, last: int, report: Report) -> None:
    measured = "nothing" if first == last else f"nothing up to entry {last}"
    report.found(first, "the entry is missing", measured, "an entry")


def _hex(digest: bytes) -> str:
    return "0x" + digest.hex()


def _read_row(db: sqlite3.Connection, seq: int, report: Report) -> tuple[bytes, bytes, bytes, bytes] | None:
    try:
        row = db.execute(f"SELECT {COLUMNS} FROM entries WHERE seq = ?", (seq,)).fetchone()
    except sqlite3.DatabaseError as fault:
        report.found(seq, "the entry cannot be read", fault, "an entry")
        return None
    if row is None or any(column is None for column in row):
        report.found(seq, "the entry is not whole", "an empty column", "kind, body, prev and hash")
        return None
    return row


def _check_file(db: sqlite3.Connection, report: Report) -> None:
    for (fault,) in db.execute("PRAGMA integrity_check(20)").fetchall():
        if fault != "ok":
            row = re.search(r"row (\d+) missing from index entries_by_kind", fault)
            report.found(int(row[1]) if row else None, "the journal's file is damaged", fault, "ok")
    version = db.execute("PRAGMA user_version").fetchone()[0]
    owner = db.execute("PRAGMA application_id").fetchone()[0]
    schema = db.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name").fetchall()
    digest = hashlib.sha256(repr(schema).encode()).hexdigest()
    if digest != SCHEMAS.get(version) or owner != APPLICATION_ID:
        names = [str(name) for _, name, *_ in schema]
        report.found(None, "the journal's tables or guards were changed", ", ".join(names), f"format {version}'s own")
