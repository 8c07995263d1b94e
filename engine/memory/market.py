"""Market conditions as the journal saw them: gas, spread, flow and volatility by bucket of blocks, and the regime."""

import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Final

from engine.memory.pattern import Pattern

BUCKET_BLOCKS: Final = 100
CALM: Final = "calm"
BUSY: Final = "busy"
CHEAP: Final = "cheap gas"
DEAR: Final = "dear gas"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """One bucket, from block `first` on. None where nothing in the journal tells.

    `flow` is opportunities and others' arbitrages a block; spreads are what cycles promised, in basis points;
    `volatility_bps` is the deviation of changes of a token's price from one proof to the next, over the tokens.
    """

    first: int
    time_s: int
    seen: int
    missed: int
    flow: float
    spread_bps: float | None
    spread_p90_bps: float | None
    base_fee_wei: int | None
    priority_fee_wei: int | None
    volatility_bps: float | None


def bucket_of(block: int) -> int:
    """Name the bucket of a block by its first block."""
    return block - block % BUCKET_BLOCKS


def conditions(patterns: Iterable[Pattern]) -> list[Conditions]:
    """Sum patterns up by bucket, the oldest first; summaries are left out, their buckets were kept."""
    by_bucket: dict[int, list[Pattern]] = {}
    for pattern in patterns:
        if pattern.count == 1:
            by_bucket.setdefault(bucket_of(pattern.block), []).append(pattern)
    return [_summed(first, by_bucket[first]) for first in sorted(by_bucket)]


def _summed(first: int, held: Sequence[Pattern]) -> Conditions:
    missed = sum(pattern.status == "missed" for pattern in held)
    spreads = sorted(pattern.expected_bps for pattern in held if pattern.expected_bps is not None)
    base = [pattern.base_fee_wei for pattern in held if pattern.base_fee_wei is not None]
    tips = [pattern.priority_fee_wei for pattern in held if pattern.priority_fee_wei is not None]
    return Conditions(
        first=first,
        time_s=min(pattern.time_s for pattern in held),
        seen=len(held) - missed,
        missed=missed,
        flow=round(len(held) / BUCKET_BLOCKS, 4),
        spread_bps=round(statistics.median(spreads), 3) if spreads else None,
        spread_p90_bps=spreads[min(len(spreads) * 9 // 10, len(spreads) - 1)] if spreads else None,
        base_fee_wei=statistics.median_low(base) if base else None,
        priority_fee_wei=statistics.median_low(tips) if tips else None,
        volatility_bps=_volatility(held),
    )


def _volatility(held: Sequence[Pattern]) -> float | None:
    prices: dict[str, list[tuple[int, float]]] = {}
    for pattern in held:
        if pattern.notional_wei and pattern.amount_in and pattern.status != "missed":
            price = pattern.notional_wei / pattern.amount_in
            prices.setdefault(pattern.tokens[0], []).append((pattern.seq, price))
    changes = [
        math.log(after / before) for series in prices.values() for (_, before), (_, after) in pairwise(sorted(series))
    ]
    return round(statistics.pstdev(changes) * 10_000, 3) if len(changes) > 1 else None


def regimes(known: Sequence[Conditions]) -> Mapping[int, str]:
    """Name each bucket's regime, held against the median bucket: how busy it was, and how dear gas was."""
    flow = statistics.median([one.flow for one in known]) if known else 0
    fees = [one.base_fee_wei for one in known if one.base_fee_wei is not None]
    fee = statistics.median(fees) if fees else 0
    return {
        one.first: f"{BUSY if one.flow > flow else CALM}, {DEAR if (one.base_fee_wei or 0) > fee else CHEAP}"
        for one in known
    }


def conditions_json(one: Conditions) -> str:
    """Write a bucket whole."""
    return json.dumps(asdict(one), separators=(",", ":"))


def conditions_of(text: bytes | str) -> Conditions:
    """Read a bucket back."""
    tree: dict[str, Any] = json.loads(text)
    return Conditions(**tree)
