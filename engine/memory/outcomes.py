"""What became of many patterns, in figures and one sentence: "of 40 like this, 31 filled, median 12 bps"."""

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from engine.memory.lexicon import FAILED
from engine.memory.pattern import Pattern


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """Counts are of patterns, those in summaries too. The median is of fills; `net_wei` of what was mined."""

    of: int
    by_status: dict[str, int]
    filled: int
    tried: int
    """Of those that were sent and ended."""
    median_bps: float | None
    net_wei: int
    gas_wei: int
    failures: list[tuple[str, int]]
    """Why others were not filled, the most frequent first."""

    @property
    def said(self) -> str:
        """Say it in one sentence."""
        words = [f"of {self.of} like this, {self.filled} filled"]
        if self.median_bps is not None:
            words.append(f"median {self.median_bps:.4g} bps")
        if self.failures:
            reason, count = self.failures[0]
            words.append(f"main failure: {reason} ({count})")
        return ", ".join(words)


def outcomes_of(patterns: Sequence[Pattern]) -> Outcomes:
    """Add patterns up."""
    by_status: Counter[str] = Counter()
    failures: Counter[str] = Counter()
    fills: list[float] = []
    net = gas = 0
    for pattern in patterns:
        by_status[pattern.status] += pattern.count
        if pattern.status in FAILED or pattern.status == "missed":
            failures[pattern.reason or pattern.status] += pattern.count
        if pattern.status == "filled" and pattern.realised_bps is not None:
            fills += [pattern.realised_bps] * pattern.count
        if pattern.status != "missed":
            net += pattern.net_wei or 0
            gas += pattern.gas_wei
    tried = sum(by_status[status] for status in ("filled", "reverted", "cancelled", "replaced"))
    return Outcomes(
        of=by_status.total(),
        by_status=dict(sorted(by_status.items())),
        filled=by_status["filled"],
        tried=tried,
        median_bps=round(statistics.median(fills), 3) if fills else None,
        net_wei=net,
        gas_wei=gas,
        failures=sorted(failures.items(), key=lambda row: (-row[1], row[0])),
    )
