"""Hostile parameters for every method: wrong types, huge, nested, not a number, turned around, negative, too large."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def _nested(depth: int) -> Any:
    found: Any = {}
    for _ in range(depth):
        found = {"a": [found]}
    return found


VALUES: Mapping[str, Any] = {
    "null": None,
    "true": True,
    "a number": 7,
    "negative": -1,
    "past 64 bits": 2**64,
    "past a word": 2**256,
    "a fraction": 0.5,
    "not a number": float("nan"),
    "infinite": float("inf"),
    "empty": "",
    "a huge text": "x" * 20_000,
    "a word in text": str(2**256),
    "negative text": "-1",
    "hexadecimal": "0x" + "f" * 64,
    "an address": "0x" + "11" * 20,
    "a bidirectional name": "\u202e0x\u2066\u200b",
    "control characters": "a\x00\x1b[2J\n",
    "a lone surrogate": "\ud800",
    "SQL": "1' OR '1'='1'; DROP TABLE entries; --",
    "a path": "../../../../etc/passwd",
    "a list": [],
    "a long list": list(range(5_000)),
    "an object": {"a": 1},
    "deep": _nested(300),
}


def hostile(example: Mapping[str, Any], fields: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each hostile value in the place of each parameter, then parameters that are none, and names of names."""
    for what, value in VALUES.items():
        for name in fields:
            yield f"{name} is {what}", {**example, name: value}
        yield f"{what} is unknown", {**example, "recipient": value}
    for name in ("__class__", "\u202e", "x" * 10_000, "principal", "role", "origin", "to", "private_key", "rpc"):
        yield f"unknown {name[:20]!r}", {**example, name: "0x" + "11" * 20}
    if hops := example.get("hops"):
        for what, value in VALUES.items():
            for part in ("pool", "token_in", "token_out"):
                yield f"hop {part} is {what}", {**example, "hops": [{**hops[0], part: value}, *hops[1:]]}
        yield "a hundred hops", {**example, "hops": hops * 50}
        yield "one hop", {**example, "hops": hops[:1]}
