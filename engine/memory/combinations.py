"""Words that come together: each combination is kept once, and a row of a pattern is its number.

There are a few hundred ends and terms and some thousand routes however many patterns there are, so a question is held
against the combinations, and a row of it costs one look-up a group instead of one a word.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np

from engine.memory.embedding import Embedding, Vectors
from engine.memory.pattern import Names, part

Codes = np.ndarray[Any, np.dtype[np.intp]]
"""Of the machine's own width, so that a look-up converts nothing: that is three quarters of its time."""
Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]
Scores = np.ndarray[tuple[int], np.dtype[np.float32]]

_FIRST: Final = 64
NONE: Final = 0
"""The code of what is not there: it has no words and a vector of zeros."""


class Combinations:
    """A group of columns. A key is a word for each column, or, of one column with `width` places, its words."""

    def __init__(self, columns: Sequence[str], spoken: Iterable[str], embedding: Embedding, *, width: int = 0) -> None:
        self._columns = tuple(columns)
        self._width = width
        self._embedding = embedding
        self._known: dict[tuple[str, ...], int] = {}
        self._codes_of: list[list[int]] = []
        self.words: dict[str, dict[str, int]] = {name: {"": NONE} for name in columns}
        self._room: Codes = np.zeros((width or len(columns), _FIRST), dtype=np.intp)
        self._depth = 0 if width else len(columns)
        """How many places any combination uses."""
        self._parts: dict[str, Vectors] = {n: np.zeros((1, embedding.dimensions), np.float32) for n in spoken}
        self.sums: Vectors = np.zeros((_FIRST if self._parts else 0, embedding.dimensions), np.float32)
        """The sum of the vectors of its words that are parts of a pattern's vector, a row a combination."""

    def numbers(self, keys: Iterable[tuple[str, ...]], names: Names) -> list[int]:
        """Return the number of each key; new ones are kept."""
        known = self._known
        before = len(known)
        found = [known[key] if key in known else self._new(key) for key in keys]
        if len(known) > before:
            self._embed(before, names)
        return found

    def has(self, name: str, words: Iterable[str]) -> Flags:
        """Say of each combination whether its column holds one of these words."""
        wanted = {self.words[name].get(word, NONE) for word in words} - {NONE}
        found = np.zeros(self._codes.shape[1], dtype=bool)
        for codes in self._of(name):
            for code in wanted:
                found |= codes == code
        return found

    def held(self, name: str) -> Scores:
        """Count each combination's words in a column."""
        found = np.zeros(self._codes.shape[1], dtype=np.float32)
        for codes in self._of(name):
            found += codes != NONE
        return found

    def similarity(self, question: Vectors) -> Scores:
        """Return the product of a question's vector with each combination's."""
        found = np.zeros(self._codes.shape[1], dtype=np.float32)
        for name, vectors in self._parts.items():
            scores = vectors @ question[0]
            for codes in self._of(name):
                found += scores.take(codes)
        return found

    def _of(self, name: str) -> Codes:
        """Return the places of a column."""
        at = self._columns.index(name)
        return self._codes[: self._depth] if self._width else self._codes[at : at + 1]

    def _new(self, key: tuple[str, ...]) -> int:
        names = self._columns * self._width if self._width else self._columns
        codes = [
            self.words[name].setdefault(word, len(self.words[name])) for name, word in zip(names, key, strict=False)
        ]
        self._codes_of.append(codes)
        self._depth = max(self._depth, len(codes))
        self._known[key] = len(self._known)
        return self._known[key]

    def _embed(self, before: int, names: Names) -> None:
        """Put the combinations from number `before` on into the arrays."""
        places, count = len(self._room), len(self._codes_of)
        while self._room.shape[1] < count:
            self._room = np.concatenate([self._room, np.zeros_like(self._room)], axis=1)
            self.sums = np.concatenate([self.sums, np.zeros_like(self.sums)])
        new = np.array([codes + [NONE] * (places - len(codes)) for codes in self._codes_of[before:]], dtype=np.intp).T
        self._room[:, before:count] = new
        for name, vectors in self._parts.items():
            words = [*self.words[name]]
            if len(words) > len(vectors):
                more = self._embedding.vectors([part(name, word, names) for word in words[len(vectors) :]])
                self._parts[name] = np.concatenate([vectors, more])
            at = self._columns.index(name)
            for codes in new[: self._depth] if self._width else new[at : at + 1]:
                self.sums[before:count] += self._parts[name][codes]

    @property
    def _codes(self) -> Codes:
        return self._room[:, : len(self._codes_of)]
