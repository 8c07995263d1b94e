"""How it ended in words that no phrase and no cue holds: the end of the phrase that is nearest to them.

Nearness of a run of words and a phrase is half what stems they share, weighed by how rare they are, and half the cosine
of their words' vectors. Only ends are read so: a reason, a number or a name is near to too much.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from engine.memory.embedding import Embedding, Vectors
from engine.memory.lexicon import FIRST
from engine.memory.stems import FILLER, NOT, stem

LEAST: Final = 0.62
"""Nearness below which a run of words means nothing that we know."""
SURE: Final = 0.75
"""The same for a word alone: it is soon near to one of so many."""
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
    """The end that the nearest phrase means, one of `words`."""

    words: tuple[str, ...]
    nearness: float


_MADE: Final[dict[str, "Soft"]] = {}


def soft_of(embedding: Embedding) -> "Soft":
    """Return the phrases as vectors of an embedding, made once a process."""
    if embedding.name not in _MADE:
        _MADE[embedding.name] = Soft(embedding)
    return _MADE[embedding.name]


class Soft:
    """The phrases of ends as vectors."""

    def __init__(self, embedding: Embedding, without: Collection[str] = ()) -> None:
        self._embedding = embedding
        keys = [key for key in FIRST if key not in without]
        words = [FIRST[key][0].split() for key in keys]
        self._ends = [FIRST[key][1] for key in keys]
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

    def nearest(self, words: Sequence[str]) -> Near | None:
        """Read a run of unread words; None if no phrase is near to any part of it."""
        words = words[:_MOST]
        roots = [stem(word) for word in words]
        spans = [
            (first, last)
            for first in range(len(words))
            for last in range(first + 1, min(first + LONGEST, len(words)) + 1)
            if roots[first] not in FILLER and roots[last - 1] not in FILLER
        ]
        if not spans:
            return None
        scores = self._scores(words, roots, spans)
        best = scores.argmax(axis=1)
        nearness = scores[np.arange(len(spans)), best]
        sure = np.array([SURE if last - first == 1 else LEAST for first, last in spans])
        at = int(np.where(nearness >= sure, nearness, 0.0).argmax())
        if nearness[at] < sure[at]:
            return None
        return Near(words=self._ends[best[at]], nearness=float(nearness[at]))

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
