"""The vocabulary as one table: stems of a phrase -> the columns and words that it means.

Only the vocabulary is here; `hints.py` reads a question with it, and `soft.py` what is nearly a phrase of it.
"""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Final

from engine.memory.stems import FILLER, NOT, plain_words, stem
from engine.memory.vocabulary.endings import FAILED, ORIGINS, STATUSES
from engine.memory.vocabulary.places import TOKENS, VENUES
from engine.memory.vocabulary.reasons import REASONS
from engine.memory.vocabulary.terms import CAPITALS, HOP_WORDS, HOPS, MARGIN_NOUNS, MARGINS, MARGINS_ALONE, SIZES

Entry = tuple[str, tuple[str, ...]]
"""(column, words that it may hold)."""
_LOANS: Final = ("balancer", "aave", "morpho", "first_pool")
_WEAK: Final = frozenset({"size", "margin", "capital"})
"""Columns whose phrases give way to those of endings and reasons: "gap closed" is no small gap."""
NEGATED: Final[Mapping[Entry, Entry]] = {
    ("status", ("filled",)): ("status", (*FAILED, "missed")),
    ("status", FAILED): ("status", ("filled",)),
    ("capital", _LOANS): ("capital", ("own",)),
    ("capital", ("own",)): ("capital", _LOANS),
}
"""What an entry becomes behind a "not"; others mean nothing then."""


def spread(phrases: str) -> Iterator[str]:
    """Yield the phrases of a row of the vocabulary, every alternative by itself."""
    for phrase in phrases.split("|"):
        for words in product(*(word.split("/") for word in phrase.split())):
            yield " ".join(word for word in words if word != "_")


def _said() -> Iterator[tuple[Entry, str, bool]]:
    """Yield every phrase, alternatives together, with what it means; and whether others are to be held against it."""
    tables = {"status": STATUSES, "reason": REASONS, "capital": CAPITALS, "origin": ORIGINS, "size": SIZES}
    tables |= {"margin": MARGINS_ALONE, "venue": VENUES, "token": TOKENS}
    for column, table in tables.items():
        for words, phrases in table.items():
            for phrase in phrases.split("|"):
                yield (column, words), phrase, True
    nouns = MARGIN_NOUNS.split("|")
    for words, phrases in MARGINS.items():
        for phrase in phrases.split("|"):
            for noun in nouns:
                yield ("margin", words), f"{phrase} {noun}", noun == "margin"
                yield ("margin", words), f"{noun} {phrase}", False
    for words, phrases in SIZES.items():
        for phrase in phrases.split("|"):
            for noun in ("size", "amount", "trade size", "volume", "stake", "notional"):
                yield ("size", words), f"{phrase} {noun}", False
    for hops, phrases in HOPS.items():
        for phrase in (*phrases.split("|"), *(f"{hops} {word}" for word in HOP_WORDS.split("|"))):
            yield ("hops", (str(hops),)), phrase, True


def _table() -> tuple[dict[str, list[Entry]], dict[str, str]]:
    found: dict[str, list[Entry]] = {}
    first: dict[str, str] = {}
    for entry, phrases, typical in _said():
        for number, phrase in enumerate(spread(phrases)):
            words = plain_words(phrase)
            key = " ".join(stem(word) for word in words)
            held = found.setdefault(key, [])
            if entry not in held and not (held and entry[0] in _WEAK and held[0][0] not in _WEAK):
                held.append(entry)
            if typical and number == 0 and entry in held:
                first.setdefault(key, " ".join(words))
    for key in [key for key, held in found.items() if _says_nothing(key, held)]:
        del found[key]
        first.pop(key, None)
    return found, first


def _says_nothing(key: str, held: list[Entry]) -> bool:
    words = key.split()
    if len(words) > 1 and (held[0][0] == "hops" or words[0] == NOT):
        return False
    return all(word in FILLER or word == NOT or not word.strip("0123456789.") for word in words)


PHRASES, FIRST = _table()
"""Stems of a phrase -> what it means; and how a row's first alternative is written."""
MOST_WORDS: Final = max(len(phrase.split()) for phrase in PHRASES)
