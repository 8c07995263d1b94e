"""Size and margin: a degree is of the noun it stands by, "thin" of the spread and "tiny" of the stake."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from engine.memory.lexicon import DEGREE, Entry, spread
from engine.memory.mentions import Mention
from engine.memory.stems import NOT
from engine.memory.vocabulary.degrees import MORE, NOUNS, THINGS, WORDS
from engine.memory.words import Words

_NOUN: Final = {root: column for column, words in NOUNS.items() for root in spread(words)}
_THINGS: Final = frozenset(spread(THINGS))
_MORE: Final = frozenset(spread(MORE))
_ENDS: Final = frozenset(spread("with|at|over|via|through|on|using|from|by|trading|across"))
"""Where what a degree is of has ended: "very big ones with an edge"."""
_AHEAD: Final = 4
"""Words behind a degree among which its noun may be, or before it: "an edge that was slim"."""


def degrees_in(said: Words, mentions: Sequence[Mention], apart: Collection[int] = ()) -> list[Entry]:
    """Return at most one size and one margin: what a noun says before what stands alone.

    What stands alone in the words of a reason (`apart`) is no degree: "too meagre after gas".
    """
    found: dict[str, list[tuple[bool, bool, Entry]]] = {}
    for one in mentions:
        for column, words in one.entries:
            if column == DEGREE:
                level, alone = words
                for bound, entry in _read(said, mentions, one, int(level), alone):
                    if bound or one.first not in apart:
                        found.setdefault(entry[0], []).append((bound, alone == entry[0], entry))
    return [max(entries, key=lambda one: (*one[:2], entries.count(one)))[2] for entries in found.values()]


def _read(
    said: Words, mentions: Sequence[Mention], one: Mention, level: int, alone: str
) -> Iterator[tuple[bool, Entry]]:
    before = said.roots[max(0, one.first - 3) : one.first]
    if one.denied or "too" in before[-1:] or (NOT in before and said.of_clause[max(0, one.first - 3)] == said.of_clause[one.first]):
        return
    noun = _noun(said, mentions, one)
    column = noun or alone
    if not column or (not noun and one.last - one.first == 1 and said.words[one.first].endswith("ly")):
        return
    stressed = bool(before) and before[-1] in _MORE
    if level == 2 and stressed:
        level = 1
    elif level == 4 and stressed and before[-1] != "very":
        level = 5
    yield bool(noun), (column, WORDS[column][level - 1])


def _noun(said: Words, mentions: Sequence[Mention], one: Mention) -> str:
    """Name the column of the noun that a degree is of, if it has one."""
    apart = {at for other in mentions if other.entries[0][0] == "reason" for at in range(other.first, other.last)}
    clause = said.of_clause[one.first]
    for at in range(one.last, min(one.last + _AHEAD, len(said.roots))):
        root = said.roots[at]
        if said.of_clause[at] != clause or at in apart or root in _ENDS:
            break
        if root in _NOUN:
            return _NOUN[root]
        if root in _THINGS and not (at + 1 < len(said.roots) and said.roots[at + 1] in _NOUN):
            return ""
    for at in range(one.first - 1, max(-1, one.first - 1 - _AHEAD), -1):
        root = said.roots[at]
        if said.of_clause[at] != clause or at in apart or root in _THINGS or root in _ENDS:
            break
        if root in _NOUN:
            return _NOUN[root]
    return ""
