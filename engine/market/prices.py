"""What a token is worth in the native coin, from the pools themselves, in ratios of integers.

The deepest pool speaks for a token; a token that no deep enough pool connects has no price, and what has no price is
unprofitable, never free.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from engine.domain.opportunity import Price
from engine.domain.pools import AnyPool, ConcentratedPool, ConstantProductPool, WeightedPool
from engine.domain.units import WEI_PER_ETHER, Address

_Q96 = 2**96
MIN_DEPTH_WEI = 5 * WEI_PER_ETHER
"""Least value that a pool must hold on the priced side to be believed: below it a price is cheap to fake."""

_NOTHING = (0, Price(num=0, den=1))
_BITS = 128  # ratios are cut to this many bits: exact enough (1e-38), and products stay small


@dataclass(frozen=True, slots=True)
class _Quote:
    token: Address
    per_other: Price
    other: Address
    other_reserve: int


def price_tokens(pools: Iterable[AnyPool], native: Address, min_depth_wei: int = MIN_DEPTH_WEI) -> dict[Address, Price]:
    """Price every token that a pool of `min_depth_wei` or more connects to the native coin, in one or more steps.

    Steps go outward from the native coin, the deepest pool first, so a thin pool never overrides a deep one.
    """
    quotes = [quote for pool in pools for quote in _mid_prices(pool)]
    by_other: dict[Address, list[_Quote]] = {}
    for quote in quotes:
        by_other.setdefault(quote.other, []).append(quote)
    prices: dict[Address, Price] = {native: Price(num=1, den=1)}
    frontier = [native]
    while frontier:
        best: dict[Address, tuple[int, Price]] = {}
        for other in frontier:
            for quote in by_other.get(other, ()):
                if quote.token in prices:
                    continue
                value = prices[other].wei(quote.other_reserve)
                if value >= min_depth_wei and value > best.get(quote.token, _NOTHING)[0]:
                    best[quote.token] = (value, _times(quote.per_other, prices[other]))
        prices.update({token: price for token, (_, price) in best.items()})
        frontier = list(best)
    return prices


def _times(a: Price, b: Price) -> Price:
    num, den = a.num * b.num, a.den * b.den
    cut = max(min(num.bit_length(), den.bit_length()) - _BITS, 0)
    return Price(num=num >> cut, den=den >> cut)


def _mid_prices(pool: AnyPool) -> list[_Quote]:
    """Quote each token of the pool in each other one: so much of the other for so much of the token."""
    weights = _mid_weights(pool)
    tokens = pool.tokens
    return [
        _Quote(tokens[i], Price(num=weights[j][0], den=weights[i][0]), tokens[j], weights[j][1])
        for i in range(len(tokens))
        for j in range(len(tokens))
        if i != j and weights[i][0] > 0 and weights[j][0] > 0
    ]


def _mid_weights(pool: AnyPool) -> list[tuple[int, int]]:
    """Give each token (weight, reserve): at mid price, weight_i of token i trades for weight_j of token j."""
    if isinstance(pool, ConstantProductPool):
        return [(pool.reserve0, pool.reserve0), (pool.reserve1, pool.reserve1)]
    if isinstance(pool, ConcentratedPool):  # virtual reserves of the range in force: L/√P and L·√P
        root, liquidity = max(pool.sqrt_price_x96, 1), pool.liquidity
        return [(x, x) for x in (liquidity * _Q96 // root, liquidity * root // _Q96)]
    if isinstance(pool, WeightedPool):
        whole = math.prod(pool.weights)
        return [(b * (whole // w), b) for b, w in zip(pool.balances, pool.weights, strict=True)]
    # near its peg a stable pool trades at par: 10^decimals of each
    return [
        (0 if i == pool.bpt_index else WEI_PER_ETHER // scale, balance)
        for i, (scale, balance) in enumerate(zip(pool.scaling, pool.balances, strict=True))
    ]
