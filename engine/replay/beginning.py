"""The part of a journal that an engine still reads: cut out of a long one, and made into a short one that goes on.

What is appended to the short journal gets the same places and the same hashes as in the long one: its last entry is
the same, and an entry's hash holds the one before it.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.domain.errors import CassetteError
from engine.journal.ancestry import backwards, newest, proof_of, request_of
from engine.journal.canonical import loads
from engine.journal.journal import Journal, entry_hash
from engine.journal.schema import PROJECTIONS

WHOLE_KINDS = ("genesis", "operator", "policy", "outside")
"""Read from the first to the last, by whoever starts."""
TAIL = 24
"""Newest entries that come along whatever they are."""
MINUTES_S = 120

Rows = dict[str, list[dict[str, Any]]]
"""Table -> rows by column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One entry as it stands in the file. `body` is canonical JSON, the hashes are 0x hex."""

    seq: int
    kind: str
    body: str
    prev: str
    hash: str


def rows_now(journal: Journal) -> Rows:
    """Copy of the projections what limits, settlement and reports read from here on."""
    last_time = journal.rows("SELECT value FROM ledger WHERE name = 'time_s'")
    since_s = (last_time[0][0] if last_time else 0) - MINUTES_S
    won = (
        "COALESCE((SELECT ended_seq FROM reservations WHERE how = 'filled' AND loss_wei = '0'"
        " ORDER BY ended_seq DESC LIMIT 1), 0)"
    )
    return {
        "intents": _rows(journal, "SELECT * FROM intents WHERE status = 'open'"),
        "reservations": _rows(
            journal, f"SELECT * FROM reservations WHERE held = 1 OR time_s > ? OR ended_seq >= {won}", since_s
        ),
        "spent": _rows(journal, "SELECT * FROM spent WHERE day >= (SELECT MAX(day) FROM spent) - 1"),
        "ledger": _rows(journal, "SELECT * FROM ledger"),
    }


def _rows(journal: Journal, query: str, *bound: Any) -> list[dict[str, Any]]:
    found = journal.db.execute(query, bound)
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found]


def cut(journal: Journal, seq: int, rows: Rows) -> list[Line]:
    """List what an engine whose journal ends at `seq` still reads, in order; `rows` are the projections as of there."""
    wanted: set[int] = set(range(max(seq - TAIL + 1, 1), seq + 1))
    for kind in WHOLE_KINDS:
        wanted |= {one for (one,) in journal.rows("SELECT seq FROM entries WHERE kind = ? AND seq <= ?", kind, seq)}
    last_state = "SELECT MAX(seq) FROM entries WHERE kind = 'state' AND seq <= ?"
    wanted |= {one for (one,) in journal.rows(last_state, seq) if one is not None}
    wanted |= _newest_verdicts(journal, seq)
    wanted |= {row["seq"] for row in rows["reservations"] if row["held"]}
    for row in rows["intents"]:
        wanted |= {row["seq"], row["seq"] - 1}
        cause = journal.entry(row["seq"] - 1)
        if cause is not None and cause.kind == "decision" and (request := request_of(journal, cause)) is not None:
            proof = proof_of(journal, request)
            wanted |= {request.seq, *([proof.seq] if proof is not None else [])}
            wanted |= _newest_miss(journal, request.seq)  # whether the market was contested then
    wanted |= _newest_miss(journal, seq)
    return lines(journal, sorted(wanted))


def _newest_miss(journal: Journal, seq: int) -> set[int]:
    return {entry.seq for entry in newest(journal, "miss", before_seq=seq + 1, limit=1)}


def _newest_verdicts(journal: Journal, seq: int) -> set[int]:
    newest: dict[str, int] = {}
    for entry in backwards(journal, "token", before_seq=seq + 1):
        newest.setdefault(entry.body["token"], entry.seq)
    return set(newest.values())


def lines(journal: Journal, seqs: Iterable[int]) -> list[Line]:
    """Read entries as they stand in the file."""
    query = "SELECT seq, kind, CAST(body AS TEXT), prev, hash FROM entries WHERE seq = ?"
    found = [journal.rows(query, seq)[0] for seq in seqs]
    return [
        Line(seq=seq, kind=kind, body=body, prev="0x" + prev.hex(), hash="0x" + digest.hex())
        for seq, kind, body, prev, digest in found
    ]


def between(journal: Journal, after_seq: int, to_seq: int) -> list[Line]:
    """Read the entries after one place, up to another and with it."""
    found = journal.rows("SELECT seq FROM entries WHERE seq > ? AND seq <= ? ORDER BY seq", after_seq, to_seq)
    return lines(journal, [seq for (seq,) in found])


def check(held: Sequence[Line]) -> None:
    """Raise `CassetteError` at an entry that its hash does not fit."""
    for one in held:
        digest = entry_hash(bytes.fromhex(one.prev[2:]), one.seq, one.kind, one.body.encode())
        if "0x" + digest.hex() != one.hash:
            raise CassetteError("an entry of the cassette's journal was changed", measured=f"entry {one.seq}")


def write(path: Path, held: Sequence[Line], rows: Rows) -> None:
    """Make a journal that ends where the cut one did. Raises `CassetteError` for entries that make none."""
    check(held)
    if not held or held[0].seq != 1 or held[0].kind != "genesis":
        raise CassetteError("the cassette's journal has no first entry")
    with Journal.open(path, genesis=loads(held[0].body.encode())) as journal:
        journal.db.execute("PRAGMA synchronous = OFF")  # it is thrown away with its folder
        try:
            with journal.transaction():
                _fill(journal.db, held, rows)
        except sqlite3.Error as error:
            raise CassetteError("the cassette's journal cannot be written", measured=error) from error


def _fill(db: sqlite3.Connection, held: Sequence[Line], rows: Rows) -> None:
    ((guard,),) = db.execute("SELECT sql FROM sqlite_master WHERE name = 'entries_follow'").fetchall()
    db.execute("DROP TRIGGER entries_follow")
    db.executemany(
        "INSERT INTO entries VALUES (?, ?, ?, ?, ?)",
        [
            (one.seq, one.kind, one.body.encode(), bytes.fromhex(one.prev[2:]), bytes.fromhex(one.hash[2:]))
            for one in held[1:]
        ],
    )
    db.execute(guard)
    for table in PROJECTIONS:
        columns = {name for _, name, *_ in db.execute(f"PRAGMA table_info({table})")}
        for row in rows[table]:
            known = {name: value for name, value in row.items() if name in columns}
            names, marks = ", ".join(known), ", ".join("?" * len(known))
            db.execute(f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({marks})", tuple(known.values()))
    for name, value in (("head_seq", str(held[-1].seq)), ("head_hash", held[-1].hash[2:])):
        db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))
