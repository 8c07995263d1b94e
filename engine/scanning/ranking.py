"""What a cycle is worth after its gas, and which comes first."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from engine.domain.chance import Chance
from engine.domain.hops import PPM
from engine.domain.opportunity import Price, SizedCycle
from engine.domain.pools import Family
from engine.domain.units import Address

GAS_BASE: Final = 40_000
"""Gas of a trade with own funds before its first hop: the transaction and the executor's checks. What borrowing adds
is in planning/capital.py."""

GAS_PER_HOP: Final[Mapping[Family, int]] = MappingProxyType(
    {
        "constant_product": 50_000,
        "concentrated": 67_000,
        "weighted": 75_000,
        "stable": 110_000,
    }
)
"""Gas of one swap with its transfers, by family: rounded up from the receipts of `python -m benchmarks.gas_table`.

A V3 swap that crosses ticks and the first receipt of a token cost more; what a plan may burn is taken from its own
simulation.
"""


def gas_units(families: Iterable[Family]) -> int:
    """Estimate the gas of a route through pools of these families."""
    return GAS_BASE + sum(GAS_PER_HOP[family] for family in families)


def net_wei(profit: int, price: Price, units: int, gas_price_wei: int) -> int:
    """Value a gross profit in raw units, less gas, in wei of the native coin; rounds against the trade."""
    return price.wei(profit) - units * gas_price_wei


def known_price(prices: Mapping[Address, Price], token: Address) -> Price | None:
    """Look a price up; one that is not positive is as unknown as one that is missing."""
    price = prices.get(token)
    return price if price is not None and price.num > 0 and price.den > 0 else None


def expected_wei(net_wei: int, gas_wei: int, bid_share_ppm: int, chance: Chance) -> int:
    """Expect of a cycle what it nets after its bid if it fills, less what it loses if not, each by its chance.

    `net_wei` is before the bid, `gas_wei` its gas without one.
    """
    bid_wei = max(net_wei, 0) * bid_share_ppm // PPM
    lost_wei = (gas_wei + bid_wei) * chance.lost_ppm // PPM
    return (chance.ppm * (net_wei - bid_wei) - (PPM - chance.ppm) * lost_wei) // PPM


def ranked(cycles: Iterable[SizedCycle]) -> list[SizedCycle]:
    """Order by net profit, the greatest first; ties by fewer hops, then by route, so that a seed gives one order."""
    return sorted(cycles, key=_rank)


def _rank(cycle: SizedCycle) -> tuple[int, int, tuple[tuple[str, str], ...]]:
    hops = cycle.route.hops
    return -cycle.net_wei, len(hops), tuple((hop.pool, hop.token_out) for hop in hops)
