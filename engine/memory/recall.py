"""Recall: what is like a question, or like an opportunity, and how all that was like it ended."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from engine.memory.columns import Mask, Rows, Scores, best
from engine.memory.hints import RANGE_WEIGHT, STRUCTURE, WEIGHTS, Hints, column_of, inside, read_question
from engine.memory.insights import Insight
from engine.memory.memory import Memory
from engine.memory.outcomes import Outcomes, outcomes_of
from engine.memory.pattern import Pattern

LIKE: Final = 200
"""How many patterns are added up as "like this", at most: the best, and of equals the newest."""
FEW: Final = 40
"""How many are, when a question says nothing of their structure."""
_WORDS: Final = ("status", "reason", "venue", "token", "pool", "strategy", "origin", "capital")
"""Filters that are words of a column."""
LEAST_LIKENESS: Final = 0.6
LEAST_INSIGHT: Final = 0.2
"""Cosine below which an insight is not about the question."""
MOST_INSIGHTS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a row must have; None does not filter. Words are those of the pattern's own fields."""

    status: str | None = None
    reason: str | None = None
    venue: str | None = None
    token: str | None = None
    pool: str | None = None
    strategy: str | None = None
    origin: str | None = None
    capital: str | None = None
    chain: int | None = None
    hops: int | None = None
    from_block: int | None = None
    to_block: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """Patterns with their scores, the best first, how those like them ended, and insights on the matter."""

    found: list[tuple[Pattern, float]]
    like: Outcomes
    insights: list[Insight]


def recall(memory: Memory, question: str, filters: Filters | None = None, *, limit: int = 5) -> Recalled:
    """Recall by words: what the question says outright, and the likeness of the rest of it."""
    columns = memory.columns
    rows = passing_rows(memory, filters or Filters())
    hints = read_question(question, columns, memory.names)
    vector = columns.vector(question)
    weighed = [(column_of(hint), hint.words, WEIGHTS[hint.column] * hint.trust) for hint in hints.words]
    scores = columns.scores(vector, weighed, rows)
    for asked in hints.ranges:
        scores += inside(asked, columns)[rows] * np.float32(RANGE_WEIGHT)
    named = [memory.columns.row_of(p.id) for record in hints.records if (p := memory.joining.of(record))]
    if named:
        scores[np.isin(rows, named)] += 10.0
    seqs = columns.number("seq")[rows]
    alike = np.flatnonzero(_structured(memory, hints)[rows])
    most = LIKE if hints.ranges or any(hint.column in STRUCTURE for hint in hints.words) else FEW
    among = alike[best(scores[alike], seqs[alike], most)]
    return Recalled(
        found=_patterns(memory, rows, scores, best(scores, seqs, limit)),
        like=outcomes_of([memory.at(int(row)) for row in rows[among]]),
        insights=_insights_on(memory, question),
    )


def similar_to(memory: Memory, record: str, filters: Filters | None = None, *, limit: int = 5) -> Recalled:
    """Recall by likeness to an opportunity or a trade: route, venues, size, margin and gas, not its words."""
    target = memory.pattern(record)
    passed = passing(memory, filters or Filters())
    passed[memory.columns.row_of(target.id)] = False
    rows = np.flatnonzero(passed)
    scores = likeness(memory, target)[rows]
    seqs = memory.columns.number("seq")[rows]
    order = best(scores, seqs, max(LIKE, limit))
    alike = [row for row in order if scores[row] >= LEAST_LIKENESS][:LIKE]
    return Recalled(
        found=_patterns(memory, rows, scores, order[:limit]),
        like=outcomes_of([memory.at(int(rows[row])) for row in alike]),
        insights=[one for one in memory.insights.current(memory.time_s) if _is_evidence(one, target)][:MOST_INSIGHTS],
    )


def passing(memory: Memory, filters: Filters) -> Mask:
    """Say of each row whether it passes."""
    columns = memory.columns
    given = ((name, getattr(filters, name)) for name in _WORDS)
    found = columns.has_all((name, _spellings(memory, name, word)) for name, word in given if word is not None)
    for name, number in (("chain", filters.chain), ("hops", filters.hops)):
        if number is not None:
            found &= columns.number(name) == number
    if filters.from_block is not None:
        found &= columns.number("block") >= filters.from_block
    if filters.to_block is not None:
        found &= columns.number("block") <= filters.to_block
    return found


def passing_rows(memory: Memory, filters: Filters) -> Rows:
    """List the rows that pass."""
    return np.flatnonzero(passing(memory, filters))


def likeness(memory: Memory, target: Pattern) -> Scores:
    """Score every row from 0 to 1 by how alike it is: shared tokens, pools and venues, hops, size, margin, gas."""
    columns = memory.columns
    route = (("token", target.tokens, 0.25), ("pool", target.pools, 0.2), ("venue", target.venues, 0.2))
    score = np.zeros(len(columns), dtype=np.float32)
    for name, words, weight in route:
        score += np.float32(weight) * _shared(memory, name, words)
    score += np.float32(0.1) * (columns.number("hops") == target.hops)
    score += np.float32(0.05) * columns.has("capital", [target.capital])
    numbers = (
        ("notional", target.notional_wei, 0.1),
        ("expected_bps", target.expected_bps, 0.07),
        ("base_fee_wei", target.base_fee_wei, 0.03),
    )
    for name, value, weight in numbers:
        score += np.float32(weight) * _near(columns.log2(name), value)
    return score


def _shared(memory: Memory, name: str, words: Sequence[str]) -> Scores:
    """Return Jaccard's index of each row's words with these."""
    columns = memory.columns
    distinct = [*dict.fromkeys(words)]
    if not distinct:
        return np.zeros(len(columns), dtype=np.float32)
    both = np.zeros(len(columns), dtype=np.float32)
    for word in distinct:
        both += columns.has(name, [word])
    held = columns.held(name)
    return (both / np.maximum(held + len(distinct) - both, 1)).astype(np.float32)


def _near(logs: Scores, value: float | None) -> Scores:
    """Return 1 where a number is the same, a half where it is half or twice as much, 0 where either is unknown."""
    if value is None or value <= 0:
        return np.zeros(len(logs), dtype=np.float32)
    return np.exp2(-np.abs(logs - np.float32(math.log2(value))))


def _structured(memory: Memory, hints: Hints) -> Mask:
    """Say which rows are of the kind that a question describes, however they ended."""
    found = memory.columns.has_all((column_of(hint), hint.words) for hint in hints.words if hint.column in STRUCTURE)
    for asked in hints.ranges:
        found &= inside(asked, memory.columns)
    return found


def _spellings(memory: Memory, name: str, wanted: str) -> list[str]:
    """Take a token by its symbol too."""
    if name in ("token", "pool"):
        wanted = wanted.lower() if wanted.startswith("0x") else wanted
        return [wanted, *(a for a, symbol in memory.names.symbols.items() if symbol.lower() == wanted.lower())]
    return [wanted]


def _patterns(memory: Memory, rows: Rows, scores: Scores, order: Rows) -> list[tuple[Pattern, float]]:
    return [(memory.at(int(rows[at])), round(float(scores[at]), 4)) for at in order]


def _insights_on(memory: Memory, question: str) -> list[Insight]:
    current = memory.insights.current(memory.time_s)
    if not current:
        return []
    texts = memory.columns.vectors([one.text for one in current])
    scores = texts @ memory.columns.vector(question)[0]
    order = sorted(range(len(current)), key=lambda at: (-scores[at], -current[at].seq))
    return [current[at] for at in order if scores[at] >= LEAST_INSIGHT][:MOST_INSIGHTS]


def _is_evidence(insight: Insight, target: Pattern) -> bool:
    return bool({target.id, target.tx_hash, str(target.seq), *target.links}.intersection(insight.evidence))
