"""Old patterns that were alike merge into one counted summary; what is young, and what has not ended, stays whole."""

import hashlib
import statistics
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec.structs import replace

from engine.memory.pattern import ENDED, Pattern

_HOUR_S: Final = 3600


def mergeable(pattern: Pattern, window: int, window_blocks: int) -> bool:
    """Tell whether a pattern belongs to a window of blocks that has passed, and will not change any more."""
    return pattern.count == 1 and pattern.block // window_blocks == window and pattern.status in (ENDED | {"seen"})


def summaries(members: Iterable[Pattern], window: int) -> list[Pattern]:
    """Merge what had the same tokens, venues, hops, size, margin, capital, hour and end. One alone stays as it is."""
    alike: dict[tuple[object, ...], list[Pattern]] = {}
    for pattern in members:
        alike.setdefault(_kind(pattern), []).append(pattern)
    return [_merged(kind, held, window) for kind, held in alike.items() if len(held) > 1]


def members_of(patterns: Iterable[Pattern], merged: Sequence[Pattern]) -> list[Pattern]:
    """List the patterns that a summary stands for."""
    kinds = {_kind(pattern) for pattern in merged}
    return [pattern for pattern in patterns if _kind(pattern) in kinds]


def _kind(pattern: Pattern) -> tuple[object, ...]:
    return (
        pattern.chain,
        pattern.status,
        pattern.reason,
        pattern.strategy,
        pattern.origin,
        pattern.tokens,
        pattern.venues,
        pattern.hops,
        pattern.capital,
        pattern.size,
        pattern.margin,
        pattern.time_s // _HOUR_S % 24,
    )


def _merged(kind: tuple[object, ...], held: Sequence[Pattern], window: int) -> Pattern:
    digest = hashlib.blake2b(repr(kind).encode(), digest_size=8).hexdigest()
    first = min(held, key=lambda pattern: (pattern.block, pattern.seq))
    return replace(
        first,
        id=f"summary-{window}-{digest}",
        measured="",
        limit="",
        principal="",
        links=(),
        tx_hash="",
        observed_ns=0,
        amount_in=statistics.median_low([pattern.amount_in for pattern in held]),
        notional_wei=_sum([pattern.notional_wei for pattern in held]),
        expected_bps=_median([pattern.expected_bps for pattern in held]),
        expected_wei=_sum([pattern.expected_wei for pattern in held]),
        realised_raw=_sum([pattern.realised_raw for pattern in held]),
        realised_bps=_median([pattern.realised_bps for pattern in held]),
        realised_wei=_sum([pattern.realised_wei for pattern in held]),
        gas_units=_low([pattern.gas_units for pattern in held]),
        gas_wei=sum(pattern.gas_wei for pattern in held),
        base_fee_wei=_low([pattern.base_fee_wei for pattern in held]),
        priority_fee_wei=_low([pattern.priority_fee_wei for pattern in held]),
        decided_us=_low([pattern.decided_us for pattern in held]),
        landed_blocks=_low([pattern.landed_blocks for pattern in held]),
        count=len(held),
    )


def _sum(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _low(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return statistics.median_low(known) if known else None


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None
