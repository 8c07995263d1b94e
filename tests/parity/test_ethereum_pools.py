"""Three thousand recorded Ethereum pools, scanned: how much there is to look at must not blow up."""

from functools import lru_cache

import pytest

from engine.domain.opportunity import SizedCycle
from engine.domain.pools import AnyPool, ConcentratedPool
from engine.domain.units import PoolId
from engine.scanning.cycles import screen
from engine.scanning.oracle import oracle_cycles
from engine.scanning.scan import Universe, build_universe, greedy_rounds, scan, update_rates
from engine.venues.table import venue_of
from tests.parity.shared_data import load, why_missing
from tests.real_pools import BASE_TOKENS, RECORDED, pools_of_rows, prices_in_weth

GAS_PRICE_WEI = 30 * 10**9
MOST_A_POOL = 100

pytestmark = pytest.mark.skipif(why_missing(RECORDED) is not None, reason=str(why_missing(RECORDED)))


@lru_cache(maxsize=1)
def recorded() -> tuple[dict[PoolId, AnyPool], Universe]:
    pools = pools_of_rows(load(RECORDED))
    return pools, build_universe(pools, BASE_TOKENS)


def test_every_recorded_pool_but_the_contradictory_ones_is_in_the_universe() -> None:
    pools, universe = recorded()
    rows = load(RECORDED)
    contradictory = [row for row in rows if row.get("tick_matches_price") is False]
    assert len(pools) == len({row["address"] for row in rows}) - len(contradictory)
    assert len(universe.hops) == 2 * len(pools)


def test_what_passes_the_screen_is_little_more_than_what_pays() -> None:
    # the pools are from different blocks, so gaps are many and wide: none of them was there to be taken
    pools, universe = recorded()
    seen = scan(universe, pools, prices=prices_in_weth(pools), gas_price_wei=GAS_PRICE_WEI, floor_wei=0)
    assert seen.unpriced == 0
    assert len(seen.cycles) <= seen.screened <= 2 * len(seen.cycles) + 20
    for cycle in seen.cycles:
        assert quoted(pools, cycle) == cycle.amount_out


def test_a_screen_without_gas_or_floor_lists_all_that_gains_at_the_margin() -> None:
    pools, universe = recorded()
    candidates = screen(universe, prices_in_weth(pools), 0, 0).candidates
    assert len(candidates) < MOST_A_POOL * len(pools)
    assert len({candidate.edges for candidate in candidates}) == len(candidates)


def test_the_oracle_finds_no_more_among_the_pools_of_the_busiest_tokens() -> None:
    pools, _ = recorded()
    prices = prices_in_weth(pools)
    busy = {pool_id: pool for pool_id, pool in pools.items() if set(pool.tokens) <= set(BASE_TOKENS)}
    found = scan(build_universe(busy, BASE_TOKENS), busy, prices=prices, gas_price_wei=10**8, floor_wei=0).cycles
    truth = oracle_cycles(busy, BASE_TOKENS, prices, 10**8, 0)
    assert {cycle.route for cycle in found} == {cycle.route for cycle in truth}


def test_rounds_end_with_a_market_that_has_nothing_left() -> None:
    pools, universe = recorded()
    prices = prices_in_weth(pools)
    state = dict(pools)
    for cycle in greedy_rounds(
        universe, pools, prices=prices, gas_price_wei=GAS_PRICE_WEI, floor_wei=0, max_rounds=100
    ):
        amount = cycle.amount_in
        for hop in cycle.route.hops:
            pool = state[hop.pool]
            amount, state[hop.pool] = venue_of(pool).swap(pool, hop.token_in, hop.token_out, amount)
        assert amount == cycle.amount_out
    left = build_universe(state, BASE_TOKENS)
    assert not scan(left, state, prices=prices, gas_price_wei=GAS_PRICE_WEI, floor_wei=0).cycles


def test_rates_of_all_pools_can_be_read_again() -> None:
    pools, universe = recorded()
    before = universe.rate.copy()
    update_rates(universe, pools, pools)
    assert (universe.rate == before).all()
    in_range = [pool for pool in pools.values() if isinstance(pool, ConcentratedPool) and pool.liquidity]
    assert in_range


def quoted(pools: dict[PoolId, AnyPool], cycle: SizedCycle) -> int:
    amount = cycle.amount_in
    for hop in cycle.route.hops:
        pool = pools[hop.pool]
        amount = venue_of(pool).quote_out(pool, hop.token_in, hop.token_out, amount)
    return amount
