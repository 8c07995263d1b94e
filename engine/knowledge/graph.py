"""The knowledge graph as a store of the archive."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from engine.domain.errors import ControlError
from engine.journal.journal import Entry
from engine.journal.stores import Answer, Cursor
from engine.knowledge.growing import block_of, grow
from engine.knowledge.tables import RESULTS_KEPT, cursor_of, note, noted, opened
from engine.knowledge.writing import Origin, write

NEWEST_BLOCK: Final = "newest block"


class Graph:
    """Entities, observations and relations of both scopes, in one SQLite file."""

    def __init__(self, folder: Path) -> None:
        self.db = opened(folder)
        self._cursor = cursor_of(self.db)

    def cursor(self) -> Cursor:
        """Say how far the graph has read the journal."""
        return self._cursor

    def newest_block(self) -> int:
        """Return the newest block that an entry tells of; 0 before any does."""
        return int(noted(self.db, NEWEST_BLOCK) or 0)

    def take(self, entries: Sequence[Entry]) -> None:
        """Apply entries and move the cursor in one transaction."""
        last = entries[-1]
        self.db.execute("BEGIN IMMEDIATE")
        try:
            for entry in entries:
                if entry.kind == "note" and entry.body["store"] == "knowledge":
                    self._note(entry)
                grow(self.db, entry)
            note(self.db, "seq", str(last.seq))
            note(self.db, "hash", last.hash)
            newest = max(self.newest_block(), *(block_of(entry.body) for entry in entries))
            note(self.db, NEWEST_BLOCK, str(newest))
            self.db.execute("DELETE FROM results WHERE seq <= ?", (last.seq - RESULTS_KEPT,))
            self.db.execute("COMMIT")
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self._cursor = Cursor(last.seq, last.hash)

    def _note(self, entry: Entry) -> None:
        """Apply what an agent wrote, and keep what came of it for whoever asks next."""
        body = entry.body
        origin = Origin(author=body["principal"], seq=entry.seq, block=int(body["block"]["number"]))
        self.db.execute("SAVEPOINT note")
        try:
            row = (entry.seq, json.dumps(write(self.db, body["tool"], body["asked"], origin)), None)
        except ControlError as refused:
            self.db.execute("ROLLBACK TO note")
            row = (entry.seq, None, refused.what)
        self.db.execute("RELEASE note")
        self.db.execute("INSERT OR REPLACE INTO results VALUES (?, ?, ?)", row)

    def result(self, seq: int) -> Answer:
        """Say what came of a recent note; raises `ControlError` with its refusal, or when it is long ago."""
        row = self.db.execute("SELECT body, refused FROM results WHERE seq = ?", (seq,)).fetchone()
        if row is None:
            raise ControlError("what came of that note is no longer kept", measured=seq, code="not_found")
        if row[1] is not None:
            raise ControlError(row[1], next_step="see search_nodes for what there is", code="not_found")
        return json.loads(row[0])

    def counts(self) -> dict[str, int]:
        """Count entities and relations of both scopes."""
        tables = ("entities", "relations")
        return {table: self.db.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] for table in tables}

    def close(self) -> None:
        """Close."""
        self.db.close()
