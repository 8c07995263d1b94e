"""How things went, by strategy, venue, token, pair, hour, day, regime or reason; exact sums over every pattern."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from engine.memory.asked import By
from engine.memory.market import bucket_of, regimes
from engine.memory.memory import Memory
from engine.memory.outcomes import Outcomes, outcomes_of
from engine.memory.pattern import Names, Pattern

_HOUR_S: Final = 3_600
_DAY_S: Final = 86_400


def performance(memory: Memory, patterns: Iterable[Pattern], by: By) -> list[tuple[str, Outcomes]]:
    """Group patterns and add each group up; what has several venues or tokens counts for each. The best net first."""
    groups: dict[str, list[Pattern]] = {}
    naming = _regime_of(memory) if by == "regime" else _NAMES[by]
    for pattern in patterns:
        for name in dict.fromkeys(naming(pattern, memory.names)):
            groups.setdefault(name, []).append(pattern)
    added = [(name, outcomes_of(held)) for name, held in groups.items()]
    return sorted(added, key=lambda row: (-row[1].net_wei, -row[1].filled, row[0]))


def _regime_of(memory: Memory) -> Callable[[Pattern, Names], Sequence[str]]:
    known = regimes(memory.market())
    return lambda pattern, _names: (known.get(bucket_of(pattern.block), "unknown"),)


def _pair(pattern: Pattern, names: Names) -> Sequence[str]:
    return ("/".join(sorted({names.symbol(token) for token in pattern.tokens})),)


_NAMES: Final[Mapping[str, Callable[[Pattern, Names], Sequence[str]]]] = MappingProxyType(
    {
        "strategy": lambda pattern, _: (pattern.strategy,),
        "venue": lambda pattern, _: pattern.venues or ("unknown",),
        "token": lambda pattern, names: [names.symbol(token) for token in pattern.tokens],
        "pair": _pair,
        "route": lambda pattern, _: (" > ".join(pattern.venues) or "unknown",),
        "hour": lambda pattern, _: (f"{pattern.time_s // _HOUR_S % 24:02d}:00 UTC",),
        "day": lambda pattern, _: (f"day {pattern.time_s // _DAY_S}",),
        "reason": lambda pattern, _: (f"{pattern.status}: {pattern.reason}" if pattern.reason else pattern.status,),
        "origin": lambda pattern, _: (pattern.origin,),
        "size": lambda pattern, _: (pattern.size or "unknown",),
        "hops": lambda pattern, _: (str(pattern.hops),),
    }
)
"""What a group is called."""
