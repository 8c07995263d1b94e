"""What an entry does to the projection tables, over one connection and inside the append's transaction.

`intents`: one row a signed transaction and how it ended. `reservations`, `spent`: what the limits hold and what each
day used up, by what and name. `ledger`: the limits' own time, and where the operator last resumed. A release closes
its reservation and charges what the trade cost to the ledger's day; one that says `reorged` takes its charge back and
holds the reservation again.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from engine.journal.canonical import Body, loads
from engine.journal.schema import PROJECTIONS

STATUS_OF: Mapping[str, Literal["open", "filled", "reverted", "cancelled", "replaced"]] = {
    "Filled": "filled",
    "Reverted": "reverted",
    "Cancelled": "cancelled",
    "Replaced": "replaced",
    "Reorged": "open",
}
"""Outcome type -> status of its intent."""

FORMAT_1: Body = {
    "principal": "engine",
    "agent": False,
    "token": "",
    "venues": [],
    "notional_wei": "0",
    "own_wei": "0",
}
"""What reservations of the journal's first format do not say."""

_DAY_S = 86_400


def project(db: sqlite3.Connection, seq: int, kind: str, body: Body) -> None:
    """Apply one entry to the projections; entries of other kinds change none."""
    step = _STEPS.get(kind)
    if step is not None:
        step(db, seq, body)


def rebuild(db: sqlite3.Connection) -> None:
    """Empty every projection and fill it from the entries, in their order. The caller holds the transaction."""
    for table in PROJECTIONS:
        db.execute(f"DELETE FROM {table}")
    kinds = ", ".join(f"'{kind}'" for kind in _STEPS)
    query = f"SELECT seq, kind, body FROM entries WHERE kind IN ({kinds}) ORDER BY seq"
    for seq, kind, body in db.execute(query).fetchall():
        project(db, seq, kind, loads(body))


def _intent(db: sqlite3.Connection, seq: int, body: Body) -> None:
    row = (body["intent_id"], seq, int(body["nonce"]), body["tx_hash"])
    db.execute("INSERT INTO intents VALUES (?, ?, ?, ?, 'open', NULL)", row)


def _outcome(db: sqlite3.Connection, seq: int, body: Body) -> None:
    row = (STATUS_OF[body["type"]], seq, body["intent_id"])
    db.execute("UPDATE intents SET status = ?, outcome_seq = ? WHERE intent_id = ?", row)


def _reservation(db: sqlite3.Connection, seq: int, body: Body) -> None:
    said = FORMAT_1 | body
    row: dict[str, Any] = {
        "id": body["reservation"],
        "seq": seq,
        "principal": said["principal"],
        "agent": int(said["agent"]),
        "token": said["token"],
        "venues": json.dumps(said["venues"], separators=(",", ":")),
        "worst_wei": body["worst_wei"],
        "notional_wei": said["notional_wei"],
        "own_wei": said["own_wei"],
        "time_s": _take_time(db, body),
        "day": int(body["day"]),
    }
    db.execute(
        "INSERT INTO reservations VALUES (:id, :seq, :principal, :agent, :token, :venues, :worst_wei, :notional_wei,"
        " :own_wei, :time_s, 1, NULL, NULL, :day, '0', '0')",
        row,
    )


def _raise(db: sqlite3.Connection, seq: int, body: Body) -> None:
    db.execute("UPDATE reservations SET worst_wei = ? WHERE id = ?", (body["worst_wei"], body["reservation"]))


def _release(db: sqlite3.Connection, seq: int, body: Body) -> None:
    name, how = body["reservation"], body["how"]
    _take_time(db, body)
    if how == "reorged":
        _charge(db, name, -1)
        undone = "UPDATE reservations SET held = 1, how = NULL, ended_seq = NULL, gas_wei = '0', loss_wei = '0'"
        db.execute(f"{undone} WHERE id = ?", (name,))
        return
    row = (how, seq, int(body["day"]), body["gas_wei"], body["loss_wei"], name)
    ended = "UPDATE reservations SET held = 0, how = ?, ended_seq = ?, day = ?, gas_wei = ?, loss_wei = ?"
    db.execute(f"{ended} WHERE id = ?", row)
    _charge(db, name, 1)


def _state(db: sqlite3.Connection, seq: int, body: Body) -> None:
    if body.get("state") == "ACTIVE":
        db.execute("INSERT OR REPLACE INTO ledger VALUES ('resumed', ?)", (seq,))


def _take_time(db: sqlite3.Connection, body: Body) -> int:
    """Set the ledger's time to an entry's; the first format knew the day alone."""
    time: Mapping[str, str] = body.get("time") or {"time_s": str(int(body["day"]) * _DAY_S), "number": "0"}
    for name, value in (("time_s", time["time_s"]), ("block", time["number"])):
        db.execute("INSERT OR REPLACE INTO ledger VALUES (?, ?)", (name, int(value)))
    return int(time["time_s"])


def _charge(db: sqlite3.Connection, reservation: str, sign: int) -> None:
    """Add what a reservation came to, to its day's spending, or take it off again."""
    columns = "day, how, principal, agent, token, venues, notional_wei, gas_wei, loss_wei"
    row = db.execute(f"SELECT {columns} FROM reservations WHERE id = ?", (reservation,)).fetchone()
    for what, name, wei in _charges(*row[1:]):
        key = (row[0], what, name)
        had = db.execute("SELECT wei FROM spent WHERE day = ? AND what = ? AND name = ?", key).fetchone()
        total = sign * wei + (int(had[0]) if had else 0)
        db.execute("INSERT OR REPLACE INTO spent VALUES (?, ?, ?, ?)", (*key, str(total)))


def _charges(
    how: str, principal: str, agent: int, token: str, venues: str, notional_wei: str, gas_wei: str, loss_wei: str
) -> Iterator[tuple[str, str, int]]:
    """List what an ended reservation charges. Only what filled was put in; the rest moved nothing."""
    gas, notional = int(gas_wei), int(notional_wei) if how == "filled" else 0
    yield "gas", "", gas
    yield "loss", "", int(loss_wei)
    yield "notional", "", notional
    yield "token", token, notional
    for venue in json.loads(venues):
        yield "venue", venue, notional
    if agent:
        yield "agent gas", principal, gas
        yield "agents gas", "", gas
        yield "agent notional", principal, notional


_STEPS: Mapping[str, Callable[[sqlite3.Connection, int, Body], None]] = {
    "intent": _intent,
    "outcome": _outcome,
    "reservation": _reservation,
    "raise": _raise,
    "release": _release,
    "state": _state,
}
