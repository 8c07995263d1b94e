"""Labelled arbitrages of Ethereum: given the pools as they were, the scanner finds the cycle and sizes it as well."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from engine.domain.opportunity import Hop, Price, Route
from engine.domain.pools import AnyPool, ConstantProductPool
from engine.domain.units import Address, PoolId
from engine.scanning.scan import build_universe, find_cycles, greedy_rounds
from engine.venues import constant_product
from tests.parity.shared_data import cases, not_built

FILE = "arb_cases_ethereum.json.gz"
PAIRS = ("uniswap_v2",)  # what the labels call every pair with x·y = k
FEES_BPS = (30, 25, 20, 17, 10, 5, 0)


def each_case(content: Any) -> Iterable[Any]:
    for case in content:
        name = f"{case['tx'][:10]}-{len(case['legs'])}hops"
        if not all(leg.get("pre_state") for leg in case["legs"]):
            yield pytest.param(case, id=name, marks=pytest.mark.skip(reason="recorded without the pools' state"))
        elif other := {leg["protocol"] for leg in case["legs"]} - set(PAIRS):
            yield not_built(case, name, ", ".join(sorted(other)))
        elif len({leg["pool"] for leg in case["legs"]}) < len(case["legs"]):
            yield pytest.param(case, id=name, marks=pytest.mark.skip(reason="uses a pool twice: no simple cycle"))
        else:
            yield pytest.param(case, id=name)


def pool_before(leg: Mapping[str, Any]) -> AnyPool:
    """The pool as it was before the recorded trade, with the highest fee that pays what was recorded."""
    state = leg["pre_state"]
    pools = [
        ConstantProductPool(
            id=PoolId(leg["pool"]),
            deployment="uniswap_v2",
            tokens=(Address(state["token0"]), Address(state["token1"])),
            fee=fee,
            fee_denominator=10_000,
            reserve0=int(state["reserve0"]),
            reserve1=int(state["reserve1"]),
        )
        for fee in FEES_BPS
    ]
    sold, bought = Address(leg["token_in"]), Address(leg["token_out"])
    paid = int(leg["amount_in"]), int(leg["amount_out"])
    return next(pool for pool in pools if constant_product.quote_out(pool, sold, bought, paid[0]) >= paid[1])


@pytest.mark.parametrize("case", cases(FILE, each_case))
def test_finds_the_recorded_arbitrage_and_earns_at_least_as_much(case: Mapping[str, Any]) -> None:
    pools = {pool.id: pool for pool in map(pool_before, case["legs"])}
    token = Address(case["profit_token"])
    prices = {token: Price(num=1, den=1)}
    universe = build_universe(pools, [token], max_hops=max(4, len(case["legs"])))
    found = find_cycles(universe, pools, prices=prices, gas_price_wei=0, floor_wei=0)
    recorded = Route(
        hops=tuple(
            Hop(pool=PoolId(leg["pool"]), token_in=Address(leg["token_in"]), token_out=Address(leg["token_out"]))
            for leg in case["legs"]
        )
    )
    sized = next((cycle for cycle in found if cycle.route == recorded), None)
    assert sized is not None, "the recorded cycle was not found"
    assert sized.profit >= int(case["profit"])
    (first, *_) = greedy_rounds(universe, pools, prices=prices, gas_price_wei=0, floor_wei=0, max_rounds=1)
    assert first == found[0]
