"""The memory as a store of the archive: patterns, insights and market conditions, made from the journal alone.

One write of the shelf holds what a batch changed and the cursor with it, so a crash leaves the batch whole or not at
all. Everything can be made again from the journal; a change of the embedding does just that.
"""

import gc
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from engine.config import EmbeddingName
from engine.domain.errors import ControlError
from engine.journal.journal import Entry
from engine.journal.stores import BEGINNING, Answer, Cursor
from engine.memory.columns import Columns
from engine.memory.consolidation import members_of, mergeable, summaries
from engine.memory.embedding import Embedding, embedding_named
from engine.memory.insights import STORE, Insight, Insights, insight_json, insight_of
from engine.memory.joining import Joining
from engine.memory.market import Conditions, conditions, conditions_json, conditions_of
from engine.memory.pattern import Names, Pattern, of_json, sentence, to_json
from engine.memory.shelf import ChromaShelf, Record

FORMAT: Final = 2
"""Of what is on the shelf; another is thrown away and made anew."""
WINDOW_BLOCKS: Final = 50_000
SHORT: Final = 500
MOST_UNWRITTEN: Final = 2_000
"""A batch below `SHORT` has reached the journal's end and is written at once; others are gathered up to so many
patterns. What a crash takes of those is in the journal, and the shelf's cursor stands before it."""
KEEP_WINDOWS: Final = 4
"""Windows of blocks that stay whole behind the newest."""


class Memory:
    """A store: `take` projects entries, everything else reads. Made and used in one thread."""

    def __init__(
        self,
        shelf: ChromaShelf,
        embedding: Embedding,
        *,
        window_blocks: int = WINDOW_BLOCKS,
        keep_windows: int = KEEP_WINDOWS,
    ) -> None:
        self._shelf = shelf
        self._embedding = embedding
        self._window_blocks = window_blocks
        self._keep_windows = keep_windows
        self._unwritten: dict[str, Pattern] = {}
        self._buckets: list[Conditions] = []
        self._stale: list[str] = []
        """Merged into summaries, and still in the columns."""
        self._dropped: list[str] = []
        """Merged into summaries, and still on the shelf."""
        state, records = shelf.load()
        if state is None or (state["format"], state["embedding"]) != (FORMAT, embedding.name):
            if records:
                shelf.clear()
            state, records = None, []
        self._cursor = Cursor(state["seq"], state["hash"]) if state else BEGINNING
        self._written = self._cursor.seq
        """The cursor on the shelf: what began after it is not there."""
        self._merged_through: int = state["merged_through"] if state else -1
        names = Names(**state["names"]) if state else Names()
        patterns = [of_json(body) for kind, body in records if kind == "pattern"]
        gone = set(state["dropped"]) if state else set[str]()
        gone |= {pattern.id for pattern in patterns if pattern.seq > self._cursor.seq}  # of a batch that was cut short
        patterns = self._sorted(pattern for pattern in patterns if pattern.id not in gone)
        self.joining = Joining(patterns, names)
        self.insights = Insights(insight_of(body) for kind, body in records if kind == "insight")
        self._kept = {c.first: c for kind, body in records if kind == "bucket" for c in (conditions_of(body),)}
        self.time_s: int = state["time_s"] if state else 0
        self.columns = Columns(embedding, names)
        self.columns.put(patterns)
        if gone:
            shelf.delete(sorted(gone))

    @property
    def embedding_name(self) -> str:
        return self._embedding.name

    @property
    def names(self) -> Names:
        return self.joining.names

    def cursor(self) -> Cursor:
        """Say how far it has read."""
        return self._cursor

    def take(self, entries: Sequence[Entry]) -> None:
        """Apply entries in order. What they changed goes onto the shelf with the cursor, in one write."""
        for entry in entries:
            if entry.kind == "note":
                if entry.body["store"] == STORE:
                    self.insights.take(entry.seq, entry.body)
                    self.time_s = max(self.time_s, int(entry.body["block"]["timestamp_s"]))
                continue
            self.joining.take(entry)
            self._merge_old()
        if entries:
            self._cursor = Cursor(entries[-1].seq, entries[-1].hash)
            self._index()
            if len(entries) < SHORT or len(self._unwritten) >= MOST_UNWRITTEN:
                self._write()

    def result(self, seq: int) -> Answer:
        """Say what came of a recent note; raises the `ControlError` that it was refused with."""
        if (refused := self.insights.refused.get(seq)) is not None:
            raise refused
        found = self.insights.known.get(f"insight-{seq}")
        if found is None:
            raise ControlError(
                "what came of that note is not known here",
                measured=f"entry {seq}",
                next_step="look with recall_patterns",
                code="not_found",
            )
        return {"id": found.id, "corrects": found.corrects, "expires_s": found.expires_s, "journal_seq": seq}

    def pattern(self, record: str) -> Pattern:
        """Find a pattern by the id of any of its records or its transaction; raises `ControlError`."""
        found = self.joining.of(record.lower())
        if found is None:
            raise ControlError(
                "there is no such opportunity or trade here",
                measured=record,
                next_step="ids are those of list_opportunities and list_trades; old ones are merged into summaries",
                code="not_found",
            )
        return found

    def at(self, row: int) -> Pattern:
        """Return the pattern of a row."""
        return self.joining.patterns[self.columns.ids[row]]

    def market(self) -> list[Conditions]:
        """List the conditions by bucket, the oldest first: what was kept of merged windows, the rest from patterns."""
        fresh = {one.first: one for one in conditions(self.joining.patterns.values()) if one.first not in self._kept}
        return [(self._kept | fresh)[first] for first in sorted({*self._kept, *fresh})]

    def counts(self) -> dict[str, int]:
        """Count patterns and insights, corrected ones too."""
        return {"patterns": len(self.columns), "insights": len(self.insights.known)}

    def close(self) -> None:
        """Write what is gathered and close the shelf."""
        if self._unwritten or self._dropped or self.insights.changed:
            self._write()
        self._shelf.close()

    def _merge_old(self) -> None:
        """Merge the windows that have passed, at the entry that shows it: the same journal gives the same summaries."""
        through = self.joining.block // self._window_blocks - self._keep_windows - 1
        while self._merged_through < through:
            self._merged_through += 1
            window = self._merged_through
            held = [p for p in self.joining.patterns.values() if p.block // self._window_blocks == window]
            fresh = {one.first: one for one in conditions(held) if one.first not in self._kept}
            self._kept |= fresh
            self._buckets += fresh.values()
            ended = [p for p in held if mergeable(p, window, self._window_blocks)]
            merged = summaries(ended, window)
            for member in members_of(ended, merged):
                self.joining.drop(member)
                self._stale.append(member.id)
            for pattern in merged:
                self.joining.put(pattern)

    def _index(self) -> None:
        """Put what changed into the columns, so that it can be asked for."""
        patterns = self._sorted(self.joining.patterns[id_] for id_ in self.joining.changed)
        self._unwritten |= {pattern.id: pattern for pattern in patterns}
        self.time_s = max([self.time_s, *(pattern.time_s for pattern in patterns)])
        if self._stale:
            for id_ in self._stale:
                self._unwritten.pop(id_, None)
            self._dropped += self._stale
            self._stale = []
            self.columns = Columns(self._embedding, self.names)
            patterns = self._sorted(self.joining.patterns.values())
        self.columns.put(patterns)
        self.joining.changed.clear()

    def _write(self) -> None:
        patterns = list(self._unwritten.values())
        insights = [self.insights.known[id_] for id_ in sorted(self.insights.changed)]
        texts = [one.text for one in insights] + [f"block {one.first}" for one in self._buckets]
        records = [_pattern_record(pattern, self.names, fresh=pattern.seq > self._written) for pattern in patterns]
        records += [_insight_record(one) for one in insights] + [_bucket_record(one) for one in self._buckets]
        vectors = np.concatenate([self.columns.vectors_of([p.id for p in patterns]), self._embedding.vectors(texts)])
        self._shelf.write(records, vectors, self._state(), self._dropped)
        self._unwritten, self._buckets, self._dropped = {}, [], []
        self._written = self._cursor.seq
        self.insights.changed.clear()

    @staticmethod
    def _sorted(patterns: Iterable[Pattern]) -> list[Pattern]:
        return sorted(patterns, key=lambda pattern: (pattern.seq, pattern.id))

    def _state(self) -> dict[str, Any]:
        names = self.names
        return {
            "format": FORMAT,
            "embedding": self._embedding.name,
            "seq": self._cursor.seq,
            "hash": self._cursor.hash,
            "time_s": self.time_s,
            "merged_through": self._merged_through,
            "dropped": self._dropped,
            "names": {"native": names.native, "symbols": names.symbols, "decimals": names.decimals},
        }


def open_memory(folder: Path, embedding: EmbeddingName = "wordllama", **windows: int) -> Memory:
    """Open the memory of a folder, or begin one there."""
    collecting = gc.isenabled()
    gc.disable()  # what is read stays, and to look through it again and again is a third of the time
    try:
        return Memory(ChromaShelf(folder), embedding_named(embedding), **windows)
    finally:
        if collecting:
            gc.enable()


def _pattern_record(pattern: Pattern, names: Names, *, fresh: bool) -> Record:
    facts: dict[str, str | int | float] = {"block": pattern.block, "status": pattern.status}
    if pattern.reason:
        facts["reason"] = pattern.reason
    text, body = sentence(pattern, names), to_json(pattern)
    return Record(id=pattern.id, kind="pattern", text=text, body=body, facts=facts, fresh=fresh)


def _insight_record(insight: Insight) -> Record:
    facts: dict[str, str | int | float] = {"author": insight.author, "confidence": insight.confidence}
    return Record(id=insight.id, kind="insight", text=insight.text, body=insight_json(insight), facts=facts)


def _bucket_record(one: Conditions) -> Record:
    facts: dict[str, str | int | float] = {"block": one.first}
    return Record(
        id=f"bucket-{one.first}", kind="bucket", text=f"block {one.first}", body=conditions_json(one), facts=facts
    )
