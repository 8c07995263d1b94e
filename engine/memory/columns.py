"""Patterns as columns of numbers: filters, and an exact search over the rows that pass them, without an index.

A pattern's vector is the sum of the vectors of its parts: its tokens, venues, size, end and so on. Parts that come
together are a combination; a question's cosine with every row is one look-up for each group of them, and exact.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from engine.memory.combinations import Codes, Combinations
from engine.memory.embedding import Embedding, Vectors
from engine.memory.pattern import Names, Pattern
from engine.memory.soft import Soft, soft_of

Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]
Rows = np.ndarray[tuple[int], np.dtype[np.int64]]
Scores = np.ndarray[tuple[int], np.dtype[np.float32]]

WIDTH: Final = 8
"""Hops of a route, at most: a route's tokens, pools and venues are so many places."""
_FIRST: Final = 1024
_CHUNK: Final = 4_096
"""Rows whose vectors are added up at once: they stay in the processor's cache."""

_GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "end": ("status", "reason", "strategy", "origin", "principal"),
    "terms": ("capital", "size", "margin", "legs"),
    "token": ("token",),
    "pool": ("pool",),
    "venue": ("venue",),
}
"""Columns that are kept together."""
_KEYS: Final[Mapping[str, Callable[[Pattern], tuple[str, ...]]]] = {
    "end": lambda p: (p.status, p.reason, p.strategy, p.origin, p.principal),
    "terms": lambda p: (p.capital, p.size, p.margin, str(p.hops)),
    "token": lambda p: p.tokens[:WIDTH],
    "pool": lambda p: p.pools[:WIDTH],
    "venue": lambda p: p.venues[:WIDTH],
}
_MANY: Final = frozenset({"token", "pool", "venue"})
"""Groups of one column with several words a row."""
_GROUP_OF: Final = {column: group for group, columns in _GROUPS.items() for column in columns}
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
        self.soft: Soft = soft_of(embedding)
        """What reads words of a question that are nearly phrases of the lexicon."""
        self.ids: list[str] = []
        self._row_of: dict[str, int] = {}
        self._groups = {
            group: Combinations(
                columns, [c for c in columns if c in PARTS], embedding, width=WIDTH if group in _MANY else 0
            )
            for group, columns in _GROUPS.items()
        }
        self._of_row: dict[str, Codes] = {group: np.zeros(_FIRST, dtype=np.intp) for group in _GROUPS}
        self._numbers = {name: np.full(_FIRST, np.nan) for name in _NUMBERS}
        self._logs = {name: np.full(_FIRST, np.inf, dtype=np.float32) for name in LOGS}
        self._length = np.ones(_FIRST, dtype=np.float32)

    def __len__(self) -> int:
        return len(self.ids)

    def put(self, patterns: Sequence[Pattern]) -> None:
        """Write patterns into their rows, new ones at the end."""
        if not patterns:
            return
        rows = np.array([self._row(pattern.id) for pattern in patterns], dtype=np.int64)
        for group, key in _KEYS.items():
            keys = [key(pattern) for pattern in patterns]
            self._of_row[group][rows] = self._groups[group].numbers(keys, self._names)
        for name, number in _NUMBERS.items():
            self._numbers[name][rows] = [number(pattern) for pattern in patterns]  # None is NaN in an array
        for name in LOGS:
            with np.errstate(divide="ignore", invalid="ignore"):
                logs = np.log2(self._numbers[name][rows])
            self._logs[name][rows] = np.where(np.isfinite(logs), logs, np.inf)
        for first in range(0, len(rows), _CHUNK):
            part = rows[first : first + _CHUNK]
            sums = self._sums(part)
            self._length[part] = np.maximum(np.sqrt(np.einsum("ij,ij->i", sums, sums)), 1e-9)

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
        return [word for word in self._groups[_GROUP_OF[name]].words[name] if word]

    def has(self, name: str, words: Iterable[str]) -> Mask:
        """Say of each row whether its column holds one of these words."""
        group = _GROUP_OF[name]
        return self._groups[group].has(name, words).take(self._rows_of(group))

    def has_all(self, wanted: Iterable[tuple[str, Sequence[str]]]) -> Mask:
        """Say of each row whether each of these columns holds one of its words."""
        flags: dict[str, Mask] = {}
        for name, words in wanted:
            group = _GROUP_OF[name]
            found = self._groups[group].has(name, words)
            flags[group] = flags[group] & found if group in flags else found
        every = np.ones(len(self.ids), dtype=bool)
        for group, found in flags.items():
            every &= found.take(self._rows_of(group))
        return every

    def held(self, name: str) -> Scores:
        """Count each row's words in a column of several."""
        group = _GROUP_OF[name]
        return self._groups[group].held(name).take(self._rows_of(group))

    def scores(self, question: Vectors, hints: Iterable[tuple[str, Sequence[str], float]], rows: Rows) -> Scores:
        """Return rows' cosines with a question, and the weight of each column that holds one of a hint's words."""
        gains: dict[str, Scores] = {}
        for name, words, weight in hints:
            group = _GROUP_OF[name]
            gain = self._groups[group].has(name, words) * np.float32(weight)
            gains[group] = gains[group] + gain if group in gains else gain
        found = np.zeros(len(rows), dtype=np.float32)
        gained = np.zeros(len(rows), dtype=np.float32)
        every = len(rows) == len(self.ids)
        for group, combinations in self._groups.items():
            spoken = group != "pool"
            if not spoken and group not in gains:
                continue
            numbers = self._rows_of(group) if every else self._of_row[group].take(rows)
            if spoken:
                found += combinations.similarity(question).take(numbers)
            if group in gains:
                gained += gains[group].take(numbers)
        return found / self._length.take(rows) + gained

    def _rows_of(self, group: str) -> Codes:
        return self._of_row[group][: len(self.ids)]

    def _sums(self, rows: Rows) -> Vectors:
        found = np.zeros((len(rows), self._embedding.dimensions), dtype=np.float32)
        for group, combinations in self._groups.items():
            if group != "pool":
                found += combinations.sums.take(self._of_row[group][rows], axis=0)
        return found

    def _row(self, id_: str) -> int:
        row = self._row_of.setdefault(id_, len(self.ids))
        if row == len(self.ids):
            self.ids.append(id_)
            if row == len(self._length):
                self._grow()
        return row

    def _grow(self) -> None:
        room = len(self._length)
        for group, numbers in self._of_row.items():
            self._of_row[group] = np.concatenate([numbers, np.zeros(room, dtype=np.intp)])
        for name, values in self._numbers.items():
            self._numbers[name] = np.concatenate([values, np.full(room, np.nan)])
        for name, logs in self._logs.items():
            self._logs[name] = np.concatenate([logs, np.full(room, np.inf, dtype=np.float32)])
        self._length = np.concatenate([self._length, np.ones(room, dtype=np.float32)])


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
