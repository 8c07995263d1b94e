"""What the graph answers about entities and relations, a page at a time, in the order in which they were made."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, Final

from engine.journal.stores import Answer
from engine.knowledge.graph import Graph
from engine.knowledge.params import Changes, Neighbours, Open, Read, Scope, Search
from engine.knowledge.writing import observations_of

SCOPES: Final[dict[Scope, str]] = {"agents": "market = 0", "market": "market = 1", "all": "market IN (0, 1)"}
MOST_RELATIONS: Final = 500
"""Of one answer to search_nodes or open_nodes; an entity with more is read by its neighbours, page by page."""
_NAMED: Final = {
    "entity": ("name", "entityType"),
    "relation": ("from", "relationType", "to"),
    "observation": ("name", "observation"),
}
"""What a row of the answer to graph_changes is of -> what its columns are called."""
UNTRUSTED: Final = ["entities", "relations"]


def read_graph(graph: Graph, asked: Read) -> Answer:
    """List a scope: entities first, then relations."""
    db, left = graph.db, asked.limit
    kind, after = (asked.cursor or "e0")[0], int((asked.cursor or "e0")[1:])
    entities: list[tuple[Any, ...]] = []
    if kind == "e":
        query = f"SELECT id, name, type FROM entities WHERE id > ? AND {SCOPES[asked.scope]} ORDER BY id LIMIT ?"
        entities = db.execute(query, (after, left)).fetchall()
        left -= len(entities)
        if left == 0:
            return _graph(db, entities, [], f"e{entities[-1][0]}")
    after = after if kind == "r" else 0
    query = f"SELECT id, source, target, type FROM relations WHERE id > ? AND {SCOPES[asked.scope]} ORDER BY id LIMIT ?"
    relations = db.execute(query, (after, left + 1)).fetchall()
    more = f"r{relations[left - 1][0]}" if len(relations) > left else None
    return _graph(db, entities, relations[:left], more)


def search_nodes(graph: Graph, asked: Search) -> Answer:
    """Find entities by a part of their name, type or observations, whatever its case, and their relations."""
    db, wanted = graph.db, asked.query.lower()
    after = int((asked.cursor or "e0")[1:])
    found: list[tuple[Any, ...]] = []
    for row in _candidates(db, asked.query, SCOPES[asked.scope], after):
        if wanted in row[1].lower() or wanted in row[2].lower() or _says(db, row[0], wanted):
            found.append(row)
            if len(found) > asked.limit:
                break
    return _with_relations(db, found, asked)


def open_nodes(graph: Graph, asked: Open) -> Answer:
    """Show entities by name with their relations, and where each comes from."""
    db, after = graph.db, int((asked.cursor or "e0")[1:])
    found: list[tuple[Any, ...]] = []
    absent: list[str] = []
    columns = "id, name, type, author, seq, changed, block"
    for name in dict.fromkeys(asked.names):
        query = f"SELECT {columns} FROM entities WHERE name = ? AND {SCOPES[asked.scope]}"
        rows = db.execute(query, (name,)).fetchall()
        found += rows
        if not rows:
            absent.append(name)
    found = sorted(row for row in found if row[0] > after)
    shown = _with_relations(db, [row[:3] for row in found[: asked.limit + 1]], asked)
    shown["not_found"] = absent
    shown["provenance"] = [
        {"name": name, "author": author, "entry": seq, "last_entry": changed, "block": block}
        for _, name, _, author, seq, changed, block in found[: asked.limit]
    ]
    return shown


def neighbours(graph: Graph, asked: Neighbours) -> Answer:
    """List what an entity is related to, with how often that was seen and what it brought."""
    db, after = graph.db, int((asked.cursor or "r0")[1:])
    columns, scope = "id, source, target, type, times, gain_wei, seq, changed, block", SCOPES[asked.scope]
    one = f"SELECT * FROM (SELECT {columns} FROM relations WHERE {{}} = ? AND id > ? AND {scope} ORDER BY id LIMIT ?)"
    bound = (asked.name, after, asked.limit + 1)
    query = f"{one.format('source')} UNION {one.format('target')} ORDER BY id LIMIT ?"
    rows = db.execute(query, (*bound, *bound, asked.limit + 1)).fetchall()
    shown = rows[: asked.limit]
    return {
        "name": asked.name,
        "relations": [
            {
                "from": source,
                "to": target,
                "relationType": kind,
                "times": times,
                "gain_wei": gain_wei,
                "first_entry": seq,
                "last_entry": changed,
                "block": block,
            }
            for _, source, target, kind, times, gain_wei, seq, changed, block in shown
        ],
        "untrusted_fields": ["name", "relations"],
        "next_cursor": f"r{shown[-1][0]}" if len(rows) > asked.limit else None,
    }


def changes(graph: Graph, asked: Changes) -> Answer:
    """List what is new, changed or gone after a block or an entry, the oldest change first.

    What is gone stands beside what it left changed, an observation beside its entity.
    """
    db, scope = graph.db, SCOPES[asked.scope]
    after_block = -1 if asked.after_block is None else asked.after_block
    rows: list[tuple[Any, ...]] = []
    for table, at, columns in (
        ("entities", "changed", "CASE changed WHEN seq THEN 'new' ELSE 'changed' END, 'entity', name, type, ''"),
        (
            "relations",
            "changed",
            "CASE changed WHEN seq THEN 'new' ELSE 'changed' END, 'relation', source, type, target",
        ),
        ("gone", "seq", "CASE market WHEN 0 THEN 'deleted' ELSE 'taken back' END, what, one, two, three"),
    ):
        query = (
            f"SELECT {at}, block, {columns} FROM {table} WHERE {at} > ? AND block > ? AND {scope} ORDER BY {at} LIMIT ?"
        )
        rows += db.execute(query, (asked.after_seq, after_block, asked.limit + 1)).fetchall()
    rows.sort(key=lambda row: row[0])
    shown = rows[: asked.limit]
    if len(rows) > asked.limit:  # what one entry changed stays together, unless that is all there is
        whole = [row for row in shown if row[0] < rows[asked.limit][0]]
        shown = whole or shown
    answer: Answer = {
        "changes": [
            {"entry": entry, "block": block, "how": how, "what": what} | dict(zip(_NAMED[what], named, strict=False))
            for entry, block, how, what, *named in shown
        ],
        "untrusted_fields": ["changes"],
        "read_to": graph.cursor().seq,
        "newest_block": graph.newest_block(),
        "next_after_seq": shown[-1][0] if len(rows) > len(shown) else None,
    }
    if len(rows) > len(shown) and rows[len(shown)][0] == shown[-1][0]:
        answer["left_out"] = f"entry {shown[-1][0]} changed more than {asked.limit}: ask with a larger limit"
    return answer


def _candidates(db: sqlite3.Connection, query: str, scope: str, after: int) -> Iterable[tuple[Any, ...]]:
    """List entities that may match: from the index of trigrams, or all of them for a query that has none."""
    if len(query) < 3 or not query.isprintable():
        return db.execute(f"SELECT id, name, type FROM entities WHERE id > ? AND {scope} ORDER BY id", (after,))
    phrase = '"' + query.replace('"', '""') + '"'
    return db.execute(
        "SELECT e.id, e.name, e.type FROM words w CROSS JOIN entities e ON e.id = w.rowid"
        f" WHERE w.content MATCH ? AND w.rowid > ? AND {scope} ORDER BY w.rowid",
        (phrase, after),
    )


def _says(db: sqlite3.Connection, entity: int, wanted: str) -> bool:
    return any(wanted in text.lower() for text in observations_of(db, entity))


def _with_relations(db: sqlite3.Connection, found: Sequence[tuple[Any, ...]], asked: Read) -> Answer:
    shown = found[: asked.limit]
    more = f"e{shown[-1][0]}" if len(found) > asked.limit else None
    rows: dict[int, tuple[Any, ...]] = {}
    for end in ("source", "target"):
        scope = f"{end} = ? AND {SCOPES[asked.scope]}"
        query = f"SELECT id, source, target, type FROM relations WHERE {scope} ORDER BY id LIMIT ?"
        for _, name, _ in shown:
            if len(rows) <= MOST_RELATIONS:
                rows |= {row[0]: row for row in db.execute(query, (name, MOST_RELATIONS + 1))}
    relations = [rows[number] for number in sorted(rows)]
    answer = _graph(db, shown, relations[:MOST_RELATIONS], more)
    if len(relations) > MOST_RELATIONS:
        answer["relations_left_out"] = "ask graph_neighbours for the rest"
    return answer


def _graph(
    db: sqlite3.Connection,
    entities: Sequence[tuple[Any, ...]],
    relations: Sequence[tuple[Any, ...]],
    next_cursor: str | None,
) -> Answer:
    return {
        "entities": [
            {"name": name, "entityType": kind, "observations": observations_of(db, number)}
            for number, name, kind in entities
        ],
        "relations": [{"from": source, "to": target, "relationType": kind} for _, source, target, kind in relations],
        "untrusted_fields": UNTRUSTED,
        "next_cursor": next_cursor,
    }
