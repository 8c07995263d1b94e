"""The journal: append-only entries in one SQLite file, each holding the hash of the one before. It is the truth."""

import hashlib
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.domain.errors import JournalError
from engine.journal.canonical import Body, dumps, loads
from engine.journal.faults import damage_named, faults_named, journal_fault
from engine.journal.opening import check_owner, configure, create, no_journal, same_identity, unseal
from engine.journal.projections import project, rebuild
from engine.journal.schema import GENESIS_PREV, KINDS, MIGRATIONS, Kind, migrate
from engine.journal.seal import write_seal

JOURNAL_FILE = "journal.sqlite"
BUSY_MS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of history. `body` is canonical JSON's tree: ints are decimal strings. `hash` is 0x hex."""

    seq: int
    kind: str
    body: Body
    hash: str


def entry_hash(prev: bytes, seq: int, kind: str, body: bytes) -> bytes:
    """Chain an entry to the one before: sha256(prev ‖ seq as 8 bytes, big endian ‖ kind ‖ 0x00 ‖ body)."""
    return hashlib.sha256(prev + seq.to_bytes(8, "big") + kind.encode() + b"\x00" + body).digest()


_COLUMNS = ", ".join(f"CAST({name} AS BLOB)" for name in ("kind", "body", "prev", "hash"))
"""Cast, so that whatever somebody put there reads as bytes."""


class Journal:
    """An open journal. Use from one thread; other processes may append too, a transaction at a time.

    A commit is on the disk when it returns (synchronous=FULL). Every method raises `JournalError` with one line of
    what to do for a full, read-only or failing disk, a lock, and corruption, which is never repaired in silence.
    """

    def __init__(self, path: Path, db: sqlite3.Connection, *, writable: bool) -> None:
        self.path = path
        self.db = db
        self._writable = writable
        self._depth = 0

    @classmethod
    def open(cls, path: Path, *, genesis: Body | None = None) -> "Journal":
        """Open the journal at `path` for writing, or begin one with `genesis` as its first entry.

        On a journal that exists, `genesis` must name the same chain, executor, treasury, operator and secret.
        """
        if not path.exists():
            if genesis is None:
                raise no_journal(path)
            create(path)
        with faults_named(path):
            db = sqlite3.connect(path, timeout=BUSY_MS / 1000, isolation_level=None)
            try:
                unseal(path)
                journal = cls(path, db, writable=True)
                configure(path, db)
                with damage_named(path):
                    migrate(db, rebuild)
                with journal._snapshot():
                    empty = journal._last() is None and not journal._acknowledged()
                if empty:
                    if genesis is None:
                        raise no_journal(path)
                    journal.append("genesis", genesis)
                journal.check_head()
                if genesis is not None:
                    same_identity(journal.genesis, genesis)
            except BaseException:
                db.close()
                raise
        return journal

    @classmethod
    def read(cls, path: Path) -> "Journal":
        """Open the journal at `path` to read only, whether or not an engine is writing it."""
        if not path.is_file():
            raise no_journal(path)
        with faults_named(path):
            db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=BUSY_MS / 1000)
            db.isolation_level = None
            try:
                check_owner(path, db)
                version: int = db.execute("PRAGMA user_version").fetchone()[0]
                if version != len(MIGRATIONS):
                    raise JournalError(
                        "the journal has another format than this ketch reads",
                        measured=f"format {version}",
                        limit=f"format {len(MIGRATIONS)}",
                        next_step="start the engine of this version once, or use the version that wrote it",
                    )
            except BaseException:
                db.close()
                raise
        return cls(path, db, writable=False)

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Commit everything inside at once, or nothing of it. Transactions nest; only the outermost one commits."""
        if not self._writable:
            raise JournalError("the journal is open to read only", next_step="send the command to the engine")
        depth = self._depth
        begin, end, undo = (
            (f"SAVEPOINT depth{depth}", f"RELEASE depth{depth}", f"ROLLBACK TO depth{depth}")
            if depth
            else ("BEGIN IMMEDIATE", "COMMIT", "ROLLBACK")
        )
        with faults_named(self.path):
            self.db.execute(begin)
            self._depth += 1
            try:
                yield
                self.db.execute(end)
            except BaseException:
                with suppress(sqlite3.OperationalError):  # SQLite itself has rolled back after a full disk
                    self.db.execute(undo)
                raise
            finally:
                self._depth = depth

    def append(self, kind: Kind, body: Body) -> Entry:
        """Write one entry after the last, on disk when the outermost transaction ends."""
        if kind not in KINDS:
            raise JournalError("no such kind of entry", measured=kind, limit=", ".join(KINDS))
        data = dumps(body)
        with self.transaction():
            last = self._last()
            seq, prev = (last[0] + 1, last[1]) if last else (1, GENESIS_PREV)
            digest = entry_hash(prev, seq, kind, data)
            self.db.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", (seq, kind, data, prev, digest))
            tree = loads(data)
            project(self.db, seq, kind, tree)
            for name, value in (("head_seq", str(seq)), ("head_hash", digest.hex())):
                self.db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))
        return Entry(seq=seq, kind=kind, body=tree, hash="0x" + digest.hex())

    @property
    def head(self) -> tuple[int, str]:
        """The last entry's seq and hash (0x hex): what the next trade's calldata carries as its anchor."""
        last = self._last()
        if last is None:
            raise JournalError(f"the journal at {self.path} is empty", next_step="restore a backup")
        return last[0], "0x" + last[1].hex()

    @property
    def genesis(self) -> Body:
        """The first entry's body: the chain, the contract and the accounts that this history is about."""
        for entry in self.entries(limit=1):
            return entry.body
        raise JournalError(f"the journal at {self.path} is empty", next_step="restore a backup")

    def entries(self, kind: Kind | None = None, *, after_seq: int = 0, limit: int | None = None) -> Iterator[Entry]:
        """List entries in order, of one kind or of all, past `after_seq`; raises at one that its hash does not fit."""
        query, bound = f"SELECT seq, {_COLUMNS} FROM entries WHERE seq > ?", [after_seq]
        if kind is not None:
            query, bound = query + " AND kind = ?", [after_seq, kind]
        with faults_named(self.path):
            for row in self.db.execute(query + " ORDER BY seq LIMIT ?", [*bound, -1 if limit is None else limit]):
                yield _whole_entry(row)

    def entry(self, seq: int) -> Entry | None:
        """Return one entry, or None past the end."""
        return next(self.entries(after_seq=seq - 1, limit=1), None)

    def last(self, kind: Kind) -> Entry | None:
        """Return the newest entry of a kind, or None."""
        ((seq,),) = self.rows("SELECT MAX(seq) FROM entries WHERE kind = ?", kind)
        return None if seq is None else self.entry(seq)

    def count(self, kind: Kind) -> int:
        """Count the entries of a kind."""
        return self.rows("SELECT COUNT(*) FROM entries WHERE kind = ?", kind)[0][0]

    def rows(self, query: str, *bound: Any) -> list[tuple[Any, ...]]:
        """Read from the projections."""
        with faults_named(self.path):
            return self.db.execute(query, bound).fetchall()

    def rebuild(self) -> None:
        """Fill every projection again from the entries."""
        with self.transaction():
            rebuild(self.db)

    def check_head(self) -> None:
        """Raise `JournalError` unless the newest entry is whole and is the one that was last acknowledged."""
        with self._snapshot():
            rows = self.db.execute(f"SELECT seq, {_COLUMNS} FROM entries ORDER BY seq DESC LIMIT 1").fetchall()
            head = self._acknowledged()
        if not rows or head.get("head_seq") != str(rows[0][0]) or head.get("head_hash") != rows[0][4].hex():
            raise JournalError(
                "the journal's end is missing",
                measured=f"last entry {rows[0][0] if rows else None}",
                limit=f"entry {head.get('head_seq')}",
                next_step="run ketch verify, then restore a backup",
            )
        _whole_entry(rows[0])

    def close(self) -> None:
        """Close. The last writer leaves one whole file, which reads without a write-ahead log, and its seal."""
        mode = ""
        try:
            if self._writable:
                with suppress(sqlite3.OperationalError):  # a reader is still here: the log stays beside the file
                    self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                    mode = self.db.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
        except sqlite3.Error as fault:
            raise journal_fault(self.path, fault) from fault
        finally:
            self.db.close()
        if mode == "delete":
            with suppress(OSError):  # a disk that is full now: a journal without a seal is as true
                write_seal(self.path)

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _snapshot(self) -> Generator[None]:
        """Read as of one moment: what another process appends meanwhile is in none of the reads inside."""
        if self.db.in_transaction:
            yield
            return
        self.db.execute("BEGIN")
        try:
            yield
        finally:
            self.db.execute("ROLLBACK")

    def _acknowledged(self) -> dict[str, str]:
        return dict(self.db.execute("SELECT name, value FROM meta"))

    def _last(self) -> tuple[int, bytes] | None:
        with damage_named(self.path):
            row = self.db.execute("SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
            return None if row is None else (int(row[0]), bytes(row[1]))


def _whole_entry(row: tuple[int, bytes, bytes, bytes, bytes]) -> Entry:
    """Make an entry of a row; raises `JournalError` when it is not what its hash says."""
    seq, kind, body, prev, digest = row
    name = kind.decode("utf-8", "replace") if kind else ""
    if not (body and prev and digest) or entry_hash(prev, seq, name, body) != digest:
        raise JournalError(
            "an entry of the journal was changed",
            measured=f"entry {seq}",
            next_step="run ketch verify, then restore a backup",
        )
    return Entry(seq=seq, kind=name, body=loads(body), hash="0x" + digest.hex())
