"""Words that no phrase of the lexicon holds, matched to the phrases that are nearest to them.

Nearness of a run of words and a phrase is half what stems they share, weighed by how rare they are, and half the cosine
of their words' vectors. So "snaffled by a quicker searcher" is read by "grabbed by", whoever never wrote the former.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from engine.memory.embedding import Embedding, Vectors
from engine.memory.lexicon import FIRST, PHRASES, Entry
from engine.memory.stems import FILLER, NOT, stem

LEAST: Final = 0.62
"""Nearness below which a run of words means nothing that we know."""
SURE: Final = 0.75
"""The same for a word alone, and for what is called by names: a word is soon near to one of so many."""
CERTAIN: Final = 0.85
_NAMED: Final = ("token", "venue")
_NEVER: Final = frozenset({"hops", "origin", "capital", "reason", "venue", "token"})
"""Columns that are only read by phrases: a number and a "we" are near to much."""
_NOT_WEIGHT: Final = 5.0
"""A "not" is common, and what it stands before is not the same without it."""
LONGEST: Final = 5
"""Words of a run, at most."""
_MOST: Final = 14
"""Unread words of a question that are looked at: a question of a thousand is not worth its time."""
_RARE: Final = 7.0
"""Weight of a word that no phrase has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """A run of words, from `first` to `last`, is nearest to a phrase that means `entries`."""

    first: int
    last: int
    entries: tuple[Entry, ...]
    nearness: float


_MADE: Final[dict[str, "Soft"]] = {}


def soft_of(embedding: Embedding) -> "Soft":
    """Return the phrases as vectors of an embedding, made once a process."""
    if embedding.name not in _MADE:
        _MADE[embedding.name] = Soft(embedding)
    return _MADE[embedding.name]


class Soft:
    """The phrases of the lexicon as vectors. About a second to make."""

    def __init__(self, embedding: Embedding, without: Collection[str] = ()) -> None:
        self._embedding = embedding
        keys = [key for key in FIRST if key not in without and PHRASES[key][0][0] not in _NEVER]
        words = [FIRST[key].split() for key in keys]
        self._entries = [tuple(PHRASES[key]) for key in keys]
        roots = [[stem(word) for word in phrase] for phrase in words]
        counts: dict[str, int] = {}
        for phrase in roots:
            for root in {*phrase}:
                counts[root] = counts.get(root, 0) + 1
        self._weight = {root: max(float(np.log(len(keys) / count)), 0.5) for root, count in counts.items()}
        every = sorted({word for phrase in words for word in phrase})
        place = {word: at for at, word in enumerate(every)}
        vectors = embedding.vectors(every)
        self._vectors: Vectors = np.zeros((len(keys), embedding.dimensions), np.float32)
        self._holders: dict[str, list[int]] = {}
        lengths = np.zeros(len(keys), dtype=np.float32)
        for at, (phrase, stems) in enumerate(zip(words, roots, strict=True)):
            for word, root in zip(phrase, stems, strict=True):
                self._vectors[at] += vectors[place[word]] * np.float32(self._weigh(root))
            for root in {*stems}:
                self._holders.setdefault(root, []).append(at)
            lengths[at] = sum(self._weigh(root) ** 2 for root in {*stems})
        self._lengths = np.sqrt(lengths)
        self._vectors /= np.maximum(np.linalg.norm(self._vectors, axis=1, keepdims=True), 1e-9)
        self._columns = np.array([entries[0][0] for entries in self._entries])

    def nearest(self, words: Sequence[str], taken: Collection[str]) -> list[Near]:
        """Read a run of unread words, without the columns that are `taken`; the nearest first, none overlapping."""
        words = words[:_MOST]
        roots = [stem(word) for word in words]
        spans = [
            (first, last)
            for first in range(len(words))
            for last in range(first + 1, min(first + LONGEST, len(words)) + 1)
            if roots[first] not in FILLER and roots[last - 1] not in FILLER
        ]
        if not spans:
            return []
        scores = self._scores(words, roots, spans)
        scores[:, np.isin(self._columns, [*taken])] = 0.0
        best = scores.argmax(axis=1)
        nearness = scores[np.arange(len(spans)), best]
        found: list[Near] = []
        used: set[int] = set()
        columns = {*taken}
        for at in np.argsort(-nearness, kind="stable"):
            first, last = spans[at]
            if nearness[at] < LEAST:
                break
            entries = self._entries[best[at]]
            if nearness[at] < (CERTAIN if entries[0][0] in _NAMED else SURE if last - first == 1 else LEAST):
                continue
            if used.intersection(range(first, last)) or entries[0][0] in columns:
                continue
            used.update(range(first, last))
            if entries[0][0] not in ("venue", "token"):
                columns.add(entries[0][0])
            found.append(Near(first=first, last=last, entries=entries, nearness=float(nearness[at])))
        return found

    def _scores(
        self, words: Sequence[str], roots: Sequence[str], spans: Sequence[tuple[int, int]]
    ) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Return the nearness of each run with each phrase."""
        weights = np.array([self._weigh(root) for root in roots], dtype=np.float32)
        vectors = self._embedding.vectors(words) * weights[:, None]
        runs = np.stack([vectors[first:last].sum(axis=0) for first, last in spans])
        runs /= np.maximum(np.linalg.norm(runs, axis=1, keepdims=True), 1e-9)
        cosines = runs @ self._vectors.T
        shared = np.zeros_like(cosines)
        for at, (first, last) in enumerate(spans):
            distinct = {*roots[first:last]}
            for root in distinct:
                shared[at, self._holders.get(root, [])] += self._weigh(root) ** 2
            length = sum(self._weigh(root) ** 2 for root in distinct) ** 0.5
            shared[at] /= self._lengths * np.float32(max(length, 1e-9))
        return np.maximum(0.5 * cosines + 0.5 * shared, cosines * 0.9)

    def _weigh(self, root: str) -> float:
        if root == NOT:
            return _NOT_WEIGHT
        return 0.7 if root in FILLER else self._weight.get(root, _RARE)
