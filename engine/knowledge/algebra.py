"""Paths and centrality, by networkx over a view that is built for one question and then forgotten."""

from __future__ import annotations

from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any, Final

from engine.domain.errors import ControlError
from engine.journal.stores import Answer
from engine.knowledge.graph import Graph
from engine.knowledge.params import Paths, Rank
from engine.knowledge.reading import SCOPES

if TYPE_CHECKING:
    import networkx as nx

MOST_NODES: Final = 2_000
"""Of a view: what is farther away than these many entities is not looked at."""
MOST_DEGREE: Final = 400
"""Relations of one entity that a view follows, the most often seen first."""


def view(graph: Graph, name: str, *, scope: str, hops: int, most_nodes: int = MOST_NODES) -> nx.DiGraph[str]:
    """Build the part of the graph within so many relations of an entity, whichever way they point."""
    import networkx as nx

    made: nx.DiGraph[str] = nx.DiGraph()
    made.add_node(name)
    edge = {name}
    for _ in range(hops):
        found: set[str] = set()
        for node in sorted(edge):
            for end in ("source", "target"):
                query = (
                    f"SELECT source, target, type, times, gain FROM relations WHERE {end} = ? AND {scope}"
                    " ORDER BY times DESC, id LIMIT ?"
                )
                for source, target, kind, times, gain in graph.db.execute(query, (node, MOST_DEGREE)):
                    other = target if end == "source" else source
                    if other not in made:
                        if len(made) >= most_nodes:
                            continue
                        found.add(other)
                    made.add_edge(source, target, type=kind, times=times, gain=gain)
        edge = found
    return made


def paths(graph: Graph, asked: Paths) -> Answer:
    """Find the shortest ways from one entity to another, whichever way the relations point."""
    import networkx as nx

    for name in (asked.source, asked.to):
        known = f"SELECT 1 FROM entities WHERE name = ? AND {SCOPES[asked.scope]}"
        if graph.db.execute(known, (name,)).fetchone() is None:
            raise ControlError("there is no such entity", measured=name, next_step="see search_nodes", code="not_found")
    near = view(graph, asked.source, scope=SCOPES[asked.scope], hops=asked.hops)
    both = near.to_undirected(as_view=True)
    found: list[list[str]] = []
    if asked.to in both and asked.to != asked.source:
        ways = nx.shortest_simple_paths(both, asked.source, asked.to)
        found = [way for way in islice(ways, asked.limit) if len(way) <= asked.hops + 1]
    return {
        "paths": [[_step(near, one, two) for one, two in pairwise(way)] for way in found],
        "untrusted_fields": ["paths"],
        "looked_at": len(near),
    }


def _step(near: nx.DiGraph[str], one: str, two: str) -> dict[str, Any]:
    source, target = (one, two) if near.has_edge(one, two) else (two, one)
    return {"from": source, "to": target, "relationType": near.edges[source, target]["type"]}


def central(graph: Graph, asked: Rank) -> list[dict[str, Any]]:
    """Rank what lies within two relations of an entity by the share of shortest ways that lead through it."""
    import networkx as nx

    if asked.around is None:
        raise ControlError(
            "central is of what is around an entity", next_step="name it in around", code="invalid_params"
        )
    near = view(graph, asked.around, scope=SCOPES["all"], hops=2, most_nodes=300)
    ranked: dict[str, float] = nx.betweenness_centrality(near.to_undirected(as_view=True))
    top = sorted((-share, name) for name, share in ranked.items())[: asked.limit]
    return [{"name": name, "share_ppm": round(-share * 1_000_000)} for share, name in top]
