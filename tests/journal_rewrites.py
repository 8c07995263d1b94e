"""An attacker with our code and the whole folder: rewrites history, hashes every entry anew, and seals it again."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any, cast

from engine.domain.errors import JournalError
from engine.journal.canonical import Body
from engine.journal.journal import JOURNAL_FILE, Entry, Journal
from engine.journal.schema import Kind

Line = tuple[str, Body]
"""An entry without its place and hash: kind and body."""


def lines_of(state: Path) -> list[Line]:
    """Read a journal."""
    with Journal.read(state / JOURNAL_FILE) as journal:
        return [(entry.kind, entry.body) for entry in journal.entries()]


def rewritten(state: Path, lines: Sequence[Line]) -> bool:
    """Write a journal of these lines with the engine's own code; False for a history that even it cannot write."""
    kind, genesis = lines[0]
    if kind != "genesis":
        return False
    try:
        with Journal.open(state / JOURNAL_FILE, genesis=genesis) as journal, journal.transaction():
            for kind, body in lines[1:]:
                journal.append(cast("Kind", kind), body)
    except (JournalError, TypeError, KeyError):
        return False
    return True


def edited(lines: Sequence[Line], at: int, chance: Random) -> list[Line] | None:
    """Change one text somewhere in the body of the entry at an index."""
    kind, body = lines[at]
    copy = json.loads(json.dumps(body))
    places = list(_texts(copy))
    if not places:
        return None
    put, text = chance.choice(places)
    put(str(int(text) + 1) if text.isdecimal() else f"{text}0" if text.startswith("0x") else f"{text}.")
    return [*lines[:at], (kind, copy), *lines[at + 1 :]]


def dropped(lines: Sequence[Line], at: int, _chance: Random) -> list[Line] | None:
    """Leave one entry out."""
    return [*lines[:at], *lines[at + 1 :]]


def swapped(lines: Sequence[Line], at: int, _chance: Random) -> list[Line] | None:
    """Let an entry and the next one change places."""
    if at + 1 >= len(lines) or lines[at] == lines[at + 1]:
        return None
    return [*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]]


def inserted(lines: Sequence[Line], at: int, chance: Random) -> list[Line] | None:
    """Put an entry that says something harmless before another."""
    state: Body = {"state": "ACTIVE", "principal": "me", "reason": "all was well", "block": lines[0][1]["start_block"]}
    calls: Body = {"from_block": "1", "to_block": "2", "unnamed": "0", "calls": []}
    return [*lines[:at], chance.choice((("state", state), ("calls", calls))), *lines[at:]]


def truncated(lines: Sequence[Line], at: int, _chance: Random) -> list[Line] | None:
    """Forget an entry and everything after it."""
    return list(lines[:at])


def without_a_trade(lines: Sequence[Line], at: int, _chance: Random) -> list[Line] | None:
    """Leave out a whole trade, with everything that names it, as if it had never been."""
    intents = [b for kind, b in lines[at:] if kind == "intent" and b["decision_id"].startswith("decision-")]
    if not intents:
        return None
    decision = next(b for k, b in lines if k == "decision" and b["stamp"]["id"] == intents[0]["decision_id"])
    names = {decision["request"], decision["proof"], decision["reservation"], intents[0]["intent_id"]}
    names.add(decision["stamp"]["id"])
    return [line for line in lines if line[0] == "genesis" or not names & _named(line)]


REWRITES: dict[str, Callable[[Sequence[Line], int, Random], list[Line] | None]] = {
    each.__name__: each for each in (edited, dropped, swapped, inserted, truncated, without_a_trade)
}


def place_of(entries: Sequence[Entry], anchor: str) -> int:
    """Find the index of the entry that an anchor names."""
    return next(index for index, entry in enumerate(entries) if entry.hash == anchor)


def _texts(tree: Any) -> list[tuple[Callable[[str], None], str]]:
    """List every text in a tree, with what puts another in its place."""
    found: list[tuple[Callable[[str], None], str]] = []
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        if isinstance(value, str):
            found.append((lambda text, k=key: tree.__setitem__(k, text), value))
        else:
            found += _texts(value)
    return found


def _named(line: Line) -> set[str]:
    """List what a line is, or is about, by name."""
    body = line[1]
    plan, stamp = body.get("plan", {}), body.get("stamp", {})
    ids = (stamp.get("id"), plan.get("request"), body.get("request"), body.get("intent_id"), body.get("reservation"))
    return {name for name in ids if name}
