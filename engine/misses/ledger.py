"""The ledger of misses: what others took, by reason, with the money beside it."""

from collections.abc import Iterable
from dataclasses import dataclass

from engine.misses.explain import WHAT_WOULD_HELP, Miss, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One reason: how many, their value in wei, how many of them have no known value, and what would help."""

    reason: Reason
    misses: int
    net_wei: int
    unvalued: int
    what_would_help: str


def by_reason(misses: Iterable[Miss]) -> list[Row]:
    """Add misses up by reason, the dearest first. What was landed at a loss counts as it was: below zero."""
    grouped: dict[Reason, list[Miss]] = {}
    for miss in misses:
        grouped.setdefault(miss.reason, []).append(miss)
    rows = [
        Row(
            reason=reason,
            misses=len(found),
            net_wei=sum(miss.net_wei or 0 for miss in found),
            unvalued=sum(miss.net_wei is None for miss in found),
            what_would_help=WHAT_WOULD_HELP[reason],
        )
        for reason, found in grouped.items()
    ]
    return sorted(rows, key=lambda row: (-row.net_wei, row.reason))
