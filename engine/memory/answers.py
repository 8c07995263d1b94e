"""What the memory answers as a store of the archive: its questions, each with what it takes, and how rows are shown.

Sentences, refusals' measurements and insights hold words of tokens, contracts and agents: they leave as `untrusted`.
"""

from types import MappingProxyType
from typing import Any, Final

from engine.domain.errors import ControlError
from engine.journal.stores import Answer, Question, Shelf
from engine.memory.asked import Filtered, InsightParams, RecallParams, SimilarParams, StatisticsParams
from engine.memory.insights import Insight
from engine.memory.market import BUCKET_BLOCKS, Conditions, regimes
from engine.memory.memory import Memory, open_memory
from engine.memory.outcomes import Outcomes
from engine.memory.pattern import Pattern, sentence
from engine.memory.performance import performance
from engine.memory.recall import Filters, Recalled, passing_rows, recall, similar_to

MOST_REASONS: Final = 5


def _recall(memory: Memory, asked: RecallParams) -> Answer:
    return _recalled(memory, recall(memory, asked.question, _filters(asked), limit=asked.limit))


def _similar(memory: Memory, asked: SimilarParams) -> Answer:
    shown = _pattern(memory, memory.pattern(asked.id), None)
    return {"target": shown} | _recalled(memory, similar_to(memory, asked.id, _filters(asked), limit=asked.limit))


def _filters(asked: Filtered) -> Filters:
    return Filters(**{name: getattr(asked, name) for name in Filtered.model_fields})


def _statistics(memory: Memory, asked: StatisticsParams) -> Answer:
    held = {
        "patterns": sum(pattern.count for pattern in memory.joining.patterns.values()),
        "rows": len(memory.columns),
        "insights": len(memory.insights.current(memory.time_s)),
        "journal_seq": memory.cursor().seq,
        "embedding": memory.embedding_name,
    }
    if asked.by == "market":
        known = memory.market()
        named = regimes(known)
        rows = [_conditions(one, named[one.first]) for one in known[-asked.limit :]]
        return {"held": held, "by": "market", "rows": rows, "left_out": max(len(known) - asked.limit, 0)}
    patterns = [memory.at(int(row)) for row in passing_rows(memory, _filters(asked))]
    groups = performance(memory, patterns, asked.by)
    return {
        "held": held,
        "by": asked.by,
        "rows": [_outcomes(added) | {"untrusted": {"name": name}} for name, added in groups[: asked.limit]],
        "left_out": max(len(groups) - asked.limit, 0),
    }


def _insight_versions(memory: Memory, asked: InsightParams) -> Answer:
    found = memory.insights.known.get(asked.id)
    if found is None:
        raise ControlError(
            "there is no such insight", measured=asked.id, next_step="find it with recall_patterns", code="not_found"
        )
    newest = memory.insights.newest(found)
    return {"versions": [_insight(one) for one in memory.insights.versions(newest)]}


def _recalled(memory: Memory, found: Recalled) -> Answer:
    return {
        "found": [_pattern(memory, pattern, score) for pattern, score in found.found],
        "like_this": _outcomes(found.like),
        "insights": [_insight(one) for one in found.insights],
    }


def _pattern(memory: Memory, pattern: Pattern, score: float | None) -> Answer:
    net = pattern.net_wei
    shown: dict[str, Any] = {
        "id": pattern.id,
        "score": score,
        "status": pattern.status,
        "reason": pattern.reason,
        "block": pattern.block,
        "venues": list(pattern.venues),
        "tokens": list(pattern.tokens),
        "hops": pattern.hops,
        "capital": pattern.capital,
        "expected_bps": pattern.expected_bps,
        "realised_bps": pattern.realised_bps,
        "net_wei": None if net is None else str(net),
        "count": pattern.count,
        "tx_hash": pattern.tx_hash,
        "untrusted": {"text": sentence(pattern, memory.names), "measured": pattern.measured},
    }
    return {name: value for name, value in shown.items() if value is not None and value != ""}


def _outcomes(added: Outcomes) -> Answer:
    return {
        "said": added.said,
        "patterns": added.of,
        "filled": added.filled,
        "sent": added.tried,
        "by_status": added.by_status,
        "median_bps": added.median_bps,
        "net_wei": str(added.net_wei),
        "gas_wei": str(added.gas_wei),
        "failures": [{"reason": reason, "count": count} for reason, count in added.failures[:MOST_REASONS]],
    }


def _insight(one: Insight) -> Answer:
    return {
        "id": one.id,
        "author": one.author,
        "evidence": list(one.evidence),
        "confidence": one.confidence,
        "block": one.block,
        "expires_s": one.expires_s,
        "corrects": one.corrects,
        "corrected_by": one.corrected_by,
        "untrusted": {"text": one.text},
    }


def _conditions(one: Conditions, regime: str) -> Answer:
    return {
        "from_block": one.first,
        "blocks": BUCKET_BLOCKS,
        "time_s": one.time_s,
        "regime": regime,
        "seen": one.seen,
        "missed": one.missed,
        "flow": one.flow,
        "spread_bps": one.spread_bps,
        "spread_p90_bps": one.spread_p90_bps,
        "base_fee_wei": None if one.base_fee_wei is None else str(one.base_fee_wei),
        "priority_fee_wei": None if one.priority_fee_wei is None else str(one.priority_fee_wei),
        "volatility_bps": one.volatility_bps,
    }


SHELF: Final = Shelf(
    open=lambda folder, terms: open_memory(folder, terms.embedding),
    questions=MappingProxyType(
        {
            "recall_patterns": Question(params=RecallParams, answer=_recall),
            "similar_to": Question(params=SimilarParams, answer=_similar),
            "memory_statistics": Question(params=StatisticsParams, answer=_statistics),
            "insight": Question(params=InsightParams, answer=_insight_versions),
        }
    ),
)
