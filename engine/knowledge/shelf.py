"""The graph as a row of the archive's table."""

from types import MappingProxyType
from typing import Any, Final

from engine.journal.stores import Answer, Question, Shelf
from engine.knowledge import params


def _lazily(module: str, function: str) -> Any:
    """Answer by a function that is imported when it is first asked: the engine reads this table too."""

    def answer(graph: Any, asked: Any) -> Answer:
        from importlib import import_module

        return getattr(import_module(f"engine.knowledge.{module}"), function)(graph, asked)

    return answer


def _open(folder: Any, _terms: Any) -> Any:
    from engine.knowledge.graph import Graph

    return Graph(folder)


KNOWLEDGE: Final = Shelf(
    open=_open,
    questions=MappingProxyType(
        {
            "read_graph": Question(params=params.Read, answer=_lazily("reading", "read_graph")),
            "search_nodes": Question(params=params.Search, answer=_lazily("reading", "search_nodes")),
            "open_nodes": Question(params=params.Open, answer=_lazily("reading", "open_nodes")),
            "graph_neighbours": Question(params=params.Neighbours, answer=_lazily("reading", "neighbours")),
            "graph_changes": Question(params=params.Changes, answer=_lazily("reading", "changes")),
            "graph_rank": Question(params=params.Rank, answer=_lazily("ranking", "rank")),
            "graph_paths": Question(params=params.Paths, answer=_lazily("algebra", "paths")),
            "graph_picture": Question(params=params.Picture, answer=_lazily("picture", "picture")),
        }
    ),
)
