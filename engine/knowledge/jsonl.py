"""The reference memory server's file: a JSON object a line, entities first, then relations."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import ValidationError

from engine.knowledge.params import MOST_ITEMS, EntityText, RelationText

PART_BYTES: Final = 200_000
PART_BRACKETS: Final = 1_500
"""Of one call: below what the control socket and one note take."""

Row = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Lines:
    """What a file holds, and the lines that could not be read: (number, why)."""

    entities: list[Row] = field(default_factory=list[Row])
    relations: list[Row] = field(default_factory=list[Row])
    faults: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])


def read(text: str) -> Lines:
    """Read a file's text; a torn or foreign line is a fault and stops nothing."""
    found = Lines()
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            item = json.loads(line)
            match item:
                case {"type": "entity"}:
                    named = {name: item[name] for name in ("name", "entityType", "observations")}
                    found.entities.append(EntityText.model_validate_json(json.dumps(named)).model_dump(mode="json"))
                case {"type": "relation"}:
                    named = {name: item[name] for name in ("from", "to", "relationType")}
                    relation = RelationText.model_validate_json(json.dumps(named))
                    found.relations.append(relation.model_dump(mode="json", by_alias=True))
                case _:
                    found.faults.append((number, "neither an entity nor a relation"))
        except ValidationError as fault:
            first = fault.errors(include_url=False, include_input=False)[0]
            found.faults.append((number, f"{'.'.join(map(str, first['loc']))}: {first['msg']}"))
        except KeyError as absent:
            found.faults.append((number, f"{absent} is missing"))
        except (ValueError, RecursionError):
            found.faults.append((number, "not a JSON object"))
    return found


def write(entities: Iterable[Mapping[str, Any]], relations: Iterable[Mapping[str, Any]]) -> str:
    """Write a file's text as the reference server does."""
    rows = [{"type": "entity", **_only(row, "name", "entityType", "observations")} for row in entities]
    rows += [{"type": "relation", **_only(row, "from", "to", "relationType")} for row in relations]
    return "\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)


def parts(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Cut rows into calls that fit."""
    part: list[Row] = []
    size = brackets = 0
    for row in rows:
        text = json.dumps(row)
        bytes_, opened = len(text) + 2, text.count("[") + text.count("{")
        full = len(part) >= MOST_ITEMS or size + bytes_ > PART_BYTES or brackets + opened > PART_BRACKETS
        if part and full:
            yield part
            part, size, brackets = [], 0, 0
        part.append(row)
        size, brackets = size + bytes_, brackets + opened
    if part:
        yield part


def _only(row: Mapping[str, Any], *names: str) -> Row:
    return {name: row[name] for name in names}
