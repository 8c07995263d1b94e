"""A picture of what a file leads to and what leads to it, as Mermaid text."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

MAX_DRAWN: Final = 24
MAX_ARROWS: Final = 100


def neighbourhood(
    name: str, steps: int, leads_to: Mapping[str, Sequence[str]], dependents: Mapping[str, Sequence[str]]
) -> list[str]:
    """List a file and those within so many steps of it, either way, the nearest first; at most `MAX_DRAWN`."""
    found = [name]
    edge = [name]
    for _ in range(steps):
        edge = [near for one in edge for near in (*leads_to[one], *dependents[one])]
        edge = [near for near in dict.fromkeys(edge) if near not in found]
        found += edge
    return found[:MAX_DRAWN]


def mermaid(names: Sequence[str], leads_to: Mapping[str, Sequence[str]]) -> list[str]:
    """Draw the files and what leads from one to another, a line each; a name loses what could be more than text."""
    place = {name: f"f{number}" for number, name in enumerate(names)}
    drawn = [f'  {place[name]}["{_label(name)}"]' for name in names]
    arrows = [f"  {place[name]} --> {place[to]}" for name in names for to in leads_to[name] if to in place]
    return ["graph LR", *drawn, *arrows[:MAX_ARROWS]]


def _label(name: str) -> str:
    return re.sub(r"[^\w./ -]", "_", name)
