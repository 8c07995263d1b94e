"""Closed forms for the best input of a path of Möbius hops: a first guess that exact quotes then settle.

Sources: a composition of x ↦ (a·x + b)/(c·x + d) is the product of the matrices; output(x) − x is greatest where
the derivative (a·d − b·c)/(c·x + d)² is 1.
"""

from collections.abc import Sequence
from math import inf, isqrt, sqrt
from typing import NamedTuple

from engine.domain.pools import ConcentratedPool, ConstantProductPool
from engine.domain.units import Address
from engine.venues.constant_product import moebius
from engine.venues.piecewise import Piece, pieces


class Best(NamedTuple):
    """An input to within float64; `at_edge` where liquidity ends there and the profit still rises."""

    amount_in: int
    at_edge: bool


class Path(NamedTuple):
    """One hop of a path, with its pool's state."""

    pool: ConstantProductPool | ConcentratedPool
    token_in: Address
    token_out: Address


def best_of_constant_products(hops: Sequence[tuple[ConstantProductPool, Address, Address]]) -> int:
    """Return the input of the greatest profit, 0 when there is none; exact to the unit but for the pools' rounding.

    output(x) = K·x/(M + N·x), and with D the fee's denominator, γ = D − fee: K' = K·γ·r_out, M' = M·D·r_in,
    N' = N·D·r_in + γ·K a hop. The best input is (√(K·M) − M)/N.
    """
    k, m, n = 1, 1, 0
    for pool, token_in, token_out in hops:
        hop_k, hop_m, hop_n = moebius(pool, token_in, token_out)
        k, m, n = k * hop_k, m * hop_m, n * hop_m + hop_n * k
    return (isqrt(k * m) - m) // n if k > m and n else 0


def best_of_pieces(hops: Sequence[Path]) -> Best:
    """Walk the pieces of all hops upwards to the input of the greatest profit; 0 when nothing can be earned.

    The profit is concave with a continuous slope, so the first piece that holds its own optimum holds the optimum.
    Where liquidity ends before, so does the answer.
    """
    walks = [pieces(*hop) for hop in hops]
    current: list[Piece] = []
    for walk in walks:
        found = next(walk, None)
        if found is None:
            return Best(0, False)
        current.append(found)
    start = 0.0
    while True:
        a, b, c, d = _composed(current)
        end, first_to_end = _end(current)
        determinant = a * d - b * c
        if c > 0 and determinant > 0:
            best = (sqrt(determinant) - d) / c
            if best <= end:
                return Best(int(max(best, start)), False)
        following = next(walks[first_to_end], None) if end < inf else None
        if following is None:
            return Best(int(end), True) if end < inf else Best(0, False)
        current[first_to_end] = following
        start = end


def _composed(current: Sequence[Piece]) -> tuple[float, float, float, float]:
    a, b, c, d = 1.0, 0.0, 0.0, 1.0
    for hop in current:
        a, b, c, d = hop.a * a + hop.b * c, hop.a * b + hop.b * d, hop.c * a + hop.d * c, hop.c * b + hop.d * d
    return a, b, c, d


def _end(current: Sequence[Piece]) -> tuple[float, int]:
    """Return the input at which the first of the pieces ends, and which one it is."""
    a, b, c, d = 1.0, 0.0, 0.0, 1.0
    end, first = inf, 0
    for i, hop in enumerate(current):
        # the composition so far reaches hop.x_max at the inverse of its own Möbius function, or never
        below = a - c * hop.x_max if hop.x_max < inf else 0.0
        if below > 0 and (at := (d * hop.x_max - b) / below) < end:
            end, first = at, i
        a, b, c, d = hop.a * a + hop.b * c, hop.a * b + hop.b * d, hop.c * a + hop.d * c, hop.c * b + hop.d * d
    return end, first
