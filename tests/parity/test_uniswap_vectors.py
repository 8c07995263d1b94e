"""Uniswap's own expectations (v2-core, v3-core), case by case, with no wei of error."""

from typing import Any

import pytest

from engine.domain.errors import QuoteError
from engine.domain.pools import ConcentratedPool, ConstantProductPool
from engine.venues import concentrated, constant_product
from engine.venues.tick_math import sqrt_ratio_at, tick_at
from tests.parity.shared_data import cases, numbered
from tests.positions import POOL, TOKEN0, TOKEN1, concentrated_pool


def core_swaps(content: Any) -> list[Any]:
    pools = {
        name: concentrated_pool(
            sqrt_price_x96=int(pool["sqrt_price_x96"]),
            fee_ppm=pool["fee"],
            tick_spacing=pool["tick_spacing"],
            positions=[(p["tick_lower"], p["tick_upper"], int(p["liquidity"])) for p in pool["positions"]],
        )
        for name, pool in content["pools"].items()
    }
    return [
        pytest.param((pools[case["pool"]], case), id=f"{case['pool']}: {case['swap_name']}")
        for case in content["cases"]
    ]


@pytest.mark.parametrize("case", cases("vectors/uniswap_v3_core_swaps.json", core_swaps))
def test_swaps_as_uniswap_v3_core_expects(case: tuple[ConcentratedPool, Any]) -> None:
    pool, record = case
    down, asked = record["swap"]["zero_for_one"], record["swap"]["amount_specified"]
    specified = 2**255 - 1 if asked == "max" else int(asked)
    limit = record["swap"].get("sqrt_price_limit_x96")
    expected = record["expected"]

    def swap() -> concentrated.Walk:
        return concentrated.walk(
            pool,
            down,
            abs(specified),
            exact_in=specified > 0,
            sqrt_price_limit_x96=None if limit is None else int(limit),
        )

    if "swapError" in expected:
        with pytest.raises(QuoteError):
            swap()
        return
    end = swap()
    taken, given = ("amount0Delta", "amount1Delta") if down else ("amount1Delta", "amount0Delta")
    assert (end.amount_in, -end.amount_out, end.tick) == (
        int(expected[taken]),
        int(expected[given]),
        expected["tickAfter"],
    )
    if "sqrtPriceX96After_recomputed" in expected:
        assert end.sqrt_price_x96 == int(expected["sqrtPriceX96After_recomputed"])


@pytest.mark.parametrize("case", cases("vectors/uniswap_v3_tickmath.json", lambda c: numbered("tick", c)))
def test_ticks_and_prices_agree_with_tick_math(case: Any) -> None:
    ratio = int(case["sqrt_price_x96"])
    assert sqrt_ratio_at(case["tick"]) == ratio
    assert tick_at(ratio) == case["tick"]
    assert tick_at(ratio - 1) == case["tick"] - 1


@pytest.mark.parametrize("case", cases("vectors/uniswap_v2_core.json", lambda c: numbered("amount", c)))
def test_quotes_as_uniswap_v2_core_expects(case: Any) -> None:
    pool = ConstantProductPool(
        id=POOL,
        deployment="uniswap_v2",
        tokens=(TOKEN0, TOKEN1),
        fee=3,
        fee_denominator=1000,
        reserve0=int(case["reserve_in"]),
        reserve1=int(case["reserve_out"]),
    )
    assert constant_product.quote_out(pool, TOKEN0, TOKEN1, int(case["amount_in"])) == int(case["expected_out"])
