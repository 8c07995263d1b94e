"""`ketch bench memory`: recall over many patterns, filtered or not, beside Chroma's own, and how fast they go in."""

import random
import statistics
import time
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any, Final

from server.bench_history import SYMBOLS, VENUES, history

STORE: Final = "memory"
BATCH: Final = 500
"""Entries at once, as the archive hands them on."""
WARM_UP: Final = 10
CHROMA_CALLS: Final = 40
"""Chroma's own query with a filter takes a good part of a second each."""
QUESTIONS: Final = (
    "why did triangular WETH cycles over sushi fail",
    "what paid with flash loans on uniswap v3",
    "large bitcoin trades that were refused for gas",
    "which stablecoin cycles did rivals take from us",
    "thin two hop trades whose price moved",
)


def measure(folder: Path, patterns: int, calls: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Fill a memory in a new folder, ask it, and ask its collection the same through Chroma."""
    import psutil

    from engine.memory.memory import open_memory

    folder = folder / STORE
    folder.mkdir(parents=True, exist_ok=True)
    memory = open_memory(folder)
    ingest_s, ingest_cpu_s, entries = _filled(memory, patterns)
    say(f"{patterns} patterns in {ingest_s:.1f} s")
    figures: dict[str, Any] = {
        "patterns": len(memory.columns),
        "entries": entries,
        "ingest_patterns_per_s": round(len(memory.columns) / ingest_s),
        "ingest_patterns_per_cpu_s": round(len(memory.columns) / ingest_cpu_s),
        "recall": _recall_figures(memory, calls),
        "similar": _similar_figures(memory, calls),
        "chroma_own_query": _chroma_figures(memory, folder),
        "process_mb": round(psutil.Process().memory_info().rss / 1e6),
    }
    memory.close()
    began = time.perf_counter()
    open_memory(folder).close()
    return figures | {"open_s": round(time.perf_counter() - began, 2)}


def _filled(memory: Any, patterns: int) -> tuple[float, float, int]:
    """Take a history batch by batch; only what the memory does with it is timed."""
    took = worked = 0.0
    count = 0
    entries = history(patterns)
    while batch := list(islice(entries, BATCH)):
        began, began_cpu = time.perf_counter(), time.process_time()
        memory.take(batch)
        took += time.perf_counter() - began
        worked += time.process_time() - began_cpu
        count += len(batch)
    return took, worked, count


def _recall_figures(memory: Any, calls: int) -> dict[str, Any]:
    from engine.memory.recall import Filters, recall

    dice = random.Random(1)
    filters: dict[str, Callable[[], Any]] = {
        "none": Filters,
        "venue": lambda: Filters(venue=dice.choice(VENUES)),
        "status and token": lambda: Filters(status="filled", token=dice.choice(SYMBOLS)),
        "venue, reason and blocks": lambda: Filters(venue=dice.choice(VENUES), reason="below floor", from_block=2_000),
    }
    return {
        name: _timed(lambda given=given: recall(memory, dice.choice(QUESTIONS), given()), calls)
        for name, given in filters.items()
    }


def _similar_figures(memory: Any, calls: int) -> dict[str, float]:
    from engine.memory.recall import similar_to

    dice = random.Random(2)
    return _timed(lambda: similar_to(memory, dice.choice(memory.columns.ids)), calls)


def _chroma_figures(memory: Any, folder: Path) -> dict[str, Any]:
    """Ask the same collection through Chroma, with and without a filter."""
    import chromadb
    from chromadb.config import Settings

    from engine.memory.shelf import COLLECTION

    client = chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False))
    collection: Any = client.get_collection(COLLECTION, embedding_function=None)
    dice = random.Random(3)

    def asked(where: dict[str, Any] | None) -> None:
        vector = memory.columns.vector(dice.choice(QUESTIONS))
        collection.query(query_embeddings=vector, n_results=5, where=where, include=["metadatas"])

    found = {
        "none": _timed(lambda: asked(None), CHROMA_CALLS),
        "status": _timed(lambda: asked({"status": dice.choice(("filled", "refused"))}), CHROMA_CALLS),
    }
    client.close()
    return found


def _timed(call: Callable[[], object], calls: int) -> dict[str, float]:
    """Time calls by the clock on the wall, and by the processor's time, which what else runs here changes less."""
    took: list[float] = []
    worked: list[float] = []
    for number in range(WARM_UP + calls):
        began, began_cpu = time.perf_counter(), time.process_time()
        call()
        if number >= WARM_UP:
            took.append((time.perf_counter() - began) * 1e3)
            worked.append((time.process_time() - began_cpu) * 1e3)
    p99 = {"p99_ms": round(_quantile(took, 0.99), 3), "p99_cpu_ms": round(_quantile(worked, 0.99), 3)}
    return {"p50_ms": round(statistics.median(took), 3)} | p99


def _quantile(values: Iterable[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
