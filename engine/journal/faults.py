"""What SQLite's errors mean to the person who runs the engine: one line each, and what to do."""

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from engine.domain.errors import JournalError

FAULTS: tuple[tuple[str, str, str], ...] = (
    ("SQLITE_FULL", "the disk is full", "free some space on it, then start again"),
    ("SQLITE_READONLY", "the journal is on a read-only disk or not yours to write", "make it writable for this user"),
    ("SQLITE_IOERR", "the disk failed under the journal", "check the disk, then run ketch verify"),
    ("SQLITE_BUSY", "the journal is locked by another process", "stop the other engine, or choose another --state"),
    ("SQLITE_LOCKED", "the journal is locked by another process", "stop the other engine, or choose another --state"),
    ("SQLITE_NOTADB", "the file is not a journal, or it is corrupt", "run ketch verify, then restore a backup"),
    ("SQLITE_CORRUPT", "the journal is corrupt", "run ketch verify, then restore a backup"),
    ("SQLITE_CANTOPEN", "the journal cannot be opened", "check that its folder exists and is yours to write"),
    ("SQLITE_CONSTRAINT", "the journal takes no such entry", "run ketch verify"),
)
"""(prefix of SQLite's error name, what happened, what to do)."""


def journal_fault(path: Path, fault: Exception) -> JournalError:
    """Name an error of SQLite's, or of a record that does not read as it was written, for people."""
    name: str = getattr(fault, "sqlite_errorname", "")
    for prefix, what, next_step in FAULTS:
        if name.startswith(prefix):
            return JournalError(f"{what} ({path})", measured=f"{name}: {fault}", next_step=next_step)
    return JournalError(
        f"the journal is damaged ({path})",
        measured=f"{type(fault).__name__}: {fault}",
        next_step="run ketch verify, then restore a backup",
    )


@contextmanager
def faults_named(path: Path) -> Generator[None]:
    """Raise `JournalError` for every error of SQLite's inside, texts that are no text included."""
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError) as fault:
        raise journal_fault(path, fault) from fault


@contextmanager
def damage_named(path: Path) -> Generator[None]:
    """Raise `JournalError` too for records inside that lack what they must hold."""
    try:
        yield
    except (sqlite3.Error, KeyError, TypeError, ValueError) as fault:
        raise journal_fault(path, fault) from fault
