"""Answers of deployed routers and quoters at a block, against the pools' states at that block, to the wei.

Balancer's groups are held by test_balancer_quotes.py; a group of a family without a venue is skipped by name.
"""

from typing import Any

import pytest

from engine.domain.errors import QuoteError
from engine.domain.pools import ConcentratedPool, ConstantProductPool
from engine.domain.units import Address, PoolId
from engine.venues import concentrated, constant_product
from tests.parity.shared_data import cases, load, not_built, why_missing
from tests.positions import pool_with_ticks

STATES = "vectors/onchain_pool_states.json.gz"
HELD_ELSEWHERE = "balancer"
EXACT_IN = ("getAmountsOut", "getAmountOut", "quoteExactInputSingle")
NOT_BUILT = {
    "aerodrome": "Solidly (Aerodrome)",
    "velodrome": "Solidly (Velodrome)",
    "curve": "Curve",
    "create_camelot_v2": "Camelot V2, whose fee depends on the direction",
    "cached_calculations_v4": "Uniswap V4",
}


def constant_product_pool(state: Any) -> ConstantProductPool:
    return ConstantProductPool(
        id=PoolId(state["pool"].lower()),
        deployment=state["dex"],
        tokens=(Address(state["token0"]["symbol"]), Address(state["token1"]["symbol"])),
        fee=state["fee_numer"],
        fee_denominator=state["fee_denom"],
        reserve0=int(state["reserves_token0"]),
        reserve1=int(state["reserves_token1"]),
    )


def concentrated_pool_of(state: Any, symbols: tuple[str, str]) -> ConcentratedPool:
    scalars = state["scalars"]
    return pool_with_ticks(
        sqrt_price_x96=int(scalars["sqrt_price_x96"]),
        fee_ppm=scalars["fee"],
        tick_spacing=scalars["tick_spacing"],
        tick=scalars["tick"],
        liquidity=int(scalars["liquidity"]),
        ticks={int(tick): (int(net), int(gross)) for tick, (gross, net, _) in state["tick_data"].items()},
        tokens=(Address(symbols[0]), Address(symbols[1])),
        pool_id=PoolId(state["pool"].lower()),
    )


def entries(content: Any) -> list[Any]:
    states = [] if why_missing(STATES) else list(load(STATES).values())
    found: list[Any] = []
    for group, quotes in content.items():
        if group.startswith(HELD_ELSEWHERE):
            continue
        family = next((name for prefix, name in NOT_BUILT.items() if group.startswith(prefix)), None)
        for number, entry in enumerate(quotes["entries"]):
            case_id = f"{group}-{number}"
            if family:
                found.append(not_built(None, case_id, family))
                continue
            state = next(
                (s for s in states if s.get("pool") == entry["pool"] and s.get("block") == quotes["block"]), None
            )
            found.append(pytest.param((state, entry), id=case_id))
    return found


@pytest.mark.parametrize("case", cases("vectors/onchain_quotes.json.gz", entries))
def test_quotes_what_the_deployed_contract_answered(case: tuple[Any, Any]) -> None:
    state, entry = case
    assert state is not None, f"no state of pool {entry['pool']} at this block: a family that NOT_BUILT should name?"
    answer = None if entry.get("reverted") else int(entry["value"])
    token_in, token_out = (Address(symbol) for symbol in entry["args"][0].split("->"))
    amount, exact_in = int(entry["args"][-1]), entry["call"] in EXACT_IN
    if "scalars" in state:
        # these states are named "Uniswap V3 WBTC/WETH 0.3%": token0/token1
        token0, token1 = state["name"].split()[-2].split("/")
        pool = concentrated_pool_of(state, (token0, token1))
        assert quoter_answer(pool, token_in, token_out, amount, exact_in) == answer
        return
    pair = constant_product_pool(state)
    quote = constant_product.quote_out if exact_in else constant_product.quote_in
    if answer is None:
        with pytest.raises(QuoteError):
            quote(pair, token_in, token_out, amount)
        return
    assert quote(pair, token_in, token_out, amount) == answer


def quoter_answer(
    pool: ConcentratedPool, token_in: Address, token_out: Address, amount: int, exact_in: bool
) -> int | None:
    """What QuoterV2 answers, None if it reverts: a quote of ours, or the partial fill where ours refuses one."""
    quote = concentrated.quote_out if exact_in else concentrated.quote_in
    try:
        return quote(pool, token_in, token_out, amount)
    except QuoteError:
        pass
    try:
        end = concentrated.walk(pool, token_in == pool.tokens[0], amount, exact_in=exact_in)
    except QuoteError:
        return None
    assert end.remaining > 0
    return end.amount_out if exact_in else end.amount_in
