"""What an entry does to the projection tables, over one connection and inside the append's transaction.

`intents`: one row a signed transaction and how it ended. `reservations`, `spent`: what the limits hold and what each
day used up. A release closes its reservation and charges gas and loss to the day of the outcome's block; a release
that says `reorged` takes its charge back and holds the reservation again.
"""

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any, Literal

from engine.journal.canonical import Body, loads
from engine.journal.schema import PROJECTIONS

STATUS_OF: Mapping[str, Literal["open", "filled", "reverted", "replaced"]] = {
    "Filled": "filled",
    "Reverted": "reverted",
    "Replaced": "replaced",
    "Reorged": "open",
}
"""Outcome type -> status of its intent."""


def project(db: sqlite3.Connection, seq: int, kind: str, body: Body) -> None:
    """Apply one entry to the projections; entries of other kinds change none."""
    step = _STEPS.get(kind)
    if step is not None:
        step(db, seq, body)


def rebuild(db: sqlite3.Connection) -> None:
    """Empty every projection and fill it from the entries. The caller holds the transaction."""
    for table in PROJECTIONS:
        db.execute(f"DELETE FROM {table}")
    for kind in _STEPS:
        for seq, body in db.execute("SELECT seq, body FROM entries WHERE kind = ? ORDER BY seq", (kind,)).fetchall():
            project(db, seq, kind, loads(body))


def _intent(db: sqlite3.Connection, seq: int, body: Body) -> None:
    row = (body["intent_id"], seq, int(body["nonce"]), body["tx_hash"])
    db.execute("INSERT INTO intents VALUES (?, ?, ?, ?, 'open', NULL)", row)


def _outcome(db: sqlite3.Connection, seq: int, body: Body) -> None:
    row = (STATUS_OF[body["type"]], seq, body["intent_id"])
    db.execute("UPDATE intents SET status = ?, outcome_seq = ? WHERE intent_id = ?", row)


def _reservation(db: sqlite3.Connection, seq: int, body: Body) -> None:
    row = (body["reservation"], seq, body["worst_wei"], int(body["day"]))
    db.execute("INSERT INTO reservations VALUES (?, ?, ?, 1, ?, '0', '0')", row)


def _release(db: sqlite3.Connection, seq: int, body: Body) -> None:
    reservation = body["reservation"]
    if body["how"] == "reorged":
        day, gas, loss = db.execute(
            "SELECT day, gas_wei, loss_wei FROM reservations WHERE id = ?", (reservation,)
        ).fetchone()
        _charge(db, day, -int(gas), -int(loss))
        db.execute("UPDATE reservations SET held = 1, gas_wei = '0', loss_wei = '0' WHERE id = ?", (reservation,))
        return
    day, gas, loss = int(body["day"]), body["gas_wei"], body["loss_wei"]
    row = (day, gas, loss, reservation)
    db.execute("UPDATE reservations SET held = 0, day = ?, gas_wei = ?, loss_wei = ? WHERE id = ?", row)
    _charge(db, day, int(gas), int(loss))


def _charge(db: sqlite3.Connection, day: int, gas: int, loss: int) -> None:
    row: tuple[Any, ...] | None = db.execute("SELECT gas_wei, loss_wei FROM spent WHERE day = ?", (day,)).fetchone()
    if row is not None:
        gas, loss = gas + int(row[0]), loss + int(row[1])
    db.execute("INSERT OR REPLACE INTO spent VALUES (?, ?, ?)", (day, str(gas), str(loss)))


_STEPS: Mapping[str, Callable[[sqlite3.Connection, int, Body], None]] = {
    "intent": _intent,
    "outcome": _outcome,
    "reservation": _reservation,
    "release": _release,
}
"""Kinds touch tables of their own pair only, so `rebuild` may take them one after the other."""
