"""Concentrated pools built for tests from the positions that people opened in them."""

from collections.abc import Iterable
from types import MappingProxyType

from engine.domain.pools import ConcentratedPool
from engine.domain.units import Address, PoolId
from engine.venues.tick_math import tick_at

TOKEN0 = Address("0x" + "a0" * 20)
TOKEN1 = Address("0x" + "b1" * 20)
POOL = PoolId("0x" + "c2" * 20)


def concentrated_pool(
    *,
    sqrt_price_x96: int,
    fee_ppm: int,
    tick_spacing: int,
    positions: Iterable[tuple[int, int, int]] = (),
    tick: int | None = None,
) -> ConcentratedPool:
    """Open `positions` of (lower tick, upper tick, liquidity) in a pool at this price."""
    at = tick_at(sqrt_price_x96) if tick is None else tick
    ticks: dict[int, tuple[int, int]] = {}
    liquidity = 0
    for lower, upper, amount in positions:
        for edge, net in ((lower, amount), (upper, -amount)):
            old_net, old_gross = ticks.get(edge, (0, 0))
            ticks[edge] = (old_net + net, old_gross + amount)
        liquidity += amount if lower <= at < upper else 0
    return pool_with_ticks(
        sqrt_price_x96=sqrt_price_x96,
        fee_ppm=fee_ppm,
        tick_spacing=tick_spacing,
        tick=at,
        liquidity=liquidity,
        ticks=ticks,
    )


def pool_with_ticks(
    *,
    sqrt_price_x96: int,
    fee_ppm: int,
    tick_spacing: int,
    tick: int,
    liquidity: int,
    ticks: dict[int, tuple[int, int]],
    tokens: tuple[Address, Address] = (TOKEN0, TOKEN1),
    pool_id: PoolId = POOL,
) -> ConcentratedPool:
    """Take a pool's state as it is; `ticks` is tick -> (net, gross)."""
    return ConcentratedPool(
        id=pool_id,
        deployment="uniswap_v3",
        tokens=tokens,
        fee_ppm=fee_ppm,
        tick_spacing=tick_spacing,
        sqrt_price_x96=sqrt_price_x96,
        tick=tick,
        liquidity=liquidity,
        ticks=MappingProxyType(dict(ticks)),
        tick_index=tuple(sorted(ticks)),
    )
