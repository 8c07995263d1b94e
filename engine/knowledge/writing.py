"""What agents write, applied: the reference memory server's six writing tools, in the order of the journal."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from engine.domain.errors import ControlError
from engine.journal.stores import Answer

AGENTS, MARKET = 0, 1
"""Values of the column `market`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where something comes from: who wrote it, in which entry of the journal, at which block."""

    author: str
    seq: int
    block: int


def write(db: sqlite3.Connection, tool: str, asked: Mapping[str, Any], origin: Origin) -> Answer:
    """Apply one note; raises `ControlError` with nothing written for what cannot be done."""
    step = _TOOLS.get(tool)
    if step is None:
        raise ControlError(f"the graph has no tool {tool}", code="not_found")
    return step(db, asked, origin)


def add_entity(db: sqlite3.Connection, market: int, name: str, kind: str, origin: Origin) -> int | None:
    """Make an entity and return its id; None when there is one of that name."""
    row = (name, market, kind, origin.author, origin.seq, origin.seq, origin.block)
    made = db.execute(
        "INSERT INTO entities (name, market, type, author, seq, changed, block) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING RETURNING id",
        row,
    ).fetchone()
    return None if made is None else made[0]


def add_relation(
    db: sqlite3.Connection, market: int, source: str, target: str, kind: str, origin: Origin, gain_wei: int = 0
) -> bool:
    """Make a relation; False when there is one. A gain in wei is kept exactly, and as a float to sort by."""
    row = (source, target, kind, market, origin.author, origin.seq, origin.seq, origin.block, str(gain_wei))
    made = db.execute(
        "INSERT INTO relations (source, target, type, market, author, seq, changed, block, times, gain_wei, gain)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?) ON CONFLICT DO NOTHING RETURNING id",
        (*row, float(gain_wei)),
    ).fetchone()
    return made is not None


def lose(db: sqlite3.Connection, market: int, origin: Origin, what: str, one: str, two: str, three: str = "") -> None:
    """Keep what an entry deleted or took back, for those who ask what changed.

    An entity is its name and type, a relation source, type and target, an observation its entity's name and its text.
    """
    db.execute(
        "INSERT INTO gone VALUES (?, ?, ?, ?, ?, ?, ?)", (origin.seq, origin.block, market, what, one, two, three)
    )


def index(db: sqlite3.Connection, entity: int) -> None:
    """Write an entity's words anew into the index, for the search."""
    db.execute("DELETE FROM words WHERE rowid = ?", (entity,))
    db.execute(
        "INSERT INTO words (rowid, content) SELECT e.id, e.name || char(10) || e.type || char(10) || COALESCE("
        "(SELECT group_concat(content, char(10)) FROM observations WHERE entity = e.id), '')"
        " FROM entities e WHERE e.id = ?",
        (entity,),
    )


def observe(db: sqlite3.Connection, entity: int, contents: Iterable[str]) -> None:
    """Add observations to an entity as they are."""
    db.executemany("INSERT INTO observations (entity, content) VALUES (?, ?)", [(entity, text) for text in contents])


def observations_of(db: sqlite3.Connection, entity: int) -> list[str]:
    """List an entity's observations in the order in which they were made."""
    rows = db.execute("SELECT content FROM observations WHERE entity = ? ORDER BY id", (entity,))
    return [content for (content,) in rows]


def _touch(db: sqlite3.Connection, entity: int, origin: Origin) -> None:
    db.execute("UPDATE entities SET changed = ?, block = ? WHERE id = ?", (origin.seq, origin.block, entity))
    index(db, entity)


def _id_of(db: sqlite3.Connection, name: str) -> int | None:
    row = db.execute("SELECT id FROM entities WHERE name = ? AND market = 0", (name,)).fetchone()
    return None if row is None else row[0]


def _create_entities(db: sqlite3.Connection, asked: Mapping[str, Any], origin: Origin) -> Answer:
    made: list[Any] = []
    skipped: list[str] = []
    for entity in asked["entities"]:
        number = add_entity(db, AGENTS, entity["name"], entity["entityType"], origin)
        if number is None:
            skipped.append(entity["name"])
            continue
        observe(db, number, entity["observations"])
        index(db, number)
        made.append(entity)
    return {"entities": made, "skipped": skipped}


def _create_relations(db: sqlite3.Connection, asked: Mapping[str, Any], origin: Origin) -> Answer:
    made: list[Any] = []
    skipped: list[Any] = []
    for relation in asked["relations"]:
        new = add_relation(db, AGENTS, relation["from"], relation["to"], relation["relationType"], origin)
        (made if new else skipped).append(relation)
    ends = sorted({end for relation in made for end in (relation["from"], relation["to"])})
    known = "SELECT 1 FROM entities WHERE name = ?"
    return {
        "relations": made,
        "skipped": skipped,
        "dangling": [end for end in ends if db.execute(known, (end,)).fetchone() is None],
    }


def _add_observations(db: sqlite3.Connection, asked: Mapping[str, Any], origin: Origin) -> Answer:
    found = [(row, _id_of(db, row["entityName"])) for row in asked["observations"]]
    for row, number in found:
        if number is None:
            raise ControlError(f"Entity with name {row['entityName']} not found", code="not_found")
    results: list[Answer] = []
    for row, number in found:
        assert number is not None
        had = set(observations_of(db, number))
        new = [text for text in dict.fromkeys(row["contents"]) if text not in had]
        observe(db, number, new)
        _touch(db, number, origin)
        results.append({"entityName": row["entityName"], "addedObservations": new})
    return {"results": results}


def _delete_entities(db: sqlite3.Connection, asked: Mapping[str, Any], origin: Origin) -> Answer:
    absent: list[str] = []
    for name in dict.fromkeys(asked["entityNames"]):
        number = _id_of(db, name)
        if number is None:
            absent.append(name)
        else:
            db.execute("DELETE FROM words WHERE rowid = ?", (number,))
            db.execute("DELETE FROM observations WHERE entity = ?", (number,))
            (kind,) = db.execute("DELETE FROM entities WHERE id = ? RETURNING type", (number,)).fetchone()
            lose(db, AGENTS, origin, "entity", name, kind)
        related = db.execute(
            "SELECT source, type, target FROM relations WHERE (source = ? OR target = ?) AND market = 0 ORDER BY id",
            (name, name),
        )
        for relation in related.fetchall():
            _delete_relation(db, relation, origin)
    return _deleted("Entities", absent)


def _delete_observations(db: sqlite3.Connection, asked: Mapping[str, Any], origin: Origin) -> Answer:
    absent: list[str] = []
    for row in asked["deletions"]:
        number = _id_of(db, row["entityName"])
        if number is None:
            absent.append(row["entityName"])
            continue
        for text in row["observations"]:
            gone = "DELETE FROM observations WHERE entity = ? AND content = ?"
            if db.execute(gone, (number, text)).rowcount:
                lose(db, AGENTS, origin, "observation", row["entityName"], text)
        _touch(db, number, origin)
    return _deleted("Observations", absent)


def _delete_relations(db: sqlite3.Connection, asked: Mapping[str, Any], origin: Origin) -> Answer:
    absent: list[Any] = []
    for relation in asked["relations"]:
        row = (relation["from"], relation["relationType"], relation["to"])
        if not _delete_relation(db, row, origin):
            absent.append(relation)
    return _deleted("Relations", absent)


def _delete_relation(db: sqlite3.Connection, relation: tuple[str, str, str], origin: Origin) -> bool:
    """Delete a relation that agents wrote: source, type, target; False when there is none."""
    gone = "DELETE FROM relations WHERE source = ? AND type = ? AND target = ? AND market = 0"
    if db.execute(gone, relation).rowcount == 0:
        return False
    lose(db, AGENTS, origin, "relation", *relation)
    return True


def _deleted(what: str, absent: list[Any]) -> Answer:
    return {"success": True, "message": f"{what} deleted successfully", "not_found": absent}


_TOOLS: Final[Mapping[str, Callable[[sqlite3.Connection, Mapping[str, Any], Origin], Answer]]] = MappingProxyType(
    {
        "create_entities": _create_entities,
        "create_relations": _create_relations,
        "add_observations": _add_observations,
        "delete_entities": _delete_entities,
        "delete_observations": _delete_observations,
        "delete_relations": _delete_relations,
    }
)
