"""A hop as pieces of Möbius functions, for closed-form sizing. Floats choose an amount; integer quotes then prove it.

Inside one range of constant liquidity output(x) = (a·x + b)/(c·x + d), x the gross input in raw units (fee
included). A constant-product hop is one such piece for all inputs. Pieces of a concentrated hop follow the
initialised ticks, so the whole is continuous (but for dust), increasing and concave, and can be walked one way.
Source: the virtual reserves L/√P and L·√P of a range (Uniswap V3 paper, section 6.2).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf, nextafter

from engine.domain.errors import QuoteError
from engine.domain.pools import ConcentratedPool, ConstantProductPool
from engine.domain.units import Address
from engine.venues.concentrated import first_tick, zero_for_one
from engine.venues.constant_product import moebius
from engine.venues.swap_math import FEE_UNIT, step_exact_in
from engine.venues.tick_math import MAX_SQRT_RATIO, MIN_SQRT_RATIO, sqrt_ratio_at

_PLENTY = 2**255
# A range this thin against what was sold before it cannot matter to a size, and float64 cannot hold it (the slope's
# error grows as the square of the ratio): it is stepped over, so the next piece starts a dust later.
_DUST = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """output(x) = (a·x + b)/(c·x + d) for x_min ≤ x < x_max, all in raw units; `x_max` is never below its true value.

    Within a few wei and a relative 1e-9 of the exact quote.
    """

    a: float
    b: float
    c: float
    d: float
    x_min: float
    x_max: float

    def output(self, amount_in: float) -> float:
        """Return the output for an input inside the piece."""
        return (self.a * amount_in + self.b) / (self.c * amount_in + self.d)

    def slope(self, amount_in: float) -> float:
        """Return d output / d input, the marginal rate at this input."""
        return (self.a * self.d - self.b * self.c) / (self.c * amount_in + self.d) ** 2


def pieces(pool: ConstantProductPool | ConcentratedPool, token_in: Address, token_out: Address) -> Iterator[Piece]:
    """Walk the pieces of a hop from input 0 upwards, each computed when asked for; ends where liquidity ends."""
    if isinstance(pool, ConstantProductPool):
        k, m, n = moebius(pool, token_in, token_out)
        if k > 0 and m > 0:
            yield Piece(a=float(k), b=0.0, c=float(n), d=float(m), x_min=0.0, x_max=inf)
        return
    yield from _ranges(pool, zero_for_one(pool, token_in, token_out))


def piece(pool: ConstantProductPool | ConcentratedPool, token_in: Address, token_out: Address, amount_in: int) -> Piece:
    """Return the piece that holds this input; asking again at int(x_max) gives the next one.

    Raises:
        QuoteError: an input that all the pool's liquidity cannot take.
    """
    for found in pieces(pool, token_in, token_out):
        if amount_in < found.x_max:
            return found
    raise QuoteError("the pool cannot take the whole input", measured=amount_in)


def _ranges(pool: ConcentratedPool, down: bool) -> Iterator[Piece]:
    price, liquidity = pool.sqrt_price_x96, pool.liquidity
    if not price:
        return
    index = pool.tick_index
    at, direction = first_tick(pool, down), -1 if down else 1
    taken, given = 0, 0
    while True:
        inside = 0 <= at < len(index)
        edge = sqrt_ratio_at(index[at]) if inside else MIN_SQRT_RATIO + 1 if down else MAX_SQRT_RATIO - 1
        if liquidity > 0 and edge != price:
            _, step_in, step_out = step_exact_in(price, edge, liquidity, _PLENTY, pool.fee_ppm)
            if liquidity * 2**96 > _DUST * taken * price if down else liquidity * price > _DUST * taken * 2**96:
                yield _range_piece(price, liquidity, pool.fee_ppm, down, taken, given, taken + step_in)
            taken += step_in
            given += step_out
        if not inside:
            return
        price = edge
        liquidity += direction * pool.ticks[index[at]][0]
        at += direction


def _range_piece(price: int, liquidity: int, fee_ppm: int, down: bool, taken: int, given: int, end: int) -> Piece:
    """Build the piece that starts at `price` once `taken` gross input gave `given`.

    With n = γ·(x − taken) and s the root price in units of the output, the range gives given + L·s²·n/(L + s·n).
    """
    root = price / 2**96 if down else 2**96 / price
    kept = 1 - fee_ppm / FEE_UNIT
    virtual = float(liquidity)
    lift = kept * root * (virtual * root + given)
    return Piece(
        a=lift,
        b=given * virtual - taken * lift,
        c=kept * root,
        d=virtual - taken * kept * root,
        x_min=_not_below(taken),
        x_max=_not_below(end),
    )


def _not_below(amount: int) -> float:
    near = float(amount)
    return near if near >= amount else nextafter(near, inf)
