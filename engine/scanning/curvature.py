"""How fast a hop's rate falls: the c of r·x/(1 + c·x), a Möbius function that the hop's output never exceeds.

For a constant-product hop it is the output itself; for the other families a bound from above, so that a screen by it
loses nothing. 0.0 means no better bound than the straight line r·x. Asked only of hops whose rate is positive.
"""

import math
from bisect import bisect_right

from engine.domain.pools import AnyPool, ConcentratedPool, ConstantProductPool, WeightedPool
from engine.domain.units import Address

_PPM = 1e6
_WAD = 1e18
_CAUTION = 1 - 1e-9  # the bounds are computed in float64


def curvature(pool: AnyPool, token_in: Address, token_out: Address, rate: float) -> float:
    """Return c in 1 per raw unit of token_in, rounded down; `rate` is the hop's marginal rate."""
    match pool:
        case ConstantProductPool():
            reserve = pool.reserve0 if token_in == pool.tokens[0] else pool.reserve1
            return _CAUTION * (pool.fee_denominator - pool.fee) / (pool.fee_denominator * reserve)
        case ConcentratedPool():
            return _CAUTION * _concentrated(pool, token_in == pool.tokens[0], rate)
        case WeightedPool():
            return _CAUTION * _weighted(pool, token_in, token_out)
        case _:  # nearly a straight line until it breaks off: no Möbius bound is close
            return 0.0


def _concentrated(pool: ConcentratedPool, down: bool, rate: float) -> float:
    """Take the greatest liquidity on the way as if it were everywhere: more liquidity never gives less output.

    A range gives r·x/(1 + c·x) with c = γ·s/L and r = γ·s², s the root price of the input in units of the output.
    """
    first = bisect_right(pool.tick_index, pool.tick)
    liquidity = greatest = pool.liquidity
    for tick in reversed(pool.tick_index[:first]) if down else pool.tick_index[first:]:
        net = pool.ticks[tick][0]
        liquidity += -net if down else net
        greatest = max(greatest, liquidity)
    return math.sqrt((1 - pool.fee_ppm / _PPM) * rate) / greatest


def _weighted(pool: WeightedPool, token_in: Address, token_out: Address) -> float:
    """Bound B·(1 − (1 + u)^−w), u = γ·x/balance_in, by B·w·u/(1 + k·u) with k = min(w, (w + 1)/2).

    Source: Bernoulli's inequality for w ≤ 1, the [1/1] Padé approximant of (1 + u)^−w for w > 1.
    """
    given, taken = pool.tokens.index(token_in), pool.tokens.index(token_out)
    power = pool.weights[given] / pool.weights[taken]
    return min(power, (power + 1) / 2) * (1 - pool.fee / _WAD) / pool.balances[given]
