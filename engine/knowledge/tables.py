"""The graph's tables. Relations name their ends: one may be written before its ends are, and may cross the scopes."""

import sqlite3
from pathlib import Path

from engine.journal.stores import BEGINNING, Cursor

DATABASE = "graph.sqlite"
VERSION = 2
"""Raise it with any change of what entries make of the graph: a store of another version is made anew."""
RESULTS_KEPT = 2_000

_DDL = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE entities (id INTEGER PRIMARY KEY, name TEXT NOT NULL, market INTEGER NOT NULL, type TEXT NOT NULL,"
    " author TEXT NOT NULL, seq INTEGER NOT NULL, changed INTEGER NOT NULL, block INTEGER NOT NULL,"
    " UNIQUE (name, market))",
    "CREATE INDEX entities_changed ON entities (changed)",
    "CREATE TABLE observations (id INTEGER PRIMARY KEY, entity INTEGER NOT NULL, content TEXT NOT NULL)",
    "CREATE INDEX observations_of ON observations (entity)",
    "CREATE TABLE relations (id INTEGER PRIMARY KEY, source TEXT NOT NULL, target TEXT NOT NULL, type TEXT NOT NULL,"
    " market INTEGER NOT NULL, author TEXT NOT NULL, seq INTEGER NOT NULL, changed INTEGER NOT NULL,"
    " block INTEGER NOT NULL, times INTEGER NOT NULL, gain_wei TEXT NOT NULL, gain REAL NOT NULL,"
    " UNIQUE (source, target, type, market))",
    "CREATE INDEX relations_from ON relations (source)",
    "CREATE INDEX relations_to ON relations (target)",
    "CREATE INDEX relations_changed ON relations (changed)",
    "CREATE TABLE gone (seq INTEGER NOT NULL, block INTEGER NOT NULL, market INTEGER NOT NULL, what TEXT NOT NULL,"
    " one TEXT NOT NULL, two TEXT NOT NULL, three TEXT NOT NULL)",
    "CREATE INDEX gone_at ON gone (seq)",
    "CREATE VIRTUAL TABLE words USING fts5 (content, tokenize = 'trigram')",
    "CREATE TABLE results (seq INTEGER PRIMARY KEY, body TEXT, refused TEXT)",
    "CREATE TABLE trades (request TEXT PRIMARY KEY, route TEXT NOT NULL, pairs TEXT NOT NULL, principal TEXT NOT NULL,"
    " state TEXT, reservation TEXT, decision TEXT, intent TEXT, outcome TEXT, ended TEXT,"
    " gain_wei TEXT)",
    "CREATE INDEX trades_reserved ON trades (reservation)",
    "CREATE INDEX trades_decided ON trades (decision)",
    "CREATE INDEX trades_sent ON trades (intent)",
)


def opened(folder: Path) -> sqlite3.Connection:
    """Open the graph in a folder, or begin one; raises `sqlite3.Error` for a file that is none."""
    db = sqlite3.connect(folder / DATABASE, isolation_level=None)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")  # what a crash forgets, the cursor forgets with it
        db.execute("PRAGMA cache_size = -65536")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, VERSION):
            raise sqlite3.DatabaseError(f"the graph is of version {version}, not {VERSION}")
        if version == 0:
            db.execute("BEGIN IMMEDIATE")
            for statement in _DDL:
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {VERSION}")
            db.execute("COMMIT")
    except BaseException:
        db.close()
        raise
    return db


def cursor_of(db: sqlite3.Connection) -> Cursor:
    """Read how far the graph is."""
    meta = dict(db.execute("SELECT name, value FROM meta WHERE name IN ('seq', 'hash')").fetchall())
    return Cursor(int(meta["seq"]), meta["hash"]) if meta else BEGINNING


def noted(db: sqlite3.Connection, name: str) -> str | None:
    """Read a value that belongs to no row."""
    row = db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return None if row is None else row[0]


def note(db: sqlite3.Connection, name: str, value: str) -> None:
    """Keep a value that belongs to no row."""
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))
