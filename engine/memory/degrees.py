"""Size and margin: a degree is of the noun it stands by, "thin" of the spread and "tiny" of the stake."""

from collections.abc import Collection, Sequence
from typing import Final

from engine.memory.lexicon import DEGREE, Entry, spread
from engine.memory.mentions import Mention
from engine.memory.stems import NOT, stem
from engine.memory.vocabulary.degrees import MORE, NOUNS, SOFTLY, THINGS, WORDS
from engine.memory.words import CAUSED, Words

_NOUN: Final = {root: column for column, words in NOUNS.items() for root in spread(words)}
_THINGS: Final = frozenset(spread(THINGS))
_MORE: Final = frozenset(spread(MORE))
_ENDS: Final = frozenset(spread("with|at|over|via|through|on|using|from|by|trading|across"))
"""Where what a degree is of has ended: "very big ones with an edge"."""
_SOFTLY: Final = frozenset(SOFTLY.split("|"))
_AHEAD: Final = 4
"""Words behind a degree among which its noun may be, or before it: "an edge that was slim"."""


def degrees_in(said: Words, mentions: Sequence[Mention], apart: Collection[int] = ()) -> list[Entry]:
    """Return at most one size and one margin: what a noun says before what stands alone.

    What stands in the words of a reason (`apart`), or is of one, is no degree: "too meagre after gas".
    """
    found: dict[str, list[tuple[bool, bool, Entry]]] = {}
    for one in mentions:
        for held, words in one.entries:
            if held == DEGREE:
                level, alone = int(words[0]), words[1]
                if apart and said.clauses[said.of_clause[one.first]].counts == CAUSED:
                    continue
                noun = None if _unread(said, one) else _noun(said, mentions, one)
                if (
                    noun is None
                    or (noun[1] in apart and said.of_clause[noun[1]] == said.of_clause[max(apart)])
                    or (not noun[0] and one.first in apart)
                ):
                    continue
                column = noun[0] or alone
                if column and (noun[0] or not _adverb(said, one)):
                    entry = column, WORDS[column][_stressed(said, one, level) - 1]
                    found.setdefault(column, []).append((bool(noun[0]), alone == column, entry))
    return [max(entries, key=lambda one: (*one[:2], entries.count(one)))[2] for entries in found.values()]


def _unread(said: Words, one: Mention) -> bool:
    """Say whether a "not" or a "too" stands before a degree: "too thin" is a reason, "not the slimmest" nothing."""
    before = range(max(0, one.first - 3), one.first)
    denied = any(said.roots[at] == NOT and said.of_clause[at] == said.of_clause[one.first] for at in before)
    return one.denied or denied or "too" in said.roots[max(0, one.first - 1) : one.first]


def _adverb(said: Words, one: Mention) -> bool:
    return one.last - one.first == 1 and said.words[one.first].endswith("ly")


def _stressed(said: Words, one: Mention, level: int) -> int:
    """Return the degree with the word before it: "extremely slim" is next to nothing."""
    before = said.words[max(0, one.first - 1) : one.first]
    if not before or before[0] in _SOFTLY or not (stem(before[0]) in _MORE or before[0].endswith("ly")):
        return level
    if level == 2:
        return 1
    return 5 if level == 4 and before[0] != "very" else level


def _noun(said: Words, mentions: Sequence[Mention], one: Mention) -> tuple[str, int]:
    """Name the column of the noun that a degree is of, if it has one, and where that is."""
    apart = {at for other in mentions if other.entries[0][0] == "reason" for at in range(other.first, other.last)}
    clause = said.of_clause[one.first]
    for at in range(one.last, min(one.last + _AHEAD, len(said.roots))):
        root = said.roots[at]
        if said.of_clause[at] != clause or at in apart or root in _ENDS:
            break
        if root in _NOUN:
            return _NOUN[root], at
        if root in _THINGS and not (at + 1 < len(said.roots) and said.roots[at + 1] in _NOUN):
            return "", -1
    for at in range(one.first - 1, max(-1, one.first - 1 - _AHEAD), -1):
        root = said.roots[at]
        if said.of_clause[at] != clause or at in apart or root in _THINGS or root in _ENDS:
            break
        if root in _NOUN:
            return _NOUN[root], at
    return "", -1
