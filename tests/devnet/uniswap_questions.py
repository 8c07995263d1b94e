"""What to ask of routers and quoters: amounts of every size in both directions, and all the edges."""

import random
from collections.abc import Iterator

from engine.domain.errors import QuoteError
from engine.domain.pools import AnyPool, ConcentratedPool, ConstantProductPool
from engine.domain.units import Address
from engine.venues import concentrated
from engine.venues.table import venue_of
from engine.venues.tick_math import sqrt_ratio_at
from tests.devnet.uniswap_chain import Asked, QuoterAnswer

EVERYTHING = 2**255 - 1


def questions(pool: ConstantProductPool | ConcentratedPool, rng: random.Random, count: int) -> Iterator[Asked]:
    """Yield the edges of a pool, and `count` random amounts from 1 wei to past what it holds, a way and a kind each."""
    most: dict[tuple[bool, bool], int] = {}
    for down in (True, False):
        token_in, token_out = sides(pool, down)
        for exact_in in (True, False):
            edges_of = _pair_edges if isinstance(pool, ConstantProductPool) else _range_edges
            edges = edges_of(pool, down, exact_in)
            most[down, exact_in] = max(edges)
            for amount in sorted({edge + near for edge in edges for near in (-1, 0, 1)} | {0, 1, 2, 3}):
                if amount >= 0:
                    yield pool, token_in, token_out, amount, exact_in
            yield pool, token_in, token_out, EVERYTHING, exact_in
    for _ in range(count):
        down, exact_in = rng.random() < 0.5, rng.random() < 0.5
        bits = rng.uniform(0, most[down, exact_in].bit_length() + 1)
        yield pool, *sides(pool, down), int(2**bits), exact_in


def sides(pool: AnyPool, down: bool) -> tuple[Address, Address]:
    """The tokens in and out of a swap that sells token0 (`down`) or token1."""
    token0, token1 = pool.tokens
    return (token0, token1) if down else (token1, token0)


def our_answer(asked: Asked) -> int | QuoterAnswer | None:
    """What the venue says the router or the quoter will answer.

    The quoter reports a partial fill where `quote_out` refuses one: then the walk says how far it gets.
    """
    pool, token_in, token_out, amount, exact_in = asked
    venue = venue_of(pool)
    try:
        quoted = (venue.quote_out if exact_in else venue.quote_in)(pool, token_in, token_out, amount)
    except QuoteError:
        quoted = None
    if not isinstance(pool, ConcentratedPool):
        return quoted
    try:
        end = concentrated.walk(pool, token_in == pool.tokens[0], amount, exact_in=exact_in)
    except QuoteError:
        assert quoted is None
        return None
    assert (quoted is None) == (end.remaining > 0)
    if end.amount_in == 0 or (end.remaining and not exact_in):
        return None  # the quoter refuses to report a swap for nothing, and an output that is not whole
    found = end.amount_out if exact_in else end.amount_in
    assert quoted in (None, found)
    return QuoterAnswer(amount=found, sqrt_price_x96=end.sqrt_price_x96)


def _pair_edges(pool: ConstantProductPool, down: bool, exact_in: bool) -> list[int]:
    reserve_in, reserve_out = (pool.reserve0, pool.reserve1) if down else (pool.reserve1, pool.reserve0)
    return [reserve_in, 2**112, 2**240] if exact_in else [reserve_out]


def _range_edges(pool: ConcentratedPool, down: bool, exact_in: bool) -> list[int]:
    """The amounts that just reach each initialised tick, and that take all there is."""
    ahead = [tick for tick in pool.tick_index if (tick <= pool.tick if down else tick > pool.tick)]
    amounts: list[int] = []
    for tick in ahead:
        ratio = sqrt_ratio_at(tick)
        if ratio != pool.sqrt_price_x96:
            end = concentrated.walk(pool, down, EVERYTHING, sqrt_price_limit_x96=ratio)
            amounts.append(end.amount_in if exact_in else end.amount_out)
    return amounts or [1]
