"""The vocabulary as one table: stems of a phrase -> the columns and words that it means.

Only the vocabulary is here; `hints.py` reads a question with it, and `soft.py` what is nearly a phrase of it.
"""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Final

from engine.memory.stems import FILLER, IDLE, NOT, stem
from engine.memory.vocabulary.degrees import DEGREES
from engine.memory.vocabulary.endings import FAILED, ORIGINS, STATUSES
from engine.memory.vocabulary.places import TOKENS, VENUES
from engine.memory.vocabulary.reasons import REASONS
from engine.memory.vocabulary.terms import CAPITALS, HOP_WORDS, HOPS

Entry = tuple[str, tuple[str, ...]]
"""(column, words that it may hold)."""
_LOANS: Final = ("balancer", "aave", "morpho", "first_pool")
_NOTHING: Final = "_"
DEGREE: Final = "degree"
"""No column but how much, and of which column where no noun says it: these give way to endings and reasons."""
NEGATED: Final[Mapping[Entry, Entry]] = {
    ("status", ("filled",)): ("status", (*FAILED, "missed")),
    ("status", FAILED): ("status", ("filled",)),
    ("capital", _LOANS): ("capital", ("own",)),
    ("capital", ("own",)): ("capital", _LOANS),
}
"""What an entry becomes behind a "not"; others mean nothing then."""


def spread(phrases: str) -> Iterator[str]:
    """Yield the stems of the phrases of a row of the vocabulary, every alternative by itself.

    "Got there first" is not "first": what only idle words made a phrase is none.
    """
    for phrase in phrases.split("|"):
        for roots in product(*(_roots(word) for word in phrase.split())):
            said = [root for root in roots if root and root != _NOTHING]
            if len(said) > 1 or (said and "" not in roots):
                yield " ".join(said)


def _roots(word: str) -> list[str]:
    """Stem the alternatives of a word; what says nothing is "", and no word `_NOTHING`."""
    return [*dict.fromkeys(_NOTHING if one == "_" else "" if one in IDLE else stem(one) for one in word.split("/"))]


def _typical(phrase: str) -> str:
    """Write a phrase with its first alternatives."""
    words = (word.split("/")[0] for word in phrase.split())
    return " ".join(word for word in words if word != "_" and word not in IDLE)


def _said() -> Iterator[tuple[Entry, str]]:
    """Yield every phrase, alternatives together, with what it means."""
    tables = {"status": STATUSES, "reason": REASONS, "capital": CAPITALS, "origin": ORIGINS}
    tables |= {"venue": VENUES, "token": TOKENS}
    for column, table in tables.items():
        for words, phrases in table.items():
            for phrase in phrases.split("|"):
                yield (column, words), phrase
    for (level, column), phrases in DEGREES.items():
        for phrase in phrases.split("|"):
            yield (DEGREE, (str(level), column)), phrase
    for hops, phrases in HOPS.items():
        for phrase in (*phrases.split("|"), *(f"{hops} {word}" for word in HOP_WORDS.split("|"))):
            yield ("hops", (str(hops),)), phrase


def _table() -> tuple[dict[str, list[Entry]], dict[str, tuple[str, tuple[str, ...]]]]:
    found: dict[str, list[Entry]] = {}
    first: dict[str, tuple[str, tuple[str, ...]]] = {}
    for entry, phrase in _said():
        for number, key in enumerate(spread(phrase)):
            held = found.setdefault(key, [])
            if entry not in held and not (held and entry[0] == DEGREE):
                held.append(entry)
            if number == 0 and entry in held and entry[0] == "status":
                first.setdefault(key, (_typical(phrase), entry[1]))
    for key in [key for key, held in found.items() if _says_nothing(key, held)]:
        del found[key]
        first.pop(key, None)
    return found, first


def _says_nothing(key: str, held: list[Entry]) -> bool:
    words = key.split()
    if len(words) > 1 and (held[0][0] in ("hops", "capital", DEGREE) or words[0] == NOT):
        return False
    return all(word in FILLER or word == NOT or not word.strip("0123456789.") for word in words)


PHRASES, FIRST = _table()
"""Stems of a phrase -> what it means; and of ends, how a row's first alternative is written, and what it means."""
MOST_WORDS: Final = max(len(phrase.split()) for phrase in PHRASES)
