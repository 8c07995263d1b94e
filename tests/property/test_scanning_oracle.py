"""The scanner against the brute-force oracle: nothing missed, nothing invented, nothing sized worse."""

import math
from collections.abc import Iterable, Mapping

import pytest
from hypothesis import settings

from engine.domain.opportunity import Hop, SizedCycle
from engine.domain.pools import AnyPool, ConcentratedPool, ConstantProductPool
from engine.domain.units import Address, PoolId
from engine.scanning.oracle import oracle_cycles, oracle_profit_wei
from engine.scanning.ranking import gas_units
from engine.scanning.scan import build_universe, find_cycles, greedy_rounds
from engine.venues.table import venue_of
from tests.property.random_universes import Market, random_market

UNIVERSES = 2 * settings().max_examples
"""200; 40 in make quick."""
BATCH = 20
EXHAUSTIVE = range(1000, 1200)
GREEDY = 60
ROUNDS = 3
RELATIVE = 2.0**-40  # of a profit, that a search may leave: it stops where a bracket hides less than 2^-44
BALANCER_NOISE = 1e-17  # of a balance: the vault's fixed-point powers and invariants have 18 digits

batches = pytest.mark.parametrize("first", range(0, UNIVERSES, BATCH))


def rounding(pool: AnyPool, hop: Hop) -> tuple[float, float]:
    """How much (of token in, of token out) the pool's own rounding may take from one quote, in raw units."""
    if isinstance(pool, ConstantProductPool):
        return 0.0, 1.0
    if isinstance(pool, ConcentratedPool):
        # a step of the walk rounds both amounts by a unit, and by one unit of the Q64.96 root price
        price = pool.sqrt_price_x96
        unit0, unit1 = 1 + pool.liquidity * 2**96 / price**2, 1 + pool.liquidity / 2**96
        steps = 2 + len(pool.tick_index)
        return (steps * unit0, steps * unit1) if hop.token_in == pool.tokens[0] else (steps * unit1, steps * unit0)
    return 1.0, 2 + BALANCER_NOISE * pool.balances[pool.tokens.index(hop.token_out)]


def tolerance(pools: Mapping[PoolId, AnyPool], cycle: SizedCycle) -> float:
    """What rounding alone may make of a profit, in raw units: every hop's rounding at the rate it has from there on.

    Profit over the integers is a concave curve less a staircase of this height. Two searches for its maximum that
    are both right can stand on a high and on a low point of it, on either side.
    """
    height, onward = 0.0, 1.0
    for hop in reversed(cycle.route.hops):
        pool = pools[hop.pool]
        rate = venue_of(pool).marginal_rate(pool, hop.token_in, hop.token_out)
        taken, given = rounding(pool, hop)
        height += (given + rate * taken) * onward
        onward *= rate
    return 1 + 2 * height + RELATIVE * cycle.profit


def scanned(market: Market) -> list[SizedCycle]:
    universe = build_universe(market.pools, market.base_tokens)
    return find_cycles(
        universe,
        market.pools,
        prices=market.prices,
        gas_price_wei=market.gas_price_wei,
        floor_wei=market.floor_wei,
    )


def brute_force(market: Market, *, exhaustive: bool = False) -> list[SizedCycle]:
    return oracle_cycles(
        market.pools,
        market.base_tokens,
        market.prices,
        market.gas_price_wei,
        market.floor_wei,
        exhaustive=exhaustive,
    )


def margin(market: Market, cycle: SizedCycle) -> float:
    """By how much a cycle beats the floor, in raw units of its token."""
    price = market.prices[cycle.route.token]
    return (cycle.net_wei - market.floor_wei) * price.den / price.num


def compare(seed: int, market: Market, found: Iterable[SizedCycle], truth: Iterable[SizedCycle]) -> None:
    ours = {cycle.route: cycle for cycle in found}
    real = {cycle.route: cycle for cycle in truth}
    for route, cycle in real.items():
        slack = tolerance(market.pools, cycle)
        if route in ours:
            assert ours[route].profit >= cycle.profit - slack, f"universe {seed}: {ours[route]} is less than {cycle}"
        else:
            assert margin(market, cycle) <= slack, f"universe {seed}: missed {cycle}"
    for route in ours.keys() - real.keys():  # the oracle's own sizing may fall short of the floor by as much
        cycle = ours[route]
        assert margin(market, cycle) <= tolerance(market.pools, cycle), f"universe {seed}: invented {cycle}"


def check_that_the_pools_pay(market: Market, cycle: SizedCycle) -> None:
    hops = cycle.route.hops
    assert cycle.route.closed
    assert 2 <= len(hops) <= 4
    assert len({hop.pool for hop in hops}) == len(hops)
    assert len({hop.token_in for hop in hops}) == len(hops)
    passed = {hop.token_in for hop in hops}
    assert cycle.route.token == next(token for token in market.base_tokens if token in passed)
    amount = cycle.amount_in
    for hop in hops:
        pool = market.pools[hop.pool]
        amount = venue_of(pool).quote_out(pool, hop.token_in, hop.token_out, amount)
    assert amount == cycle.amount_out > cycle.amount_in
    assert cycle.gas_units == gas_units(market.pools[hop.pool].family for hop in hops)
    worth = market.prices[cycle.route.token].wei(cycle.profit)
    assert cycle.net_wei == worth - cycle.gas_units * market.gas_price_wei > market.floor_wei


@batches
def test_misses_nothing_invents_nothing_and_sizes_as_well_as_the_oracle(first: int) -> None:
    for seed in range(first, first + BATCH):
        market = random_market(seed)
        found = scanned(market)
        compare(seed, market, found, brute_force(market))
        assert [c.net_wei for c in found] == sorted((c.net_wei for c in found), reverse=True)
        assert len({c.route for c in found}) == len(found)
        for cycle in found:
            check_that_the_pools_pay(market, cycle)


def test_misses_nothing_even_where_no_marginal_rate_picks_the_candidates() -> None:
    small = [(seed, market) for seed in EXHAUSTIVE if len((market := random_market(seed)).pools) <= 9]
    assert len(small) >= 20
    for seed, market in small:
        compare(seed, market, scanned(market), brute_force(market, exhaustive=True))


def test_greedy_rounds_take_about_what_the_oracle_takes_and_each_is_exact_on_what_is_left() -> None:
    for seed in range(GREEDY):
        market = random_market(seed)
        before = dict(market.pools)
        taken = greedy_rounds(
            build_universe(market.pools, market.base_tokens),
            market.pools,
            prices=market.prices,
            gas_price_wei=market.gas_price_wei,
            floor_wei=market.floor_wei,
            max_rounds=ROUNDS,
        )
        assert market.pools == before
        state = dict(market.pools)
        for cycle in taken:
            amount = cycle.amount_in
            for hop in cycle.route.hops:
                pool = state[hop.pool]
                amount, state[hop.pool] = venue_of(pool).swap(pool, hop.token_in, hop.token_out, amount)
            assert amount == cycle.amount_out
        total = sum(cycle.net_wei for cycle in taken)
        most = oracle_profit_wei(
            market.pools,
            market.base_tokens,
            market.prices,
            market.gas_price_wei,
            market.floor_wei,
            max_rounds=ROUNDS,
        )
        # nearly equal choices in one round lead to different rounds after it
        assert math.isclose(total, most, rel_tol=0.02, abs_tol=1e9), f"universe {seed}: {total} against {most}"


def test_a_base_token_that_no_pool_trades_changes_nothing() -> None:
    market = random_market(3)
    stranger = Address("0x" + "99" * 20)
    universe = build_universe(market.pools, (stranger, *market.base_tokens))
    assert universe.base_tokens == market.base_tokens
