"""The corners of the Uniswap mathematics: whole reserves, overflows, exact ticks, price limits, dust."""

from dataclasses import replace

import pytest

from engine.domain.errors import QuoteError
from engine.domain.pools import ConstantProductPool
from engine.venues import concentrated, constant_product
from engine.venues.tick_math import MAX_SQRT_RATIO, MAX_TICK, MIN_SQRT_RATIO, MIN_TICK, sqrt_ratio_at, tick_at
from tests.positions import POOL, TOKEN0, TOKEN1, concentrated_pool

PAIR = ConstantProductPool(
    id=POOL,
    deployment="uniswap_v2",
    tokens=(TOKEN0, TOKEN1),
    fee=3,
    fee_denominator=1000,
    reserve0=10**18,
    reserve1=10**18,
)
AROUND_ONE = concentrated_pool(
    sqrt_price_x96=sqrt_ratio_at(0), fee_ppm=3000, tick_spacing=60, positions=[(-60, 60, 10**18), (-600, 600, 10**15)]
)


@pytest.mark.parametrize("wanted", [10**18, 10**18 + 1, 0])
def test_a_pair_cannot_pay_its_whole_reserve_or_nothing(wanted: int) -> None:
    with pytest.raises(QuoteError):
        constant_product.quote_in(PAIR, TOKEN0, TOKEN1, wanted)


def test_a_pair_can_pay_all_but_one_unit() -> None:
    price = constant_product.quote_in(PAIR, TOKEN0, TOKEN1, 10**18 - 1)
    assert constant_product.quote_out(PAIR, TOKEN0, TOKEN1, price) == 10**18 - 1


def test_a_quote_past_the_router_s_256_bits_is_refused() -> None:
    fits = (2**256 - 1) // (997 * 10**18)
    assert constant_product.quote_out(PAIR, TOKEN0, TOKEN1, fits) == 10**18 - 1
    with pytest.raises(QuoteError, match="overflows"):
        constant_product.quote_out(PAIR, TOKEN0, TOKEN1, fits + 1)


def test_a_pair_refuses_reserves_past_112_bits_and_swaps_without_output() -> None:
    with pytest.raises(QuoteError, match="reserve overflows"):
        constant_product.swap(PAIR, TOKEN0, TOKEN1, 2**112 - 10**18)
    assert constant_product.quote_out(PAIR, TOKEN0, TOKEN1, 1) == 0
    with pytest.raises(QuoteError, match="without output"):
        constant_product.swap(PAIR, TOKEN0, TOKEN1, 1)


def test_a_fee_that_ppm_cannot_say_is_not_encoded() -> None:
    with pytest.raises(QuoteError, match="ppm"):
        constant_product.encode(replace(PAIR, fee_denominator=997), TOKEN0, TOKEN1)


@pytest.mark.parametrize("tick", [MIN_TICK, MIN_TICK + 1, -1, 0, 1, 60, MAX_TICK - 1])
def test_a_tick_starts_exactly_at_its_own_ratio(tick: int) -> None:
    ratio = sqrt_ratio_at(tick)
    assert tick_at(ratio) == tick
    if tick > MIN_TICK:
        assert tick_at(ratio - 1) == tick - 1


def test_ticks_and_prices_out_of_range_are_refused() -> None:
    assert (sqrt_ratio_at(MIN_TICK), sqrt_ratio_at(MAX_TICK)) == (MIN_SQRT_RATIO, MAX_SQRT_RATIO)
    for tick in (MIN_TICK - 1, MAX_TICK + 1):
        with pytest.raises(QuoteError):
            sqrt_ratio_at(tick)
    for price in (MIN_SQRT_RATIO - 1, MAX_SQRT_RATIO):
        with pytest.raises(QuoteError):
            tick_at(price)


def test_a_partial_fill_is_a_walk_but_not_a_quote() -> None:
    end = concentrated.walk(AROUND_ONE, True, 10**30)
    assert end.remaining > 0
    assert (end.sqrt_price_x96, end.tick, end.liquidity) == (MIN_SQRT_RATIO + 1, MIN_TICK, 0)
    assert concentrated.quote_out(AROUND_ONE, TOKEN0, TOKEN1, end.amount_in) == end.amount_out
    with pytest.raises(QuoteError, match="whole input"):
        concentrated.quote_out(AROUND_ONE, TOKEN0, TOKEN1, end.amount_in + 1)
    with pytest.raises(QuoteError, match="whole output"):
        concentrated.quote_in(AROUND_ONE, TOKEN0, TOKEN1, end.amount_out + 1)


def test_a_swap_that_ends_on_a_tick_has_crossed_it_only_downwards() -> None:
    down = concentrated.walk(AROUND_ONE, True, 10**30, sqrt_price_limit_x96=sqrt_ratio_at(-60))
    assert (down.tick, down.liquidity) == (-61, 10**15)
    up = concentrated.walk(AROUND_ONE, False, 10**30, sqrt_price_limit_x96=sqrt_ratio_at(60))
    assert (up.tick, up.liquidity) == (60, 10**15)


def test_a_pool_left_on_a_tick_crosses_it_first_on_its_way_back() -> None:
    down = concentrated.walk(AROUND_ONE, True, 10**30, sqrt_price_limit_x96=sqrt_ratio_at(-60))
    received, pool = concentrated.swap(AROUND_ONE, TOKEN0, TOKEN1, down.amount_in)
    assert (received, pool.tick, pool.liquidity) == (down.amount_out, -61, 10**15)
    _, back = concentrated.swap(pool, TOKEN1, TOKEN0, 1000)
    assert (back.tick, back.liquidity) == (-60, 10**18 + 10**15)


@pytest.mark.parametrize("limit", [0, MIN_SQRT_RATIO, sqrt_ratio_at(0), sqrt_ratio_at(1), MAX_SQRT_RATIO])
def test_a_price_limit_on_the_wrong_side_is_refused(limit: int) -> None:
    with pytest.raises(QuoteError, match="past its limit"):
        concentrated.walk(AROUND_ONE, True, 1, sqrt_price_limit_x96=limit)


def test_amounts_past_an_int256_are_refused() -> None:
    with pytest.raises(QuoteError, match="this amount"):
        concentrated.walk(AROUND_ONE, True, 2**255)


def test_dust_pays_its_fee_and_brings_nothing() -> None:
    assert concentrated.quote_out(AROUND_ONE, TOKEN0, TOKEN1, 1) == 0
    assert concentrated.quote_in(AROUND_ONE, TOKEN0, TOKEN1, 1) == 3


def test_a_pool_with_liquidity_only_elsewhere_is_entered_at_its_edge() -> None:
    pool = concentrated_pool(
        sqrt_price_x96=sqrt_ratio_at(0), fee_ppm=500, tick_spacing=10, positions=[(-2000, -1000, 10**18)]
    )
    received, after = concentrated.swap(pool, TOKEN0, TOKEN1, 10**12)
    edge = sqrt_ratio_at(-1000) / 2**96
    assert received == pytest.approx(10**12 * edge**2 * (1 - 500e-6), rel=1e-4)
    assert concentrated.marginal_rate(pool, TOKEN0, TOKEN1) == pytest.approx(edge**2 * (1 - 500e-6))
    assert after.liquidity == 10**18
    assert concentrated.marginal_rate(pool, TOKEN1, TOKEN0) == 0.0


def test_ticks_that_do_not_add_up_are_refused_not_walked() -> None:
    broken = replace(AROUND_ONE, liquidity=10**14)
    with pytest.raises(QuoteError, match="inconsistent"):
        concentrated.quote_out(broken, TOKEN0, TOKEN1, 10**20)
