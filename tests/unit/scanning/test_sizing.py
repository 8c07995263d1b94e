"""Sizes by closed form and by search, against every amount there is."""

from random import Random

import pytest

from engine.domain.errors import QuoteError
from engine.domain.opportunity import Route
from engine.domain.pools import AnyPool, ConstantProductPool, StablePool, WeightedPool
from engine.domain.units import Address, PoolId
from engine.scanning.moebius import best_of_constant_products
from engine.scanning.search import UNDEFINED, maximise
from engine.scanning.sizing import best_size, legs_of, profit, quotes
from tests.positions import pool_with_ticks
from tests.unit.scanning.pairs import DAI, ETH, UNI, WETH, by_id, pair, route

WAD = 10**18


def tiny(number: int, token0: Address, token1: Address, reserve0: int, reserve1: int) -> ConstantProductPool:
    """A pair of raw units so few that every amount can be tried."""
    return ConstantProductPool(
        id=PoolId(f"0x{number:040x}"),
        deployment="uniswap_v2",
        tokens=(token0, token1),
        fee=3,
        fee_denominator=1000,
        reserve0=reserve0,
        reserve1=reserve1,
    )


def in_one_range(number: int, token0: Address, token1: Address, liquidity: int, reach: int) -> AnyPool:
    """A concentrated pool at price 1 with one position `reach` ticks either way."""
    return pool_with_ticks(
        sqrt_price_x96=2**96,
        fee_ppm=500,
        tick_spacing=10,
        tick=0,
        liquidity=liquidity,
        ticks={-reach: (liquidity, liquidity), reach: (-liquidity, liquidity)},
        tokens=(token0, token1),
        pool_id=PoolId(f"0x{number:040x}"),
    )


def test_the_closed_form_is_where_the_textbook_says() -> None:
    # equal pools of r_in 1000 and r_out 1210 without a fee: K/M = 1.21², x = (√(K·M) − M)/N
    first, second = pair(1, WETH, DAI, 1000, 1210, fee=0), pair(2, DAI, WETH, 1000, 1210, fee=0)
    assert isinstance(first, ConstantProductPool)
    assert isinstance(second, ConstantProductPool)
    best = best_of_constant_products([(first, WETH, DAI), (second, DAI, WETH)])
    assert best == pytest.approx(1000 * ETH * 0.21 / 2.21, rel=1e-12)


def test_a_cycle_at_one_price_has_no_size() -> None:
    first, second = pair(1, WETH, DAI, 1000, 1000), pair(2, WETH, DAI, 1000, 1000)
    cycle = route((first, WETH, DAI), (second, DAI, WETH))
    assert best_size(legs_of(cycle, by_id(first, second))) is None


def test_no_amount_beats_the_size_of_constant_product_cycles() -> None:
    rng = Random(11)
    sized = 0
    for _ in range(60):
        hops = rng.randint(2, 4)
        tokens = [WETH, DAI, UNI, Address("0x" + "e" * 40)][:hops]
        pools = [
            tiny(i, tokens[i], tokens[(i + 1) % hops], rng.randint(300, 4000), rng.randint(300, 4000))
            for i in range(hops)
        ]
        cycle = route(*((pool, pool.tokens[0], pool.tokens[1]) for pool in pools))
        legs = legs_of(cycle, by_id(*pools))
        best = max(profit(legs, amount) for amount in range(1, 3000))
        found = best_size(legs)
        if best <= 0:
            assert found is None or found[1] - found[0] <= 0
            continue
        sized += 1
        # two plateaus of a staircase of small units can differ where the climb from one cannot see the other
        assert found is not None, best
        assert found[1] - found[0] >= best - hops
    assert sized > 15


def test_the_least_input_of_a_plateau_is_taken() -> None:
    # DAI has so few units that thousands of wei buy the same amount of it
    coarse = ConstantProductPool(
        id=PoolId("0x" + "1" * 40),
        deployment="uniswap_v2",
        tokens=(WETH, DAI),
        fee=3,
        fee_denominator=1000,
        reserve0=10**9,
        reserve1=10**5,
    )
    back = ConstantProductPool(
        id=PoolId("0x" + "2" * 40),
        deployment="uniswap_v2",
        tokens=(DAI, WETH),
        fee=3,
        fee_denominator=1000,
        reserve0=10**5,
        reserve1=12 * 10**8,
    )
    cycle = route((coarse, WETH, DAI), (back, DAI, WETH))
    legs = legs_of(cycle, by_id(coarse, back))
    found = best_size(legs)
    assert found is not None
    amount_in, amount_out = found
    assert quotes(legs, amount_in)[1] > quotes(legs, amount_in - 1)[1]
    assert amount_out - amount_in == max(profit(legs, x) for x in range(amount_in - 50_000, amount_in + 50_000))


@pytest.mark.parametrize("reach", [10, 100, 1000])
def test_a_range_that_ends_before_the_optimum_is_used_to_its_end(reach: int) -> None:
    ranged = in_one_range(1, WETH, DAI, 100 * ETH, reach)
    rich = pair(2, DAI, WETH, 100_000, 150_000)
    cycle = route((ranged, WETH, DAI), (rich, DAI, WETH))
    legs = legs_of(cycle, by_id(ranged, rich))
    found = best_size(legs)
    assert found is not None
    with pytest.raises(QuoteError):
        quotes(legs, found[0] + 2)
    assert found[1] - found[0] >= profit(legs, found[0] - 1) - 2  # rounding, a unit a hop


def balancer_cycle(stable_first: bool) -> tuple[Route, dict[PoolId, AnyPool]]:
    weighted = WeightedPool(
        id=PoolId("0x" + "5" * 40),
        deployment="balancer_v2",
        tokens=(WETH, DAI),
        balancer_id="0x" + "5" * 64,
        balances=(100 * ETH, 120 * ETH),
        weights=(WAD // 2, WAD // 2),
        scaling=(1, 1),
        fee=WAD // 1000,
    )
    stable = StablePool(
        id=PoolId("0x" + "6" * 40),
        deployment="balancer_v2",
        tokens=(WETH, DAI),
        balancer_id="0x" + "6" * 64,
        balances=(500 * ETH, 500 * ETH),
        amp=200_000,
        scaling=(1, 1),
        fee=WAD // 2500,
    )
    if stable_first:
        return route((stable, DAI, WETH), (weighted, WETH, DAI)), by_id(weighted, stable)
    return route((weighted, WETH, DAI), (stable, DAI, WETH)), by_id(weighted, stable)


@pytest.mark.parametrize("stable_first", [False, True])
@pytest.mark.parametrize("guess", [0, ETH // 100, ETH, 10**25])
def test_a_search_finds_the_same_size_from_any_guess(stable_first: bool, guess: int) -> None:
    legs = legs_of(*balancer_cycle(stable_first))
    found = best_size(legs, guess)
    assert found is not None
    best = max(profit(legs, ETH * tenths // 10) for tenths in range(1, 1000))
    assert found[1] - found[0] >= best > ETH // 2


def test_the_search_climbs_to_an_edge_past_which_there_is_nothing() -> None:
    assert maximise(lambda x: x * x if x <= 123_456_789_012_345_678 else UNDEFINED, 1000) == 123_456_789_012_345_678


def test_the_search_is_not_led_astray_by_a_staircase() -> None:
    peak, step = 7 * 10**20, 10**13

    def terrace(x: int) -> int:
        return 10**19 - (x - peak) ** 2 // 10**23 - x % step

    found = maximise(terrace, 10**19)
    assert terrace(found) >= terrace(peak) - 2 * step
