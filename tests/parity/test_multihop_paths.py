"""Real paths of three hops: what the chain did is the truth; the predictions recorded beside it are wrong by design.

So are some of the tick maps (they do not add up to the liquidity), so a V3 hop is held only where the chain's own
price, tick and liquidity are given block by block.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from engine.domain.pools import ConcentratedPool, ConstantProductPool
from engine.domain.units import Address, PoolId
from engine.venues import concentrated, constant_product
from tests.parity.shared_data import cases, files, not_built
from tests.positions import pool_with_ticks

FOLDER = "multihop_paths"
# stETH moves shares: what a pair sends may arrive a wei or two short, whatever the pair's own arithmetic says
ARRIVES_SHORT = {Address("0xae7ab96520de3a18e5e111b5eaab095312d7fe84"): 2}


def address(text: str) -> Address:
    return Address("0x" + text[-40:].lower())


def concentrated_pool_of(state: Any) -> ConcentratedPool:
    return pool_with_ticks(
        sqrt_price_x96=int(state["sqrt_price_x96"]),
        fee_ppm=state["fee"] if "fee" in state else state["fee_token0"],
        tick_spacing=state["tick_spacing"],
        tick=state["tick"],
        liquidity=int(state["liquidity"]),
        ticks={
            int(tick): (int(row["liquidity_net"]), int(row["liquidity_gross"]))
            for tick, row in state["tick_data"].items()
        },
        tokens=(address(state["token0"]), address(state["token1"])),
        pool_id=PoolId(address(state["address"])),
    )


def constant_product_pool(state: Any) -> ConstantProductPool:
    denominator = state.get("fee_denom", state.get("fee_denominator", 1000))
    fee = denominator - state["fee_gamma"] if "fee_gamma" in state else state.get("fee_token0", 3)
    return ConstantProductPool(
        id=PoolId(address(state["address"])),
        deployment=state["family"],
        tokens=(address(state["token0"]), address(state["token1"])),
        fee=fee,
        fee_denominator=denominator,
        reserve0=int(state["reserve0"]),
        reserve1=int(state["reserve1"]),
    )


def every_path(each: Any) -> list[Any]:
    """Parameters from all files of the folder; one skipped case, with the reason, when it is not there."""
    names = files(FOLDER)
    if not names:
        return cases(FOLDER, lambda content: [])
    return [param for name in names for param in cases(name, lambda content, name=name: each(name, content))]


def hops_with_an_outcome(name: str, content: Any) -> Iterator[Any]:
    case_id = name.removeprefix(FOLDER + "/")
    solve = content.get("recorded_solve", {})
    if "v2_actual" in solve:
        yield pytest.param(content, id=case_id)
    if "v4_hop" in content or "v4_onchain" in solve:
        yield not_built(None, case_id, "Uniswap V4 hop")


@pytest.mark.parametrize("content", every_path(hops_with_an_outcome))
def test_a_constant_product_hop_gives_what_the_chain_gave(content: Any) -> None:
    solve = content["recorded_solve"]
    hop = content["path"][solve["v2_hop_index"]]
    pool = constant_product_pool(content["pools"][hop["pool"]])
    token_in, token_out = pool.tokens if hop["zero_for_one"] else pool.tokens[::-1]
    short = constant_product.quote_out(pool, token_in, token_out, int(solve["v2_input"])) - int(solve["v2_actual"])
    assert 0 <= short <= ARRIVES_SHORT.get(token_out, 0)


def prices_block_by_block(name: str, content: Any) -> Iterator[Any]:
    for number, onchain in content.get("per_block_onchain", {}).items():
        yield pytest.param((content, onchain), id=f"{name.removeprefix(FOLDER + '/')}-{number}")


@pytest.mark.parametrize("case", every_path(prices_block_by_block))
def test_walking_to_the_next_price_on_chain_meets_its_tick_and_liquidity(case: tuple[Any, Any]) -> None:
    content, onchain = case
    (state,) = content["pools"].values()
    pool = concentrated_pool_of(state)
    price = int(onchain["sqrt_price_x96"])
    tick, liquidity = pool.tick, pool.liquidity
    if price != pool.sqrt_price_x96:
        end = concentrated.walk(pool, price < pool.sqrt_price_x96, 2**255 - 1, sqrt_price_limit_x96=price)
        assert end.sqrt_price_x96 == price
        tick, liquidity = end.tick, end.liquidity
    assert (tick, liquidity) == (onchain["tick"], int(onchain["liquidity"]))
