"""Before a journal can be read or written: is the file there, ours, of this engine, and set up as it must be?

All of it raises `JournalError`, one line with what to do.
"""

import os
import sqlite3
from pathlib import Path

from engine.domain.errors import JournalError
from engine.journal.canonical import Body
from engine.journal.schema import APPLICATION_ID, PAGE_SIZE
from engine.journal.seal import break_seal

IDENTITY = ("chain_id", "executor", "treasury", "operator", "operator_secret")
"""Genesis fields that cannot change under a running history."""


def create(path: Path) -> None:
    """Make the file, for its owner alone."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    except OSError as fault:
        raise JournalError(
            f"the journal cannot be made at {path}",
            measured=fault.strerror,
            next_step="check that the folder exists and is yours to write, or choose another --state",
        ) from fault


def unseal(path: Path) -> None:
    """Break the seal of a journal that is about to be written."""
    try:
        break_seal(path)
    except OSError as fault:
        raise JournalError(
            f"the journal is on a read-only disk or not yours to write ({path})",
            measured=fault.strerror,
            next_step="make it writable for this user",
        ) from fault


def configure(path: Path, db: sqlite3.Connection) -> None:
    """Set a connection up for writing, and the file's identity if it is new."""
    empty = db.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0] == 0
    if empty:
        db.execute(f"PRAGMA page_size = {PAGE_SIZE}")
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    check_owner(path, db)
    # secure_delete zeroes what is freed: an unused byte that is not zero is a byte that somebody changed
    for setting in ("secure_delete = ON", "trusted_schema = OFF", "cell_size_check = ON", "synchronous = FULL"):
        db.execute(f"PRAGMA {setting}").fetchall()
    db.execute("PRAGMA journal_mode = WAL").fetchone()


def check_owner(path: Path, db: sqlite3.Connection) -> None:
    """Refuse somebody else's database."""
    if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise JournalError(f"{path} is not a ketch journal", next_step="name another --state, or restore a backup")


def no_journal(path: Path) -> JournalError:
    """Say that there is none."""
    return JournalError(f"there is no journal at {path}", next_step="run ketch init, or name another --state")


def same_identity(held: Body, given: Body) -> None:
    """Refuse a genesis that is about other accounts than the journal's."""
    for name in IDENTITY:
        if name in given and str(given[name]) != held.get(name):
            raise JournalError(
                f"the journal belongs to another {name.replace('_', ' ')}",
                measured=given[name],
                limit=held.get(name),
                next_step="choose another --state",
            )
