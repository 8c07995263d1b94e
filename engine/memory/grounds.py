"""Why it ended so, where no phrase says it: words of the kinds that a reason is made of, near each other."""

from collections.abc import Iterator, Sequence
from typing import Final

from engine.memory.ends import agrees
from engine.memory.lexicon import spread
from engine.memory.mentions import Mention
from engine.memory.vocabulary.grounds import GROUNDS
from engine.memory.words import Words

_NEAR: Final = 8
"""Words in which all the kinds have to be."""
_APART: Final = frozenset({"venue", "token", "hops", "capital", "origin"})
Reason = tuple[str, ...]


def _kinds() -> tuple[list[tuple[Reason, tuple[int, ...]]], dict[str, list[int]]]:
    """Number the kinds: what each rule needs, and the kinds that a phrase is of."""
    rules: list[tuple[Reason, tuple[int, ...]]] = []
    numbers: dict[str, int] = {}
    kinds: dict[str, list[int]] = {}
    for reason, ways in GROUNDS.items():
        for way in ways:
            for words in way:
                if words not in numbers:
                    numbers[words] = len(numbers)
                    for key in {*spread(words)}:
                        kinds.setdefault(key, []).append(numbers[words])
            rules.append((reason, tuple(numbers[words] for words in way)))
    return rules, kinds


_RULES, _KINDS = _kinds()
_LONGEST: Final = max(len(key.split()) for key in _KINDS)


def reason_of(said: Words, mentions: Sequence[Mention], status: tuple[str, ...]) -> tuple[Reason, list[int]] | None:
    """Return the reason that most kinds of words speak for, and where they are, if a trade can end so with it."""
    places = _places(said, mentions)
    best: tuple[float, Reason, list[int]] | None = None
    for reason, kinds in _RULES:
        if not agrees(reason, status) or not all(kind in places for kind in kinds):
            continue
        chosen = _nearest([places[kind] for kind in kinds])
        if not chosen:
            continue
        score = len(kinds) - (max(chosen) - min(chosen)) / _NEAR
        if best is None or score > best[0]:
            best = score, reason, chosen
    return None if best is None else (best[1], best[2])


def _places(said: Words, mentions: Sequence[Mention]) -> dict[int, list[int]]:
    free = [True] * len(said.roots)
    for one in mentions:
        if one.entries[0][0] in _APART:
            free[one.first : one.last] = [False] * (one.last - one.first)
    found: dict[int, list[int]] = {}
    for at, length in _spans(len(free)):
        if all(free[at : at + length]):
            for kind in _KINDS.get(" ".join(said.roots[at : at + length]), ()):
                found.setdefault(kind, []).append(at)
    return found


def _spans(words: int) -> Iterator[tuple[int, int]]:
    for length in range(1, min(_LONGEST, words) + 1):
        for at in range(words - length + 1):
            yield at, length


def _nearest(places: Sequence[Sequence[int]]) -> list[int]:
    """Return where one of each kind stands, each another word, as near as can be; nothing if they are not near."""
    best: list[int] = []
    for start in places[0]:
        chosen = [start]
        for others in places[1:]:
            free = [at for at in others if at not in chosen]
            if not free:
                break
            chosen.append(min(free, key=lambda at: abs(at - start)))
        else:
            width = max(chosen) - min(chosen)
            if width <= _NEAR and (not best or width < max(best) - min(best)):
                best = chosen
    return best
