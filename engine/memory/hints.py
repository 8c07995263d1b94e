"""What a question says outright: venues, tokens, reasons, sizes, blocks. The rest of it is the embedding's."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from engine.domain.units import WEI_PER_ETHER
from engine.memory.columns import Columns, Mask
from engine.memory.degrees import degrees_in
from engine.memory.ends import agrees, end_of
from engine.memory.grounds import reason_of
from engine.memory.lexicon import DEGREE, Entry
from engine.memory.mentions import mentions_of, runs_of
from engine.memory.pattern import Names, spoken
from engine.memory.stems import stems
from engine.memory.words import words_of

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
COMPOSED: Final = 0.8
"""What a reason counts that is made of its words."""
SOFT: Final = 0.7
"""What a hint that is only near to a phrase counts, beside its nearness."""
_SEVERAL: Final = frozenset({"venue", "token"})
"""Columns of which a pattern has several words."""
STRUCTURE: Final = frozenset({"venue", "token", "hops", "capital", "size", "margin", "origin", "strategy", "pool"})
"""Columns that say what kind of thing it was, and not how it ended."""

_ID: Final = re.compile(
    r"\b(?:opportunity|request|proof|decision|reservation|intent|miss)-[0-9]{1,18}\b|0x[0-9a-f]{64}"
)
_ADDRESS: Final = re.compile(r"\b0x[0-9a-f]{40}\b")
_CHAIN: Final = re.compile(r"\bon (?:the )?(?:ethereum|arbitrum)(?! (?:token|coin|wrapped))\b")
_BLOCKS: Final = re.compile(r"\bblocks? (?:number )?([0-9]+)(?: (?:to|and|until|through) (?:block )?([0-9]+))?")
_MORE: Final = "over|above|more than|at least|exceeding|beyond|upwards of|no less than"
_LESS: Final = "under|below|less than|at most|no more than|up to"
_NUMBER: Final = re.compile(
    rf"(?:\b({_MORE}|{_LESS}|about|around|roughly|near) )?([0-9]+(?:\.[0-9]+)?) ?"
    r"(bps|basis points?|eth|ether|weth|native coins?)\b"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """A column that should hold one of these words; `trust` is 1 where the question says so in words we know."""

    column: str
    words: tuple[str, ...]
    trust: float = 1.0


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
    text = _CHAIN.sub(" ", _NUMBER.sub(" ", text))
    words += _read(text, columns, names)
    return Hints(words=tuple(dict.fromkeys(words)), ranges=tuple(ranges), records=records)


def inside(asked: Range, columns: Columns) -> Mask:
    """Say of each row whether its number is in the range; unknown is outside."""
    numbers = columns.number(asked.column)
    return (numbers >= asked.least) & (numbers <= asked.most)


def column_of(hint: Hint) -> str:
    """Name the column that a hint speaks of: hops are numbers, and legs the same as words."""
    return "legs" if hint.column == "hops" else hint.column


def _known(columns: Columns, names: Names) -> dict[str, list[Entry]]:
    """Name what only this journal knows: its venues by their own names, its tokens by their symbols."""
    found: dict[str, list[Entry]] = {}
    for venue in columns.words("venue"):
        found[" ".join(stems(spoken(venue)))] = [("venue", (venue,))]
    for address, symbol in names.symbols.items():
        found.setdefault(" ".join(stems(symbol)), []).append(("token", (address,)))
    return found


def _read(text: str, columns: Columns, names: Names) -> Iterator[Hint]:
    """Yield one hint a column that holds one word, then what is nearly a phrase of the columns nobody spoke of."""
    said = words_of(text)
    mentions = mentions_of(said, _known(columns, names))
    ground = reason_of(said, mentions, ())
    status = end_of(said, mentions, ground)
    found: dict[str, list[Entry]] = {"size": [], "margin": []}
    ended = status[0][0] if status else ()
    ground = reason_of(said, mentions, ended)
    for entry in degrees_in(said, mentions, ground[1] if ground else ()):
        found[entry[0]].append(entry)
    for one in sorted(mentions, key=lambda one: one.first - one.last):
        for entry in () if one.denied else one.entries:
            if entry[0] not in ("status", DEGREE):
                found.setdefault(entry[0], []).append(entry)
    for words, trust in status:
        yield Hint(column="status", words=words, trust=trust)
    if ended and ended != ("missed",):
        found.pop("origin", None) if ("origin", ("rival",)) in found.get("origin", ()) else None
    if ground and all(one.last - one.first == 1 for one in mentions if one.entries[0][0] == "reason"):
        found.pop("reason", None)
    for column, entries in found.items():
        if column == "reason":
            entries[:] = [one for one in entries if agrees(one[1], ended)]
        for _, held in entries if column in _SEVERAL else _only(column, entries):
            yield _hint(column, held, names, 1.0)
    if ended and ground and not found.get("reason"):
        found["reason"] = [("reason", ground[0])]
        yield Hint(column="reason", words=ground[0], trust=COMPOSED)
    if not status:
        nearest = [near for run in runs_of(said, mentions) if (near := columns.soft.nearest(run))]
        for near in sorted(nearest, key=lambda near: -near.nearness)[:1]:
            yield Hint(column="status", words=near.words, trust=near.nearness * SOFT)


def _only(column: str, entries: Sequence[Entry]) -> Sequence[Entry]:
    """Choose of a column that holds one word the longest phrase, of loans one that has a name."""
    if column == "capital":
        for wanted in (("first_pool",), ("morpho",), ("aave",), ("balancer",), ("own",)):
            if (column, wanted) in entries:
                return [(column, wanted)]
    return entries[:1]


def _hint(column: str, held: tuple[str, ...], names: Names, trust: float) -> Hint:
    if column != "token" or held[0].startswith("0x"):
        return Hint(column=column, words=held, trust=trust)
    addresses = tuple(address for address, symbol in names.symbols.items() if symbol in held)
    return Hint(column=column, words=addresses or held, trust=trust)


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
