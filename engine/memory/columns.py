"""Patterns as columns of numbers: filters, and an exact search over the rows that pass them, without an index.

A pattern's vector is the sum of the vectors of its parts: its tokens, venues, size, end and so on. So a question's
cosine with every row is a few look-ups a row, in tables as long as there are different parts, and no row is left out.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from engine.memory.embedding import Embedding, Vectors
from engine.memory.pattern import Names, Pattern, part

Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]
Rows = np.ndarray[tuple[int], np.dtype[np.int64]]
Scores = np.ndarray[tuple[int], np.dtype[np.float32]]
Codes = np.ndarray[Any, np.dtype[np.intp]]
"""Of the machine's own width, so that a look-up converts nothing: that is three quarters of its time."""

WIDTH: Final = 8
"""Hops of a route, at most: a route's tokens, pools and venues are so many columns."""
NONE: Final = 0
"""The code of what is not there: it has no words and a vector of zeros."""
_FIRST: Final = 1024

_ONE: Final[Mapping[str, Callable[[Pattern], str]]] = {
    "status": lambda p: p.status,
    "reason": lambda p: p.reason,
    "strategy": lambda p: p.strategy,
    "origin": lambda p: p.origin,
    "principal": lambda p: p.principal,
    "capital": lambda p: p.capital,
    "size": lambda p: p.size,
    "margin": lambda p: p.margin,
    "legs": lambda p: str(p.hops),
}
"""Columns with one word a row."""
_MANY: Final[Mapping[str, Callable[[Pattern], Sequence[str]]]] = {
    "token": lambda p: p.tokens,
    "pool": lambda p: p.pools,
    "venue": lambda p: p.venues,
}
"""Columns with several words a row."""
PARTS: Final = ("status", "reason", "origin", "capital", "size", "margin", "legs", "token", "venue")
"""Columns whose words are parts of a pattern's vector."""
_NUMBERS: Final[Mapping[str, Callable[[Pattern], float | None]]] = {
    "seq": lambda p: p.seq,
    "chain": lambda p: p.chain,
    "block": lambda p: p.block,
    "hops": lambda p: p.hops,
    "notional": lambda p: None if p.notional_wei is None else p.notional_wei / p.count,
    "expected_bps": lambda p: p.expected_bps,
    "base_fee_wei": lambda p: p.base_fee_wei,
}
"""Columns of numbers, NaN where unknown. Only for search: exact amounts are the pattern's."""
LOGS: Final = ("notional", "expected_bps", "base_fee_wei")
"""Columns of numbers that are compared by how many times one is the other."""


class Columns:
    """Rows of patterns. A pattern that changes keeps its row; summaries make the columns anew."""

    def __init__(self, embedding: Embedding, names: Names) -> None:
        self._embedding = embedding
        self._names = names
        self.ids: list[str] = []
        self._row_of: dict[str, int] = {}
        self._words: dict[str, dict[str, int]] = {name: {"": NONE} for name in (*_ONE, *_MANY)}
        self._codes: dict[str, Codes] = {name: _no_codes(1, _FIRST) for name in _ONE}
        self._codes |= {name: _no_codes(WIDTH, _FIRST) for name in _MANY}
        self._depth = dict.fromkeys(_MANY, 0) | dict.fromkeys(_ONE, 1)
        """How many of a column's places are used by any row."""
        self._numbers = {name: np.full(_FIRST, np.nan) for name in _NUMBERS}
        self._logs = {name: np.full(_FIRST, np.inf, dtype=np.float32) for name in LOGS}
        self._length = np.ones(_FIRST, dtype=np.float32)
        self._parts: dict[str, Vectors] = {name: np.zeros((1, embedding.dimensions), np.float32) for name in PARTS}

    def __len__(self) -> int:
        return len(self.ids)

    def put(self, patterns: Sequence[Pattern]) -> None:
        """Write patterns into their rows, new ones at the end."""
        if not patterns:
            return
        rows = [self._row(pattern.id) for pattern in patterns]
        for name, one in _ONE.items():
            self._codes[name][0, rows] = [self._code(name, one(pattern)) for pattern in patterns]
        for name, many in _MANY.items():
            held = [[self._code(name, word) for word in many(pattern)[:WIDTH]] for pattern in patterns]
            self._depth[name] = max(self._depth[name], *(len(codes) for codes in held))
            self._codes[name][:, rows] = np.array([codes + [NONE] * (WIDTH - len(codes)) for codes in held]).T
        for name, number in _NUMBERS.items():
            self._numbers[name][rows] = [number(pattern) for pattern in patterns]  # None is NaN in an array
        for name in LOGS:
            with np.errstate(divide="ignore", invalid="ignore"):
                logs = np.log2(self._numbers[name][rows])
            self._logs[name][rows] = np.where(np.isfinite(logs), logs, np.inf)
        self._embed_parts()
        self._length[rows] = np.maximum(np.linalg.norm(self._sums(np.array(rows)), axis=1), 1e-9)

    def vectors_of(self, ids: Sequence[str]) -> Vectors:
        """Return patterns' vectors, of length one."""
        rows = np.array([self._row_of[id_] for id_ in ids], dtype=np.int64)
        return (self._sums(rows) / self._length[rows, None]).astype(np.float32)

    def row_of(self, id_: str) -> int:
        """Return a pattern's row."""
        return self._row_of[id_]

    def vector(self, words: str) -> Vectors:
        """Embed a question."""
        return self._embedding.vectors([words])

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """Embed other texts, to be held against a question."""
        return self._embedding.vectors(texts)

    def number(self, name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Return a column of numbers."""
        return self._numbers[name][: len(self.ids)]

    def log2(self, name: str) -> Scores:
        """Return the logarithms of a column of numbers, infinite where it is unknown."""
        return self._logs[name][: len(self.ids)]

    def words(self, name: str) -> list[str]:
        """List the words that a column knows."""
        return [word for word in self._words[name] if word]

    def has(self, name: str, words: Iterable[str]) -> Mask:
        """Say of each row whether its column holds one of these words."""
        wanted = {self._words[name].get(word, NONE) for word in words} - {NONE}
        found = np.zeros(len(self.ids), dtype=bool)
        for codes in self._used(name):
            for code in wanted:
                found |= codes == code
        return found

    def held(self, name: str) -> Scores:
        """Count each row's words in a column of several."""
        found = np.zeros(len(self.ids), dtype=np.float32)
        for codes in self._used(name):
            found += codes != NONE
        return found

    def similarity(self, question: Vectors) -> Scores:
        """Return the cosine of a question with every row."""
        found = np.zeros(len(self.ids), dtype=np.float32)
        for name in PARTS:
            scores = self._parts[name] @ question[0]
            for codes in self._used(name):
                found += scores.take(codes)
        return found / self._length[: len(self.ids)]

    def _used(self, name: str) -> list[Codes]:
        return [codes[: len(self.ids)] for codes in self._codes[name][: self._depth[name]]]

    def _sums(self, rows: Rows) -> Vectors:
        found = np.zeros((len(rows), self._embedding.dimensions), dtype=np.float32)
        for name in PARTS:
            for codes in self._codes[name][: self._depth[name]]:
                found += self._parts[name][codes[rows]]
        return found

    def _embed_parts(self) -> None:
        for name in PARTS:
            words, known = [*self._words[name]], len(self._parts[name])
            if len(words) > known:
                new = self._embedding.vectors([part(name, word, self._names) for word in words[known:]])
                self._parts[name] = np.concatenate([self._parts[name], new])

    def _code(self, name: str, word: str) -> int:
        words = self._words[name]
        return words.setdefault(word, len(words))

    def _row(self, id_: str) -> int:
        row = self._row_of.setdefault(id_, len(self.ids))
        if row == len(self.ids):
            self.ids.append(id_)
            if row == len(self._length):
                self._grow()
        return row

    def _grow(self) -> None:
        room = len(self._length)
        for name, codes in self._codes.items():
            self._codes[name] = np.concatenate([codes, _no_codes(len(codes), room)], axis=1)
        for name, numbers in self._numbers.items():
            self._numbers[name] = np.concatenate([numbers, np.full(room, np.nan)])
        for name, logs in self._logs.items():
            self._logs[name] = np.concatenate([logs, np.full(room, np.inf, dtype=np.float32)])
        self._length = np.concatenate([self._length, np.ones(room, dtype=np.float32)])


def _no_codes(places: int, rows: int) -> Codes:
    return np.full((places, rows), NONE, dtype=np.intp)


def best(scores: Scores, seqs: np.ndarray[Any, Any], limit: int) -> Rows:
    """Return the places of the highest scores, the newest first among equals."""
    kept = np.arange(len(scores))
    if len(scores) > limit:
        least = np.partition(scores, len(scores) - limit)[len(scores) - limit]
        above, equal = np.flatnonzero(scores > least), np.flatnonzero(scores == least)
        wanted = limit - len(above)
        newest = equal[np.argsort(-seqs[equal], kind="stable")[:wanted]]
        kept = np.concatenate([above, newest])
    return kept[np.lexsort((-seqs[kept], -scores[kept]))]
