"""The planner's minimums: none refuses a trade that the floor would take, and each refuses one that misses it alone."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.domain.hops import packable
from engine.domain.opportunity import Hop, Route
from engine.domain.pools import AnyPool, ConstantProductPool
from engine.domain.units import Address, PoolId
from engine.planning.least_outs import least_outs, swaps_of

A, B = Address("0x" + "aa" * 20), Address("0x" + "bb" * 20)
ONE, OTHER = PoolId("0x" + "11" * 20), PoolId("0x" + "22" * 20)
ROUTE = Route(hops=(Hop(pool=ONE, token_in=A, token_out=B), Hop(pool=OTHER, token_in=B, token_out=A)))
UNIT = 10**18


def pair(pool: PoolId, reserve0: int, reserve1: int) -> ConstantProductPool:
    return ConstantProductPool(
        id=pool,
        deployment="uniswap_v2",
        tokens=(A, B),
        reserve0=reserve0,
        reserve1=reserve1,
        fee=3,
        fee_denominator=1_000,
    )


@given(
    deep=st.integers(min_value=50, max_value=10_000),
    gap_ppm=st.integers(min_value=20_000, max_value=400_000),
    size_ppm=st.integers(min_value=100, max_value=900_000),
    floor_ppm=st.integers(min_value=1, max_value=1_000_000),
    rival_ppm=st.integers(min_value=1, max_value=300_000),
)
def test_no_minimum_refuses_what_the_floor_takes_when_a_rival_trades_first(
    deep: int, gap_ppm: int, size_ppm: int, floor_ppm: int, rival_ppm: int
) -> None:
    pools: dict[PoolId, AnyPool] = {
        ONE: pair(ONE, deep * UNIT, deep * UNIT),
        OTHER: pair(OTHER, deep * UNIT * (1_000_000 + gap_ppm) // 1_000_000, deep * UNIT),
    }
    amount = deep * UNIT * size_ppm // 1_000_000
    outs, after = swaps_of(ROUTE, amount, pools)
    gain = outs[-1] - amount
    assume(gain > 0)
    needed = amount + max(1, gain * floor_ppm // 1_000_000)
    minimums = least_outs(outs, needed)
    assert all(1 <= least <= out for least, out in zip(minimums, outs, strict=True))
    assert after[ONE] != pools[ONE]
    rivals = Route(hops=(ROUTE.hops[0],))
    _, moved = swaps_of(rivals, deep * UNIT * rival_ppm // 1_000_000, pools)
    got, _ = swaps_of(ROUTE, amount, {**pools, **moved})
    if got[-1] >= needed:
        assert all(out >= least for out, least in zip(got, minimums, strict=True))


def test_without_slack_the_minimum_is_the_quote_as_far_as_a_hop_can_carry_it() -> None:
    outs = (123_456_789_012_345_678, 10**18 + 7)
    assert least_outs(outs, outs[-1]) == tuple(packable(out) for out in outs)
    assert least_outs(outs, outs[-1] + 5) == least_outs(outs, outs[-1])


def test_a_hop_may_fall_short_by_twice_what_the_end_may() -> None:
    assert least_outs((1_000, 1_000), 900) == (800, 800)


def test_a_floor_of_next_to_nothing_leaves_a_minimum_of_one() -> None:
    assert least_outs((1_000, 1_000), 100) == (1, 1)


def test_a_route_that_a_pool_refuses_has_no_minimums() -> None:
    empty = replace(pair(OTHER, UNIT, UNIT), reserve0=0)
    outs, after = swaps_of(ROUTE, UNIT, {ONE: pair(ONE, UNIT, UNIT), OTHER: empty})
    assert (outs, after, least_outs(outs, 1)) == ((), {}, ())


def test_a_pool_met_twice_is_quoted_as_its_first_swap_leaves_it() -> None:
    there_and_back = Route(hops=(ROUTE.hops[0], Hop(pool=ONE, token_in=B, token_out=A)))
    pools: dict[PoolId, AnyPool] = {ONE: pair(ONE, 100 * UNIT, 100 * UNIT)}
    outs, after = swaps_of(there_and_back, UNIT, pools)
    assert UNIT * 99 // 100 < outs[-1] < UNIT
    assert isinstance(after[ONE], ConstantProductPool)


@pytest.mark.parametrize("value", [0, 1, 2**24 - 1, 2**24, 2**24 + 1, 10**18 + 1, 2**256 - 1])
def test_rounding_down_loses_less_than_one_part_in_two_to_the_twenty_third(value: int) -> None:
    assert 0 <= value - packable(value) <= value >> 23
    assert packable(packable(value)) == packable(value)
