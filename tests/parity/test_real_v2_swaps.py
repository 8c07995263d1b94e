"""Swaps that pairs really executed: the reserves before, the amounts, and the legs of labelled arbitrages."""

from typing import Any

import pytest

from engine.domain.pools import ConstantProductPool
from engine.domain.units import Address, PoolId
from engine.venues import constant_product
from tests.parity.shared_data import cases

BPS = 10_000
UNISWAP_FEE_BPS = 30


def pair(pool: str, state: Any, fee_bps: int = UNISWAP_FEE_BPS) -> ConstantProductPool:
    return ConstantProductPool(
        id=PoolId(pool),
        deployment="uniswap_v2",
        tokens=(Address(state["token0"]), Address(state["token1"])),
        fee=fee_bps,
        fee_denominator=BPS,
        reserve0=int(state["reserve0"]),
        reserve1=int(state["reserve1"]),
    )


def keeps_k(swap: Any, fee_bps: int) -> bool:
    """The pair's own rule: the product of the balances, less the fee on what came in, does not fall."""
    adjusted = [int(swap[f"balance{i}_after"]) * BPS - int(swap[f"amount{i}_in"]) * fee_bps for i in (0, 1)]
    return adjusted[0] * adjusted[1] >= int(swap["reserve0"]) * int(swap["reserve1"]) * BPS**2


def executed_swaps(content: Any) -> list[Any]:
    return [pytest.param(s, id=f"{s['tx'][:12]}-{number}") for number, s in enumerate(content)]


@pytest.mark.parametrize("swap", cases("vectors/real_v2_swaps.jsonl.gz", executed_swaps))
def test_executed_swaps_are_quoted_exactly_or_within_the_k_rule(swap: Any) -> None:
    fee_bps = next((fee for fee in range(UNISWAP_FEE_BPS, -1, -1) if keeps_k(swap, fee)), None)
    assert fee_bps is not None, "the product fell even without a fee: not a constant-product pair"
    assert (fee_bps == UNISWAP_FEE_BPS) == swap["k_check_30bps"]
    amounts_in = int(swap["amount0_in"]), int(swap["amount1_in"])
    amounts_out = int(swap["amount0_out"]), int(swap["amount1_out"])
    if all(amounts_in) or all(amounts_out):
        return  # two-sided: no router quotes it, only the K rule above binds
    sold = 0 if amounts_in[0] else 1
    pool = pair(swap["pair"], swap, fee_bps)
    quoted = constant_product.quote_out(pool, pool.tokens[sold], pool.tokens[1 - sold], amounts_in[sold])
    received = amounts_out[1 - sold]
    if swap.get("slack") == "0":
        assert quoted == received
    else:
        assert quoted >= received
    if fee_bps == UNISWAP_FEE_BPS and swap.get("max_out_30bps") is not None:
        assert quoted == int(swap["max_out_30bps"])


def legs_with_state(content: Any) -> list[Any]:
    return [
        pytest.param(leg, id=f"{case['tx'][:12]}-leg{number}")
        for case in content
        for number, leg in enumerate(case["legs"])
        if "pre_state" in leg and leg["protocol"].endswith("_v2") and leg["protocol"] != "balancer_v2"
    ]


@pytest.mark.parametrize("leg", cases("arb_cases_ethereum.json.gz", legs_with_state))
def test_each_leg_of_a_real_arbitrage_is_quoted_exactly(leg: Any) -> None:
    pool = pair(leg["pool"], leg["pre_state"])
    token_in, token_out = Address(leg["token_in"]), Address(leg["token_out"])
    quoted = constant_product.quote_out(pool, token_in, token_out, int(leg["amount_in"]))
    assert quoted == int(leg.get("max_out_30bps", leg["amount_out"]))
    assert quoted >= int(leg["amount_out"])


def cycles_with_full_state(content: Any) -> list[Any]:
    return [pytest.param(case, id=case["tx"][:12]) for case in content if case["all_legs_have_pre_state"]]


@pytest.mark.parametrize("case", cases("arb_cases_ethereum.json.gz", cycles_with_full_state))
def test_a_real_cycle_followed_leg_by_leg_earns_what_it_earned(case: Any) -> None:
    amount = int(case["start_amount"])
    pools: dict[str, ConstantProductPool] = {}
    for leg in case["legs"]:
        pool = pools.get(leg["pool"]) or pair(leg["pool"], leg["pre_state"])
        token_in, token_out = Address(leg["token_in"]), Address(leg["token_out"])
        amount, pools[leg["pool"]] = constant_product.swap(pool, token_in, token_out, amount)
    assert amount - int(case["start_amount"]) >= int(case["profit"])
