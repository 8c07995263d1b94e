"""The scan as the loop uses it: universes, changed pools, unknown prices, rounds."""

import pytest

from engine.domain.opportunity import Price
from engine.domain.pools import AnyPool, StablePool
from engine.domain.units import Address, PoolId
from engine.scanning.oracle import oracle_cycles, oracle_profit_wei
from engine.scanning.scan import build_universe, find_cycles, greedy_rounds, scan, swapped, update_rates
from engine.venues.tick_math import tick_at
from tests.positions import pool_with_ticks
from tests.unit.scanning.pairs import DAI, ETH, LINK, ONE_TO_ONE, UNI, WETH, by_id, pair, route

FREE = {"gas_price_wei": 0, "floor_wei": 0}
PRICES = {WETH: ONE_TO_ONE, DAI: ONE_TO_ONE}


def test_a_gap_between_two_pairs_is_found_once_and_in_its_direction() -> None:
    cheap, dear = pair(1, WETH, DAI, 1000, 1100), pair(2, WETH, DAI, 1000, 1000)
    pools = by_id(cheap, dear)
    (found,) = find_cycles(build_universe(pools, [WETH]), pools, prices=PRICES, **FREE)
    assert found.route == route((cheap, WETH, DAI), (dear, DAI, WETH))
    assert found.net_wei == found.profit > 0


def test_a_cycle_through_two_base_tokens_starts_at_the_first() -> None:
    pools = by_id(pair(1, WETH, DAI, 1000, 1100), pair(2, WETH, DAI, 1000, 1000))
    for bases in ([WETH, DAI], [DAI, WETH]):
        (found,) = find_cycles(build_universe(pools, bases), pools, prices=PRICES, **FREE)
        assert found.route.token == bases[0]


def test_a_token_without_a_price_is_unprofitable_and_counted() -> None:
    pools = by_id(pair(1, WETH, DAI, 1000, 1100), pair(2, WETH, DAI, 1000, 1000))
    seen = scan(build_universe(pools, [WETH]), pools, prices={DAI: ONE_TO_ONE}, **FREE)
    assert (seen.cycles, seen.screened, seen.unpriced) == ([], 0, 1)


def test_gas_and_the_floor_decide_what_is_worth_reporting() -> None:
    pools = by_id(pair(1, WETH, DAI, 1000, 1100), pair(2, WETH, DAI, 1000, 1000))
    universe = build_universe(pools, [WETH])
    (free,) = find_cycles(universe, pools, prices=PRICES, **FREE)
    gas_price = free.profit // (2 * free.gas_units)
    (paid,) = find_cycles(universe, pools, prices=PRICES, gas_price_wei=gas_price, floor_wei=0)
    assert paid.net_wei == free.profit - gas_price * free.gas_units
    assert find_cycles(universe, pools, prices=PRICES, gas_price_wei=gas_price, floor_wei=paid.net_wei - 1)
    assert not find_cycles(universe, pools, prices=PRICES, gas_price_wei=gas_price, floor_wei=paid.net_wei)


def test_a_changed_pool_is_seen_only_through_its_rates() -> None:
    calm, still = pair(1, WETH, DAI, 1000, 1000), pair(2, WETH, DAI, 1000, 1000)
    pools = by_id(calm, still)
    universe = build_universe(pools, [WETH])
    assert not find_cycles(universe, pools, prices=PRICES, **FREE)
    pools[calm.id] = pair(1, WETH, DAI, 1000, 1100)
    update_rates(universe, pools, [calm.id])
    assert len(find_cycles(universe, pools, prices=PRICES, **FREE)) == 1
    pools[calm.id] = calm
    update_rates(universe, pools, [calm.id])
    assert not find_cycles(universe, pools, prices=PRICES, **FREE)


def test_a_pool_that_came_later_needs_a_new_universe() -> None:
    pools = by_id(pair(1, WETH, DAI, 1000, 1000))
    universe = build_universe(pools, [WETH])
    late = pair(2, WETH, DAI, 1000, 1100)
    with pytest.raises(KeyError):
        update_rates(universe, by_id(*pools.values(), late), [late.id])


def test_more_cycles_than_the_first_buffer_holds_are_all_reported() -> None:
    # each of 100 pairs has its own price, so of every two of them one direction gains: 4,950 cycles
    pools = by_id(*(pair(n, WETH, DAI, 1000, 1000 + 20 * n) for n in range(1, 101)))
    universe = build_universe(pools, [WETH])
    assert len(find_cycles(universe, pools, prices=PRICES, **FREE)) == 4950


@pytest.mark.parametrize("narrow", [0, 1, 2, 3])
@pytest.mark.parametrize("deep", [10**4, 10**7])
def test_a_cycle_that_just_beats_the_floor_is_found_wherever_its_bottleneck_is(narrow: int, deep: int) -> None:
    tokens = [WETH, DAI, UNI, LINK]
    hops = list(zip(tokens, tokens[1:] + tokens[:1], strict=True))
    pools = [pair(n, given, taken, deep, deep + deep // 5 * (n == 1)) for n, (given, taken) in enumerate(hops)]
    given, taken = hops[narrow]
    gain = 1.2 if narrow == 1 else 1.0
    root = int(2**96 * gain**0.5) if given < taken else int(2**96 / gain**0.5)
    tick = tick_at(root) // 10 * 10
    pools[narrow] = pool_with_ticks(
        sqrt_price_x96=root,
        fee_ppm=500,
        tick_spacing=10,
        tick=tick_at(root),
        liquidity=1000 * ETH,
        ticks={tick - 50: (1000 * ETH, 1000 * ETH), tick + 60: (-1000 * ETH, 1000 * ETH)},
        tokens=(min(given, taken), max(given, taken)),
        pool_id=pools[narrow].id,
    )
    market = by_id(*pools)
    universe = build_universe(market, [WETH])
    (best,) = find_cycles(universe, market, prices=PRICES, **FREE)
    assert len(best.route.hops) == 4
    assert find_cycles(universe, market, prices=PRICES, gas_price_wei=0, floor_wei=best.net_wei - 1) == [best]


def test_a_bottleneck_is_no_tighter_than_it_is_where_no_pool_gives_more() -> None:
    # the first pool has DAI but no WETH to give back, so that all the ways back to WETH are as narrow as the last pool
    def ranged(number: int, token: Address, lower: int, upper: int, inside: int) -> AnyPool:
        amount = 1000 * ETH
        return pool_with_ticks(
            sqrt_price_x96=2**96,
            fee_ppm=500,
            tick_spacing=10,
            tick=0,
            liquidity=inside * amount,
            ticks={lower: (amount, amount), upper: (-amount, amount)},
            tokens=(WETH, token),
            pool_id=PoolId(f"0x{number:040x}"),
        )

    pools = by_id(ranged(1, DAI, -600, 0, 0), pair(2, DAI, UNI, 10**7, 12 * 10**6), ranged(3, UNI, -50, 50, 1))
    universe = build_universe(pools, [WETH])
    (best,) = find_cycles(universe, pools, prices=PRICES, **FREE)
    assert len(best.route.hops) == 3
    assert find_cycles(universe, pools, prices=PRICES, gas_price_wei=0, floor_wei=best.net_wei - 1) == [best]


def test_an_empty_universe_has_no_cycles() -> None:
    universe = build_universe({}, [WETH])
    assert find_cycles(universe, {}, prices=PRICES, **FREE) == []
    assert greedy_rounds(universe, {}, prices=PRICES, max_rounds=3, **FREE) == []


def test_empty_pools_and_an_amplification_on_the_move_lead_nowhere() -> None:
    moving = StablePool(
        id=PoolId("0x" + "7" * 40),
        deployment="balancer_v2",
        tokens=(WETH, DAI),
        balancer_id="0x" + "7" * 64,
        balances=(10 * ETH, 20 * ETH),
        amp=100_000,
        scaling=(1, 1),
        fee=10**15,
        amp_updating=True,
    )
    pools = by_id(pair(1, WETH, DAI, 0, 0), pair(2, WETH, DAI, 1000, 1100), moving)
    assert find_cycles(build_universe(pools, [WETH]), pools, prices=PRICES, **FREE) == []


def test_a_cycle_of_one_hop_cannot_be_asked_for() -> None:
    with pytest.raises(ValueError, match="at least 2 hops"):
        build_universe({}, [WETH], max_hops=1)


def square() -> dict[PoolId, AnyPool]:
    """Four tokens around which a gain runs, and a parallel pair that shares it."""
    return by_id(
        pair(1, WETH, DAI, 1000, 1100),
        pair(2, DAI, UNI, 1000, 1000),
        pair(3, UNI, LINK, 1000, 1000),
        pair(4, LINK, WETH, 1000, 1000),
        pair(5, DAI, WETH, 500, 500),
    )


def test_longer_cycles_need_more_hops() -> None:
    pools = square()
    lengths = [
        sorted(len(c.route.hops) for c in find_cycles(build_universe(pools, [WETH], n), pools, prices=PRICES, **FREE))
        for n in (2, 3, 4)
    ]
    assert lengths == [[2], [2], [2, 4]]


def test_rounds_leave_each_other_what_they_report() -> None:
    pools = square()
    universe = build_universe(pools, [WETH])
    rates = universe.rate.copy()
    taken = greedy_rounds(universe, pools, prices=PRICES, max_rounds=9, **FREE)
    assert len(taken) > 1
    assert pools == square()
    assert (universe.rate == rates).all()
    state = dict(pools)
    for number, cycle in enumerate(taken):
        (again, *_) = find_cycles(build_universe(state, [WETH]), state, prices=PRICES, **FREE)
        assert again == cycle, number
        state.update(swapped(state, cycle))
    total = sum(cycle.net_wei for cycle in taken)
    apart = sum(cycle.net_wei for cycle in find_cycles(universe, pools, prices=PRICES, **FREE))
    assert total < apart  # what shares a pool does not add up


def test_one_round_takes_the_best_cycle_and_none_takes_nothing() -> None:
    pools = square()
    universe = build_universe(pools, [WETH])
    (best, *_) = find_cycles(universe, pools, prices=PRICES, **FREE)
    assert greedy_rounds(universe, pools, prices=PRICES, max_rounds=1, **FREE) == [best]
    assert greedy_rounds(universe, pools, prices=PRICES, max_rounds=0, **FREE) == []


def test_the_oracle_agrees_on_a_market_small_enough_to_read() -> None:
    pools = square()
    found = find_cycles(build_universe(pools, [WETH]), pools, prices=PRICES, **FREE)
    truth = oracle_cycles(pools, [WETH], PRICES, 0, 0)
    assert [c.route for c in truth] == [c.route for c in found]
    assert all(ours.profit >= theirs.profit for ours, theirs in zip(found, truth, strict=True))
    assert oracle_profit_wei(pools, [WETH], PRICES, 0, 0, max_rounds=1) <= found[0].net_wei


def test_the_oracle_takes_nothing_from_a_market_without_gaps() -> None:
    pools = by_id(pair(1, WETH, DAI, 1000, 1000), pair(2, WETH, DAI, 500, 500))
    assert oracle_profit_wei(pools, [WETH, Address("0x" + "9" * 40)], {WETH: Price(num=1, den=1)}, 0, 0) == 0
