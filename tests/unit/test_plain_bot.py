"""What the plain bot finds: one fixed size, two pools, the best that pays."""

from __future__ import annotations

from engine.devnet.plain_bot import best_of, turnarounds
from engine.domain.pools import ConstantProductPool
from engine.domain.units import Address, PoolId

ONE, OTHER = Address("0x" + "1" * 40), Address("0x" + "2" * 40)
SIZE = 10**18


def _pool(name: str, reserve0: int, reserve1: int) -> ConstantProductPool:
    return ConstantProductPool(
        id=PoolId(name),
        deployment="uniswap_v2",
        tokens=(ONE, OTHER),
        fee=3,
        fee_denominator=1000,
        reserve0=reserve0 * 10**18,
        reserve1=reserve1 * 10**18,
    )


def test_it_buys_where_the_other_token_is_cheap_and_sells_where_it_is_dear() -> None:
    pools = {pool.id: pool for pool in (_pool("dear", 1_000, 900), _pool("cheap", 900, 1_000), _pool("mid", 950, 950))}
    best = best_of(turnarounds(pools, {ONE: SIZE}), {ONE: 1})
    assert best is not None
    assert (best.token, best.there, best.back, best.amount_in) == (ONE, "cheap", "dear", SIZE)
    assert best.profit > 0


def test_pools_that_agree_pay_nobody() -> None:
    pools = {pool.id: pool for pool in (_pool("a", 1_000, 1_000), _pool("b", 2_000, 2_000))}
    found = list(turnarounds(pools, {ONE: SIZE, OTHER: SIZE}))
    assert len(found) == 4
    assert max(one.profit for one in found) < 0
    assert best_of(iter(found), {ONE: 1, OTHER: 1}) is None


def test_a_profit_below_the_least_is_left() -> None:
    pools = {pool.id: pool for pool in (_pool("a", 1_000, 950), _pool("b", 950, 1_000))}
    (best,) = [one for one in turnarounds(pools, {ONE: SIZE}) if one.profit > 0]
    assert best_of(iter([best]), {ONE: best.profit}) == best
    assert best_of(iter([best]), {ONE: best.profit + 1}) is None
