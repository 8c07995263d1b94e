"""A bound on what a hop gives: r·x/(1 + c·x), a Möbius function, and never more than `most`.

For a constant-product hop it is the output itself; for the other families it lies above, so that a screen by it loses
nothing. c = 0.0 means no better bound than the straight line r·x. Asked only of hops whose rate is positive.
"""

import math
from bisect import bisect_right
from typing import NamedTuple

from engine.domain.pools import AnyPool, ConcentratedPool, ConstantProductPool, WeightedPool
from engine.domain.units import Address

_PPM = 1e6
_WAD = 1e18
_Q96 = 2.0**96
_LOG_SQRT_BASE = math.log(1.0001) / 2
_CAUTION = 1e-9  # the bounds are computed in float64
_ROOT_ERROR = 1e-13  # of a root price: what a difference of two may be off by
_MAX_WEIGHTED_IN = 0.3  # of a balance: a weighted pool takes no more in one swap


class Ceiling(NamedTuple):
    """`curve` is c in 1 per raw unit of token_in, rounded down; `most` in raw units of token_out, rounded up."""

    curve: float
    most: float


def ceiling(pool: AnyPool, token_in: Address, token_out: Address, rate: float) -> Ceiling:
    """Bound a hop's output; `rate` is its marginal rate."""
    match pool:
        case ConstantProductPool():
            reserve_in, reserve_out = pool.reserve0, pool.reserve1
            if token_in != pool.tokens[0]:
                reserve_in, reserve_out = reserve_out, reserve_in
            kept = (pool.fee_denominator - pool.fee) / pool.fee_denominator
            return _cautious(kept / reserve_in, float(reserve_out))
        case ConcentratedPool():
            return _concentrated(pool, token_in == pool.tokens[0], rate)
        case WeightedPool():
            return _weighted(pool, token_in, token_out, rate)
        case _:  # nearly a straight line until it breaks off: no Möbius bound is close
            return _cautious(0.0, float(pool.balances[pool.tokens.index(token_out)]))


def _cautious(curve: float, most: float) -> Ceiling:
    return Ceiling(curve * (1 - _CAUTION), most * (1 + _CAUTION))


def _concentrated(pool: ConcentratedPool, down: bool, rate: float) -> Ceiling:
    """Take the greatest liquidity on the way as if it were everywhere: more liquidity never gives less output.

    A range gives r·x/(1 + c·x) with c = γ·s/L and r = γ·s², s the root price of the input in units of the output.
    Crossed whole, it gives L·(s − s′).
    """
    first = bisect_right(pool.tick_index, pool.tick)
    liquidity = greatest = pool.liquidity
    price = pool.sqrt_price_x96 / _Q96
    root = start = price if down else 1 / price
    most = 0.0
    for tick in reversed(pool.tick_index[:first]) if down else pool.tick_index[first:]:
        edge = math.exp((tick if down else -tick) * _LOG_SQRT_BASE)
        most += liquidity * (root - edge)
        root = edge
        net = pool.ticks[tick][0]
        liquidity += -net if down else net
        greatest = max(greatest, liquidity)
    most = math.inf if liquidity > 0 else most + greatest * start * _ROOT_ERROR
    return _cautious(math.sqrt((1 - pool.fee_ppm / _PPM) * rate) / greatest, most)


def _weighted(pool: WeightedPool, token_in: Address, token_out: Address, rate: float) -> Ceiling:
    """Bound B·(1 − (1 + u)^−w), u = γ·x/balance_in, by B·w·u/(1 + k·u) with k = min(w, (w + 1)/2).

    Source: Bernoulli's inequality for w ≤ 1, the [1/1] Padé approximant of (1 + u)^−w for w > 1.
    """
    given, taken = pool.tokens.index(token_in), pool.tokens.index(token_out)
    power = pool.weights[given] / pool.weights[taken]
    kept = 1 - pool.fee / _WAD
    curve = min(power, (power + 1) / 2) * kept / pool.balances[given]
    most_in = _MAX_WEIGHTED_IN * pool.balances[given] / kept
    return _cautious(curve, rate * most_in / (1 + curve * most_in))
