"""A picture of an entity and what is around it: plain SVG, nothing in it that runs, loads or links."""

import math
from typing import Any, Final
from xml.sax.saxutils import escape

from engine.domain.errors import ControlError
from engine.journal.stores import Answer
from engine.knowledge.algebra import view
from engine.knowledge.graph import Graph
from engine.knowledge.params import Picture, readable
from engine.knowledge.reading import SCOPES

SIZE: Final = 720
LABEL_CHARS: Final = 28
COLOURS: Final = {
    "route": "#2f6f4f",
    "token": "#8a5a00",
    "pool": "#2b5f8a",
    "venue": "#6a3d8a",
    "outcome": "#8a2b2b",
}
OTHER: Final = "#555555"


def picture(graph: Graph, asked: Picture) -> Answer:
    """Draw an entity in the middle and what it is related to around it; raises `ControlError` for an unknown one."""
    known = f"SELECT 1 FROM entities WHERE name = ? AND {SCOPES[asked.scope]}"
    if graph.db.execute(known, (asked.name,)).fetchone() is None:
        raise ControlError(
            "there is no such entity", measured=asked.name, next_step="see search_nodes", code="not_found"
        )
    near = view(graph, asked.name, scope=SCOPES[asked.scope], hops=1, most_nodes=asked.limit + 1)
    around = sorted(set(near) - {asked.name})
    places = {asked.name: (SIZE / 2, SIZE / 2)}
    for number, name in enumerate(around):
        angle = 2 * math.pi * number / max(1, len(around)) - math.pi / 2
        places[name] = (SIZE / 2 + math.cos(angle) * SIZE * 0.36, SIZE / 2 + math.sin(angle) * SIZE * 0.36)
    lines = [_line(places[one], places[two], data) for one, two, data in near.edges(data=True) if one != two]
    dots = [_dot(name, *places[name]) for name in (*around, asked.name)]
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}" font-family="sans-serif" font-size="11">'
        f"{''.join(lines)}{''.join(dots)}</svg>"
    )
    return {"svg": svg, "entities": len(near), "untrusted_fields": ["svg"]}


def label(text: str) -> str:
    """Make text fit for a label: one short line, every character that means something to XML escaped."""
    flat = " ".join(readable(text).split())
    short = flat if len(flat) <= LABEL_CHARS else f"{flat[: LABEL_CHARS - 1]}…"
    return escape(short, {'"': "&quot;", "'": "&apos;"})


def _line(one: tuple[float, float], two: tuple[float, float], data: dict[str, Any]) -> str:
    width = 1 + min(4.0, math.log2(1 + data["times"]) / 2)
    middle = ((one[0] + two[0]) / 2, (one[1] + two[1]) / 2)
    return (
        f'<line x1="{one[0]:.1f}" y1="{one[1]:.1f}" x2="{two[0]:.1f}" y2="{two[1]:.1f}" stroke="#999999"'
        f' stroke-width="{width:.1f}"/><text x="{middle[0]:.1f}" y="{middle[1]:.1f}" fill="#777777"'
        f' text-anchor="middle">{label(data["type"])}</text>'
    )


def _dot(name: str, x: float, y: float) -> str:
    colour = COLOURS.get(name.partition(":")[0], OTHER)
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="9" fill="{colour}"/><text x="{x:.1f}" y="{y + 22:.1f}"'
        f' text-anchor="middle">{label(name)}</text>'
    )
