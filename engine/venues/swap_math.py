"""One step of a concentrated swap inside one range of constant liquidity, in Python ints.

Sources: SwapMath.computeSwapStep and SqrtPriceMath of Uniswap V3. Prices are Q64.96 and the direction is read
from the target: a target at or below the price sells token0. Each step returns (price after, input taken with
its fee, output given), all raw units, rounded in the pool's favour exactly as the contract rounds.
"""

from typing import Final

from engine.domain.errors import QuoteError

FEE_UNIT: Final = 1_000_000

_UINT160_MAX = 2**160 - 1
_UINT256_MAX = 2**256 - 1


def step_exact_in(price: int, target: int, liquidity: int, remaining: int, fee_ppm: int) -> tuple[int, int, int]:
    """Spend up to `remaining` on the way to `target`; a step that stops short keeps all the rest as its fee.

    Raises:
        QuoteError: the price leaves 160 bits.
    """
    net = remaining * (FEE_UNIT - fee_ppm) // FEE_UNIT
    if price >= target:
        need = -(-((liquidity << 96) * (price - target)) // (price * target))
        if net >= need:
            return target, need + _fee_on(need, fee_ppm), liquidity * (price - target) >> 96
        after = _after_token0_in(price, liquidity, net)
        return after, remaining, liquidity * (price - after) >> 96
    need = -(-liquidity * (target - price) >> 96)
    if net >= need:
        return target, need + _fee_on(need, fee_ppm), (liquidity << 96) * (target - price) // target // price
    after = price + (net << 96) // liquidity
    if after > _UINT160_MAX:
        raise QuoteError("the price leaves its range", measured=after)
    return after, remaining, (liquidity << 96) * (after - price) // after // price


def step_exact_out(price: int, target: int, liquidity: int, remaining: int, fee_ppm: int) -> tuple[int, int, int]:
    """Draw up to `remaining` on the way to `target`.

    Raises:
        QuoteError: the range cannot pay and the contract's arithmetic reverts.
    """
    if price >= target:
        given = liquidity * (price - target) >> 96
        after = target
        if remaining < given:
            after = price + -(remaining << 96) // liquidity  # floor of the negative: the price falls, rounded away
            if after <= 0:
                raise QuoteError("the range cannot pay this output", measured=remaining)
            if after != target:
                given = liquidity * (price - after) >> 96
        taken = -(-((liquidity << 96) * (price - after)) // (price * after))
    else:
        given = (liquidity << 96) * (target - price) // target // price
        after = target
        if remaining < given:
            after = _after_token0_out(price, liquidity, remaining)
            if after != target:
                given = (liquidity << 96) * (after - price) // after // price
        taken = -(-liquidity * (after - price) >> 96)
    return after, taken + _fee_on(taken, fee_ppm), min(given, remaining)


def _fee_on(taken: int, fee_ppm: int) -> int:
    return -(-taken * fee_ppm // (FEE_UNIT - fee_ppm))


def _after_token0_in(price: int, liquidity: int, amount: int) -> int:
    # SqrtPriceMath.getNextSqrtPriceFromAmount0RoundingUp, add: the exact formula unless 256 bits overflow
    scaled = liquidity << 96
    product = amount * price
    if product + scaled <= _UINT256_MAX:
        return -(-scaled * price // (scaled + product))
    return -(-scaled // (scaled // price + amount))


def _after_token0_out(price: int, liquidity: int, amount: int) -> int:
    # SqrtPriceMath.getNextSqrtPriceFromAmount0RoundingUp, remove: reverts on overflow and on an empty range
    scaled = liquidity << 96
    product = amount * price
    if product > _UINT256_MAX or scaled <= product:
        raise QuoteError("the range cannot pay this output", measured=amount)
    after = -(-scaled * price // (scaled - product))
    if after > _UINT160_MAX:
        raise QuoteError("the price leaves its range", measured=after)
    return after
