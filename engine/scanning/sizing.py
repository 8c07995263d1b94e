"""The exact best size of a cycle: a closed form or a search picks an amount, integer quotes prove it.

Profit is concave in the amount but for rounding, which makes it a staircase where a token on the way has few
decimals: the last step climbs that staircase on exact quotes.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from engine.domain.errors import QuoteError
from engine.domain.opportunity import Route
from engine.domain.pools import AnyPool, ConcentratedPool, ConstantProductPool, Venue
from engine.domain.units import Address, PoolId
from engine.scanning.moebius import Best, Path, best_of_constant_products, best_of_pieces
from engine.scanning.search import UNDEFINED, last_defined, maximise
from engine.venues.table import venue_of

_MAX_CLIMB = 64
_NEGLIGIBLE_BITS = 20
_FIRST_SHARE = 64
"""Where nothing better is known a search starts from this part of what the first pool holds."""


class Leg(NamedTuple):
    """One hop with the venue and the state that quote it."""

    venue: Venue
    pool: AnyPool
    token_in: Address
    token_out: Address


def legs_of(route: Route, pools: Mapping[PoolId, AnyPool]) -> tuple[Leg, ...]:
    """Pair the hops of a route with their pools' states."""
    return tuple(Leg(venue_of(pools[h.pool]), pools[h.pool], h.token_in, h.token_out) for h in route.hops)


def quotes(legs: Sequence[Leg], amount_in: int) -> list[int]:
    """Quote a path exactly: the amount before the first hop and after each; raises `QuoteError` as its pools do."""
    amounts = [amount_in]
    for leg in legs:
        amounts.append(leg.venue.quote_out(leg.pool, leg.token_in, leg.token_out, amounts[-1]))
    return amounts


def best_size(legs: Sequence[Leg], guess: int = 0) -> tuple[int, int] | None:
    """Return (amount in, amount out) of the greatest profit in raw units; None when no amount earns any.

    `guess` is where a search begins, for families that have no closed form; 0 when nothing is known.
    """
    best = _closed_form(legs)
    if best is None:
        amount = maximise(lambda x: profit(legs, x), guess or _first_guess(legs))
    elif best.at_edge:
        amount = last_defined(lambda x: profit(legs, x), best.amount_in)
    else:
        amount = best.amount_in
    if profit(legs, amount) == UNDEFINED:
        return None
    amounts = quotes(legs, amount)
    if _is_worth_climbing(legs, amounts):
        amounts = _climbed(legs, amounts)
    return (amounts[0], amounts[-1]) if amounts[-1] > amounts[0] else None


def profit(legs: Sequence[Leg], amount_in: int) -> int:
    """Return output minus input in raw units, `UNDEFINED` where a pool refuses its part."""
    try:
        return quotes(legs, amount_in)[-1] - amount_in
    except QuoteError:
        return UNDEFINED


def _closed_form(legs: Sequence[Leg]) -> Best | None:
    """Size by closed form, an input of 0 where nothing can be earned; None where a family on the way has none."""
    pairs = [(leg.pool, leg.token_in, leg.token_out) for leg in legs if isinstance(leg.pool, ConstantProductPool)]
    if len(pairs) == len(legs):
        return Best(best_of_constant_products(pairs), False)
    paths = [
        Path(leg.pool, leg.token_in, leg.token_out)
        for leg in legs
        if isinstance(leg.pool, ConstantProductPool | ConcentratedPool)
    ]
    return best_of_pieces(paths) if len(paths) == len(legs) else None


def _first_guess(legs: Sequence[Leg]) -> int:
    """Take a part of what the first pool holds of the token: its balance, or a range's virtual reserve."""
    pool, token = legs[0].pool, legs[0].token_in
    match pool:
        case ConstantProductPool():
            held = pool.reserve0 if token == pool.tokens[0] else pool.reserve1
        case ConcentratedPool():
            root = max(1, pool.sqrt_price_x96)
            held = (pool.liquidity << 96) // root if token == pool.tokens[0] else pool.liquidity * root >> 96
        case _:
            held = pool.balances[pool.tokens.index(token)]
    return max(1, held // _FIRST_SHARE)


def _is_worth_climbing(legs: Sequence[Leg], amounts: Sequence[int]) -> bool:
    """Spare the slow families a climb where one step, a unit of the coarsest token, is nothing beside the profit."""
    step = amounts[0] // max(1, min(amounts))
    return step > _gain(amounts) >> _NEGLIGIBLE_BITS or all(
        isinstance(leg.pool, ConstantProductPool | ConcentratedPool) for leg in legs
    )


def _climbed(legs: Sequence[Leg], amounts: list[int]) -> list[int]:
    """Climb the staircase that rounding makes of the profit, in steps of the token that has the largest unit."""
    place = min(range(len(legs)), key=amounts.__getitem__)
    best, at = amounts, amounts[place]
    if place:
        best = _better(best, _through(legs, place, at))
    stride = 1
    for _ in range(_MAX_CLIMB):
        for target in (at + stride, at - stride, at + 2 * stride, at - 2 * stride):
            trial = _through(legs, place, target)
            if trial is not None and _gain(trial) > _gain(best):
                best, at, stride = trial, target, 2 * stride
                break
        else:
            if stride == 1:
                break
            stride //= 2
    return best


def _through(legs: Sequence[Leg], place: int, amount: int) -> list[int] | None:
    """Quote the path at the least input that makes `amount` of the token before hop `place`; None if it cannot be."""
    try:
        for leg in reversed(legs[:place]):
            amount = leg.venue.quote_in(leg.pool, leg.token_in, leg.token_out, amount)
        return quotes(legs, amount)
    except QuoteError:
        return None


def _better(amounts: list[int], other: list[int] | None) -> list[int]:
    return other if other is not None and _gain(other) > _gain(amounts) else amounts


def _gain(amounts: Sequence[int]) -> int:
    return amounts[-1] - amounts[0]
