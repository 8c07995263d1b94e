"""What a question says outright: venues, tokens, reasons, sizes, blocks. The rest of it is the embedding's."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from engine.domain.units import WEI_PER_ETHER
from engine.memory.columns import Columns, Mask, Scores
from engine.memory.lexicon import MOST_WORDS, PHRASES, plain_words
from engine.memory.pattern import Names, spoken

WEIGHTS: Final = {
    "status": 0.5,
    "reason": 0.6,
    "venue": 0.4,
    "token": 0.4,
    "hops": 0.4,
    "capital": 0.35,
    "size": 0.3,
    "margin": 0.25,
    "origin": 0.25,
    "strategy": 0.2,
    "pool": 0.6,
}
"""What a row gains that has what the question names, on the scale of a cosine."""
RANGE_WEIGHT: Final = 0.6
STRUCTURE: Final = frozenset({"venue", "token", "hops", "capital", "size", "margin", "origin", "strategy", "pool"})
"""Columns that say what kind of thing it was, and not how it ended."""

_ID: Final = re.compile(
    r"\b(?:opportunity|request|proof|decision|reservation|intent|miss)-[0-9]{1,18}\b|0x[0-9a-f]{64}"
)
_ADDRESS: Final = re.compile(r"\b0x[0-9a-f]{40}\b")
_BLOCKS: Final = re.compile(r"\bblocks? (?:number )?([0-9]+)(?: (?:to|and|until|through) (?:block )?([0-9]+))?")
_MORE: Final = "over|above|more than|at least|exceeding|beyond|upwards of|no less than"
_LESS: Final = "under|below|less than|at most|no more than|up to"
_NUMBER: Final = re.compile(
    rf"(?:\b({_MORE}|{_LESS}|about|around|roughly|near) )?([0-9]+(?:\.[0-9]+)?) ?"
    r"(bps|basis points?|eth|ether|weth|native coins?)\b"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """A column that should hold one of these words."""

    column: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A column of numbers that should lie in here, ends included."""

    column: Literal["block", "notional", "expected_bps"]
    least: float
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """All that a question says outright. `records` are ids of records that it names."""

    words: tuple[Hint, ...] = ()
    ranges: tuple[Range, ...] = ()
    records: tuple[str, ...] = ()


def read_question(question: str, columns: Columns, names: Names) -> Hints:
    """Read a question; what is no phrase of the lexicon, no name and no number is left to the embedding."""
    text = question.lower()
    records = tuple(dict.fromkeys(_ID.findall(text)))
    pools = frozenset(columns.words("pool"))
    addresses = dict.fromkeys(_ADDRESS.findall(text))
    words = [Hint(column="pool" if one in pools else "token", words=(one,)) for one in addresses]
    text = _ADDRESS.sub(" ", _ID.sub(" ", text))
    ranges = [*_ranges(text)]
    text = _BLOCKS.sub(" ", text)
    text = _NUMBER.sub(" ", text)
    words += _phrases(plain_words(text), _known(columns, names), names)
    return Hints(words=tuple(dict.fromkeys(words)), ranges=tuple(ranges), records=records)


def gain(hint: Hint, columns: Columns) -> Mask:
    """Say of each row whether it has what a hint names."""
    return columns.has("legs" if hint.column == "hops" else hint.column, hint.words)


def inside(asked: Range, columns: Columns) -> Mask:
    """Say of each row whether its number is in the range; unknown is outside."""
    numbers = columns.number(asked.column)
    return (numbers >= asked.least) & (numbers <= asked.most)


def gains(hints: Hints, columns: Columns) -> Scores:
    """Add up what each row gains."""
    found = np.zeros(len(columns), dtype=np.float32)
    for hint in hints.words:
        found += gain(hint, columns) * np.float32(WEIGHTS[hint.column])
    for asked in hints.ranges:
        found += inside(asked, columns) * np.float32(RANGE_WEIGHT)
    return found


def _known(columns: Columns, names: Names) -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    """Name what only this journal knows: its venues by their own names, its tokens by their symbols."""
    found: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for venue in columns.words("venue"):
        found[" ".join(plain_words(spoken(venue)))] = [("venue", (venue,))]
    for address, symbol in names.symbols.items():
        found.setdefault(" ".join(plain_words(symbol)), []).append(("token", (address,)))
    return found


def _phrases(words: Sequence[str], known: dict[str, Any], names: Names) -> list[Hint]:
    """Find the longest phrases from left to right; a word belongs to one of them at most."""
    found: list[Hint] = []
    at = 0
    while at < len(words):
        for length in range(min(MOST_WORDS, len(words) - at), 0, -1):
            phrase = " ".join(words[at : at + length])
            entries = known.get(phrase) or PHRASES.get(phrase)
            if entries:
                found += [_hint(column, held, names) for column, held in entries]
                break
        else:
            length = 1
        at += length
    return found


def _hint(column: str, held: tuple[str, ...], names: Names) -> Hint:
    if column != "token" or held[0].startswith("0x"):
        return Hint(column=column, words=held)
    addresses = tuple(address for address, symbol in names.symbols.items() if symbol in held)
    return Hint(column=column, words=addresses or held)


def _ranges(text: str) -> list[Range]:
    found: list[Range] = []
    for first, last in _BLOCKS.findall(text):
        low, high = float(first), float(last or first)
        found.append(Range(column="block", least=min(low, high), most=max(low, high)))
    for how, number, unit in _NUMBER.findall(text):
        value = float(number)
        column: Literal["notional", "expected_bps"] = "expected_bps" if unit.startswith("b") else "notional"
        value *= 1 if column == "expected_bps" else WEI_PER_ETHER
        if how in _MORE.split("|"):
            found.append(Range(column=column, least=value, most=float("inf")))
        elif how in _LESS.split("|"):
            found.append(Range(column=column, least=0, most=value))
        else:
            found.append(Range(column=column, least=value * 0.75, most=value * 1.25))
    return found
