"""A memory of a history that was made up from a seed, and one of a journal's entries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.journal.journal import Entry
from engine.memory.memory import Memory, open_memory
from server.bench_history import history

BATCH = 500


@contextmanager
def memory_of(folder: Path, entries: Sequence[Entry], *, batch: int = BATCH, **terms: Any) -> Iterator[Memory]:
    """Open a memory and give it what it has not read of these entries."""
    folder.mkdir(exist_ok=True)
    memory = open_memory(folder, **terms)
    try:
        fresh = [entry for entry in entries if entry.seq > memory.cursor().seq]
        for first in range(0, len(fresh), batch):
            memory.take(fresh[first : first + batch])
        yield memory
    finally:
        memory.close()


def entries_of(patterns: int, seed: int = 7) -> list[Entry]:
    return list(history(patterns, seed))


def note(seq: int, tool: str, *, by: str = "mcp-1", time_s: int = 1_795_000_000, **asked: Any) -> Entry:
    """An agent's note as the engine writes it."""
    given = {"evidence": [], "confidence": "50", "expires_in_days": None} | asked
    block = {"chain": "42161", "number": "1000", "hash": "0x0", "timestamp_s": str(time_s)}
    body = {"principal": by, "store": "memory", "tool": tool, "asked": given, "block": block}
    return Entry(seq=seq, kind="note", body=body, hash=f"0x{seq:064x}")
