"""Where the phrases of the vocabulary stand in a question: the longest first, none over another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.memory.lexicon import MOST_WORDS, NEGATED, PHRASES, Entry
from engine.memory.stems import NOT
from engine.memory.words import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A phrase from word `first` up to `last`, and all that it means; `denied` says that a "not" stands before it."""

    first: int
    last: int
    entries: tuple[Entry, ...]
    denied: bool = False


def mentions_of(said: Words, known: Mapping[str, list[Entry]]) -> list[Mention]:
    """Find the phrases, in their order; of equally long ones the first is taken."""
    found: list[Mention] = []
    taken = [False] * len(said.roots)
    for length in range(min(MOST_WORDS, len(taken)), 0, -1):
        for at in range(len(taken) - length + 1):
            if True in taken[at : at + length] or said.of_clause[at] != said.of_clause[at + length - 1]:
                continue
            phrase = " ".join(said.roots[at : at + length])
            entries = known.get(phrase) or PHRASES.get(phrase)
            if entries:
                taken[at : at + length] = [True] * length
                found.append(Mention(first=at, last=at + length, entries=tuple(entries)))
    free = [root if not held else "" for root, held in zip(said.roots, taken, strict=True)]
    return sorted((_heard(one, free, said.of_clause) for one in found), key=lambda one: one.first)


def runs_of(said: Words, mentions: Sequence[Mention]) -> list[list[str]]:
    """List the runs of words that no phrase holds."""
    held = {at for one in mentions for at in range(one.first, one.last)}
    runs: list[list[str]] = [[]]
    for at, word in enumerate(said.words):
        if at in held:
            runs.append([])
        else:
            runs[-1].append(word)
    return [run for run in runs if run]


def _heard(one: Mention, free: Sequence[str], of_clause: Sequence[int]) -> Mention:
    """Hear a "not" that stands in the two words before a phrase, in its clause."""
    before = range(max(0, one.first - 2), one.first)
    if not any(free[at] == NOT and of_clause[at] == of_clause[one.first] for at in before):
        return one
    entries = tuple(NEGATED[entry] for entry in one.entries if entry in NEGATED)
    return Mention(first=one.first, last=one.last, entries=entries or one.entries, denied=not entries)
