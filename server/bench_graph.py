"""How long the knowledge graph takes to answer at 100,000 entities and 500,000 relations, and its memory."""

import random
import subprocess
import sys
import time
from collections.abc import Callable
from json import loads
from pathlib import Path
from typing import Any

ENTITIES = 100_000
RELATIONS = 500_000
CALLS = 2_000
SEED = 7
TARGETS = {"open_s": 2.0, "neighbours_p99_ms": 1.0, "search_p99_ms": 20.0, "memory_mb": 400.0}

_WORDS = (
    "stale head",
    "pays",
    "thin",
    "reverts",
    "deep",
    "contested",
    "quiet",
    "bridge",
    "stable",
    "volatile",
    "night",
)


def graph_figures(folder: Path, *, entities: int = ENTITIES, relations: int = RELATIONS) -> dict[str, Any]:
    """Build a graph in `folder` and ask it from a process of its own; returns the figures beside their targets."""
    folder = folder / "graph"
    folder.mkdir(parents=True, exist_ok=True)
    began_s = time.perf_counter()
    _build(folder, entities, relations)
    built_s = time.perf_counter() - began_s
    argv = [sys.executable, "-P", "-m", "server.bench_graph", str(folder), str(entities)]
    asked = subprocess.run(argv, capture_output=True, text=True, check=True)
    return {
        "entities": entities,
        "relations": relations,
        "built_s": round(built_s, 1),
        **loads(asked.stdout),
        "targets": TARGETS,
    }


def _build(folder: Path, entities: int, relations: int) -> None:
    from engine.knowledge.graph import Graph
    from engine.knowledge.writing import AGENTS, Origin, add_entity, add_relation, index, observe

    lot = random.Random(SEED)
    graph = Graph(folder)
    origin = Origin(author="bench", seq=1, block=1)
    graph.db.execute("BEGIN IMMEDIATE")
    for number in range(entities):
        made = add_entity(graph.db, AGENTS, _name(number), lot.choice(("pool", "token", "route")), origin)
        assert made is not None
        observe(graph.db, made, [f"{lot.choice(_WORDS)} {lot.choice(_WORDS)} {lot.randrange(10**6)}"])
        index(graph.db, made)
    done = 0
    while done < relations:
        source, target = _name(_near(lot, entities)), _name(lot.randrange(entities))
        done += add_relation(graph.db, AGENTS, source, target, lot.choice(("trades", "passes", "precedes")), origin)
    graph.db.execute("COMMIT")
    graph.close()


def _name(number: int) -> str:
    return f"entity:{number:06d}:{number * 2_654_435_761 % 2**32:08x}"


def _near(lot: random.Random, entities: int) -> int:
    """Pick an entity, some far more often than others, as markets do."""
    return min(int(lot.paretovariate(0.7)) - 1, entities - 1) if lot.random() < 0.2 else lot.randrange(entities)


def _ask(folder: Path, entities: int) -> dict[str, float]:
    import psutil

    began_s = time.perf_counter()
    from engine.knowledge.graph import Graph
    from engine.knowledge.params import Neighbours, Paths, Search
    from engine.knowledge.reading import neighbours, search_nodes

    graph = Graph(folder)
    opened_s = time.perf_counter() - began_s
    lot = random.Random(SEED + 1)
    near = _timed(
        "neighbours", lambda: neighbours(graph, Neighbours(name=_name(_near(lot, entities)), scope="all", limit=50))
    )
    words = [
        *_WORDS,
        *(f"{lot.randrange(10**6)}" for _ in range(20)),
        *(f"{lot.randrange(2**20):05x}" for _ in range(20)),
    ]
    found = _timed("search", lambda: search_nodes(graph, Search(query=lot.choice(words), limit=50)))
    from engine.knowledge.algebra import paths

    ways = _timed(
        "paths",
        lambda: paths(
            graph,
            Paths.model_validate({"from": _name(lot.randrange(entities)), "to": _name(0), "hops": 2}),
        ),
        calls=50,
    )
    return {
        "open_s": round(opened_s, 3),
        **near,
        **found,
        **ways,
        "memory_mb": round(psutil.Process().memory_info().rss / 1e6, 1),
    }


def _timed(what: str, call: Callable[[], object], calls: int = CALLS) -> dict[str, float]:
    """Return the median and the 99th percentile in ms, and the latter of this thread's own processor time."""
    took: list[float] = []
    own: list[float] = []
    for _ in range(calls):
        began_s, own_s = time.perf_counter(), time.thread_time()
        call()
        took.append((time.perf_counter() - began_s) * 1e3)
        own.append((time.thread_time() - own_s) * 1e3)
    took.sort()
    own.sort()
    return {
        f"{what}_p50_ms": round(took[calls // 2], 3),
        f"{what}_p99_ms": round(took[calls * 99 // 100], 3),
        f"{what}_cpu_p99_ms": round(own[calls * 99 // 100], 3),
    }


if __name__ == "__main__":
    import json

    sys.stdout.write(json.dumps(_ask(Path(sys.argv[1]), int(sys.argv[2]))))
