"""The recorded Ethereum pools of the shared data as values, with prices read off the deepest WETH pairs."""

from collections.abc import Mapping
from typing import Any

from engine.domain.opportunity import Price
from engine.domain.pools import AnyPool, ConcentratedPool, ConstantProductPool
from engine.domain.units import Address, PoolId
from tests.positions import pool_with_ticks

RECORDED = "pools/eth_blocks_17104931-17106109_v2_v3.jsonl.gz"

WETH = Address("0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2")
BASE_TOKENS = (
    WETH,
    Address("0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"),  # USDC
    Address("0xdac17f958d2ee523a2206206994597c13d831ec7"),  # USDT
    Address("0x6b175474e89094c44da98b954eedeac495271d0f"),  # DAI
    Address("0x2260fac5e5542a773aa44fbcfedf7c193bc2c599"),  # WBTC
)


def pool_of_row(row: Mapping[str, Any]) -> AnyPool | None:
    """Make a pool of a recorded row; None for the few whose tick contradicts their price.

    The V3 rows have no tick map, only what is inside the current range: the pool gets that one range as its only
    position, so that every quote is true and every amount that would leave the range is refused.
    """
    tokens = (Address(row["token0"]), Address(row["token1"]))
    if row["kind"] == "v2":
        return ConstantProductPool(
            id=PoolId(row["address"]),
            deployment=row["dex"],
            tokens=tokens,
            fee=row["fee_ppm"] // 1000,
            fee_denominator=1000,
            reserve0=int(row["reserve0"]),
            reserve1=int(row["reserve1"]),
        )
    if not row["tick_matches_price"]:
        return None
    spacing, liquidity = row["tick_spacing"], int(row["liquidity"])
    lower = row["tick"] // spacing * spacing
    inside: dict[int, tuple[int, int]] = {}
    if liquidity:
        inside = {lower: (liquidity, liquidity), lower + spacing: (-liquidity, liquidity)}
    return pool_with_ticks(
        sqrt_price_x96=int(row["sqrt_price_x96"]),
        fee_ppm=row["fee_ppm"],
        tick_spacing=spacing,
        tick=row["tick"],
        liquidity=liquidity,
        ticks=inside,
        tokens=tokens,
        pool_id=PoolId(row["address"]),
    )


def pools_of_rows(rows: list[Mapping[str, Any]]) -> dict[PoolId, AnyPool]:
    """Make all the pools that can be made."""
    made = (pool_of_row(row) for row in rows)
    return {pool.id: pool for pool in made if pool is not None}


def prices_in_weth(pools: Mapping[PoolId, AnyPool]) -> dict[Address, Price]:
    """Price the base tokens by their deepest constant-product pair with WETH."""
    prices = {WETH: Price(num=1, den=1)}
    deepest: dict[Address, int] = {}
    for pool in pools.values():
        if not isinstance(pool, ConstantProductPool) or WETH not in pool.tokens:
            continue
        token = pool.tokens[1] if pool.tokens[0] == WETH else pool.tokens[0]
        weth, other = (pool.reserve0, pool.reserve1) if pool.tokens[0] == WETH else (pool.reserve1, pool.reserve0)
        if token in BASE_TOKENS and weth > deepest.get(token, 0):
            deepest[token] = weth
            prices[token] = Price(num=weth, den=other)
    return prices


def concentrated(pools: Mapping[PoolId, AnyPool]) -> dict[PoolId, AnyPool]:
    """Keep the concentrated pools."""
    return {pool_id: pool for pool_id, pool in pools.items() if isinstance(pool, ConcentratedPool)}
