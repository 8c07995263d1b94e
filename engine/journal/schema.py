"""The journal's tables, versioned: `entries` is the truth, the rest are projections that can be rebuilt from it."""

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from typing import Literal, get_args

from engine.domain.errors import JournalError

Kind = Literal[
    "genesis",
    "opportunity",
    "request",
    "proof",
    "decision",
    "reservation",
    "release",
    "intent",
    "attempt",
    "raise",
    "outside",
    "outcome",
    "command",
    "answer",
    "state",
    "calls",
    "policy",
    "token",
    "miss",
    "operator",
    "note",
    "paper",
]
KINDS: tuple[Kind, ...] = get_args(Kind)

APPLICATION_ID = 0x4B455443  # "KETC", so that `file` and we know whose database this is
PAGE_SIZE = 4096
GENESIS_PREV = bytes(32)

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE entries (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, body BLOB NOT NULL,"
        " prev BLOB NOT NULL, hash BLOB NOT NULL)",
        "CREATE INDEX entries_by_kind ON entries (kind)",
        "CREATE TRIGGER entries_follow BEFORE INSERT ON entries"
        " WHEN NEW.seq IS NOT (SELECT COALESCE(MAX(seq), 0) + 1 FROM entries)"
        " BEGIN SELECT RAISE(ABORT, 'an entry must follow the last one'); END",
        "CREATE TRIGGER entries_no_update BEFORE UPDATE ON entries"
        " BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END",
        "CREATE TRIGGER entries_no_delete BEFORE DELETE ON entries"
        " BEGIN SELECT RAISE(ABORT, 'entries are append-only'); END",
        "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
        "CREATE TABLE intents (intent_id TEXT PRIMARY KEY, seq INTEGER NOT NULL, nonce INTEGER NOT NULL,"
        " tx_hash TEXT NOT NULL, status TEXT NOT NULL, outcome_seq INTEGER)",
        "CREATE INDEX intents_by_status ON intents (status)",
        "CREATE TABLE reservations (id TEXT PRIMARY KEY, seq INTEGER NOT NULL, worst_wei TEXT NOT NULL,"
        " held INTEGER NOT NULL, day INTEGER NOT NULL, gas_wei TEXT NOT NULL, loss_wei TEXT NOT NULL)",
        "CREATE INDEX reservations_held ON reservations (held)",
        "CREATE TABLE spent (day INTEGER PRIMARY KEY, gas_wei TEXT NOT NULL, loss_wei TEXT NOT NULL)",
    ),
    (
        "DROP TABLE reservations",
        "DROP TABLE spent",
        "CREATE TABLE reservations (id TEXT PRIMARY KEY, seq INTEGER NOT NULL, principal TEXT NOT NULL,"
        " agent INTEGER NOT NULL, token TEXT NOT NULL, venues TEXT NOT NULL, worst_wei TEXT NOT NULL,"
        " notional_wei TEXT NOT NULL, own_wei TEXT NOT NULL, time_s INTEGER NOT NULL, held INTEGER NOT NULL, how TEXT,"
        " ended_seq INTEGER, day INTEGER NOT NULL, gas_wei TEXT NOT NULL, loss_wei TEXT NOT NULL)",
        "CREATE INDEX reservations_held ON reservations (held)",
        "CREATE INDEX reservations_by_time ON reservations (time_s)",
        "CREATE INDEX reservations_by_end ON reservations (ended_seq)",
        "CREATE TABLE spent (day INTEGER NOT NULL, what TEXT NOT NULL, name TEXT NOT NULL, wei TEXT NOT NULL,"
        " PRIMARY KEY (day, what, name))",
        "CREATE TABLE ledger (name TEXT PRIMARY KEY, value INTEGER NOT NULL)",
    ),
)
"""A database at version n has the first n applied; a new version is one more tuple, never an edit of an old one."""

PROJECTIONS = ("intents", "reservations", "spent", "ledger")
"""Tables that `projections.rebuild` empties and fills again. Amounts in them are decimal text: wei outgrow 64 bits."""


def migrate(db: sqlite3.Connection, refill: Callable[[sqlite3.Connection], None]) -> None:
    """Bring the tables up to the newest version, in one transaction; raises `JournalError` for a newer file.

    `refill` fills the projections of an older file again, inside that transaction: a new version may reshape them.
    """
    if _version(db) == len(MIGRATIONS):
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        version = _version(db)  # of two that open a file at once, the second finds the first one's work done
        if version > len(MIGRATIONS):
            raise JournalError(
                "the journal was written by a newer ketch",
                measured=f"format {version}",
                limit=f"format {len(MIGRATIONS)}",
                next_step="use that version of ketch",
            )
        for statements in MIGRATIONS[version:]:
            for statement in statements:
                db.execute(statement)
        if version:
            refill(db)
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        db.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.OperationalError):  # SQLite itself has rolled back after a full disk
            db.execute("ROLLBACK")
        raise


def _version(db: sqlite3.Connection) -> int:
    return db.execute("PRAGMA user_version").fetchone()[0]
