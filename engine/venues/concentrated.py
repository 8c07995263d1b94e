"""Uniswap V3 and its exact forks: concentrated liquidity over a complete map of ticks. This module is a `Venue`.

Sources: UniswapV3Pool.swap, _modifyPosition and its events; QuoterV2 for what a quote is. A quote here is the
whole amount or nothing: an input that the pool cannot take whole (the quoter reports its partial fill) and an
output that it cannot pay whole (the quoter reverts) raise `QuoteError`.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from eth_utils.crypto import keccak

from engine.domain.errors import QuoteError
from engine.domain.hops import EncodedHop, HopKind, HopWords, pack_hop
from engine.domain.pools import AnyPool, ConcentratedPool, Family, Log
from engine.domain.units import Address, PoolId
from engine.venues.swap_math import step_exact_in, step_exact_out
from engine.venues.tick_math import MAX_SQRT_RATIO, MAX_TICK, MIN_SQRT_RATIO, MIN_TICK, sqrt_ratio_at, tick_at

INITIALIZE = keccak(text="Initialize(uint160,int24)")
SWAP = keccak(text="Swap(address,address,int256,int256,uint160,uint128,int24)")
MINT = keccak(text="Mint(address,address,int24,int24,uint128,uint256,uint256)")
BURN = keccak(text="Burn(address,int24,int24,uint128,uint256,uint256)")

INT256_MAX = 2**255 - 1

families: tuple[Family, ...] = ("concentrated",)
topics: tuple[bytes, ...] = (INITIALIZE, SWAP, MINT, BURN)


class Walk(NamedTuple):
    """Where a swap ends. `remaining` is what could not be swapped before the price limit; amounts are raw units."""

    amount_in: int
    amount_out: int
    remaining: int
    sqrt_price_x96: int
    tick: int
    liquidity: int


def pool_of(log: Log) -> PoolId:
    """Name the pool that emitted the log."""
    return PoolId(log.address)


def apply(pool: AnyPool, log: Log) -> ConcentratedPool:
    """Return the pool after an Initialize, Swap, Mint or Burn log.

    Raises:
        QuoteError: a Burn of liquidity that the pool's ticks do not hold: a log was missed, or came twice.
    """
    state = _concentrated(pool)
    topic, data = log.topics[0], log.data
    if topic == SWAP:
        return _moved(state, _uint(data, 2), _int(data[128:160]), _uint(data, 3))
    if topic == MINT:  # data: sender, amount, amount0, amount1
        return _with_position(state, _int(log.topics[2]), _int(log.topics[3]), _uint(data, 1))
    if topic == BURN:  # data: amount, amount0, amount1
        return _with_position(state, _int(log.topics[2]), _int(log.topics[3]), -_uint(data, 0))
    if topic == INITIALIZE:
        return _moved(state, _uint(data, 0), _int(data[32:64]), state.liquidity)
    return state


def quote_out(pool: AnyPool, token_in: Address, token_out: Address, amount_in: int) -> int:
    """Quote exact-in output as QuoterV2 does, rounded down.

    Raises:
        QuoteError: no input, a pool without a price, or more than its liquidity can take.
    """
    state = _concentrated(pool)
    _, out, remaining, *_ = _walk(state, zero_for_one(state, token_in, token_out), amount_in, True, None)
    if remaining:
        raise QuoteError("the pool cannot take the whole input", measured=amount_in, limit=amount_in - remaining)
    return out


def quote_in(pool: AnyPool, token_in: Address, token_out: Address, amount_out: int) -> int:
    """Quote the input of an exact output as QuoterV2 does, rounded up.

    Raises:
        QuoteError: no output, a pool without a price, or more than its liquidity can pay.
    """
    state = _concentrated(pool)
    taken, _, remaining, *_ = _walk(state, zero_for_one(state, token_in, token_out), amount_out, False, None)
    if remaining:
        raise QuoteError("the pool cannot pay the whole output", measured=amount_out, limit=amount_out - remaining)
    return taken


def swap(pool: AnyPool, token_in: Address, token_out: Address, amount_in: int) -> tuple[int, ConcentratedPool]:
    """Quote exact-in and return the pool after it; raises as `quote_out`."""
    state = _concentrated(pool)
    end = walk(state, zero_for_one(state, token_in, token_out), amount_in)
    if end.remaining:
        raise QuoteError("the pool cannot take the whole input", measured=amount_in, limit=end.amount_in)
    return end.amount_out, _moved(state, end.sqrt_price_x96, end.tick, end.liquidity)


def marginal_rate(pool: AnyPool, token_in: Address, token_out: Address) -> float:
    """Rate of an infinitesimal swap: (1−φ)·P at the first price in this direction that has liquidity."""
    state = _concentrated(pool)
    down = zero_for_one(state, token_in, token_out)
    if not state.sqrt_price_x96:
        return 0.0
    price, liquidity, at = state.sqrt_price_x96, state.liquidity, first_tick(state, down)
    index, step = state.tick_index, -1 if down else 1
    while 0 <= at < len(index):
        ratio = sqrt_ratio_at(index[at])
        if liquidity > 0 and ratio != price:
            break
        price = ratio
        liquidity += step * state.ticks[index[at]][0]
        at += step
    if liquidity <= 0:
        return 0.0
    root = price / 2**96
    kept = 1 - state.fee_ppm / 1e6
    return kept * root * root if down else kept / (root * root)


def encode(pool: AnyPool, token_in: Address, token_out: Address) -> HopWords:
    """Encode the hop; the pool itself computes the output."""
    state = _concentrated(pool)
    return pack_hop(
        EncodedHop(
            kind=HopKind.CONCENTRATED,
            pool=Address(state.id),
            token_out=token_out,
            zero_for_one=zero_for_one(state, token_in, token_out),
        )
    )


def zero_for_one(pool: ConcentratedPool, token_in: Address, token_out: Address) -> bool:
    """Return the direction of a swap; raises `QuoteError` for tokens that are not the pool's."""
    if pool.tokens == (token_in, token_out):
        return True
    if pool.tokens == (token_out, token_in):
        return False
    raise QuoteError("the pool does not trade these tokens", measured=f"{token_in} to {token_out}", limit=pool.tokens)


def first_tick(pool: ConcentratedPool, down: bool) -> int:
    """Return the position in `tick_index` of the first initialised tick that a swap meets (−1 or its length: none)."""
    at = bisect_right(pool.tick_index, pool.tick)
    return at - 1 if down else at


def walk(
    pool: ConcentratedPool,
    down: bool,
    amount: int,
    *,
    exact_in: bool = True,
    sqrt_price_limit_x96: int | None = None,
) -> Walk:
    """Swap as UniswapV3Pool.swap does, up to `sqrt_price_limit_x96`; what was not swapped is in `remaining`.

    `down` sells token0. Raises `QuoteError` where the pool reverts.
    """
    taken, given, remaining, price, tick, edge_price, liquidity = _walk(
        pool, down, amount, exact_in, sqrt_price_limit_x96
    )
    if price != edge_price:
        tick = tick_at(price)
    return Walk(taken, given, remaining, price, tick, liquidity)


def _walk(
    pool: ConcentratedPool, down: bool, amount: int, exact_in: bool, limit: int | None
) -> tuple[int, int, int, int, int, int, int]:
    """Walk the ticks; the tick returned is the true one only while the price is still `edge_price`."""
    price, tick, liquidity = pool.sqrt_price_x96, pool.tick, pool.liquidity
    if limit is None:
        limit = MIN_SQRT_RATIO + 1 if down else MAX_SQRT_RATIO - 1
    _refuse_what_the_pool_refuses(price, down, amount, limit)
    step = step_exact_in if exact_in else step_exact_out
    index, ticks, spacing, fee_ppm = pool.tick_index, pool.ticks, pool.tick_spacing, pool.fee_ppm
    at = first_tick(pool, down)
    count = len(index)
    remaining, taken, given, edge_price = amount, 0, 0, price
    while remaining and price != limit:
        initialised = 0 <= at < count
        next_tick = index[at] if initialised else MIN_TICK if down else MAX_TICK
        if liquidity > 0:
            # the pool looks for the next tick one 256-bit word at a time and rounds once a word: so must we
            if down:
                word_edge = (tick // spacing & ~255) * spacing
                if next_tick < word_edge:
                    next_tick, initialised = word_edge, False
            else:
                word_edge = (tick // spacing + 1 | 255) * spacing
                if next_tick > word_edge:
                    next_tick, initialised = word_edge, False
        elif liquidity < 0:
            raise QuoteError("the pool's ticks are inconsistent", measured=liquidity, limit=0)
        ratio = sqrt_ratio_at(next_tick)
        target = limit if (ratio < limit if down else ratio > limit) else ratio
        price, step_in, step_out = step(price, target, liquidity, remaining, fee_ppm)
        taken += step_in
        given += step_out
        remaining -= step_in if exact_in else step_out
        if price == ratio:
            edge_price = price
            if down:
                tick = next_tick - 1
                if initialised:
                    liquidity -= ticks[next_tick][0]
                    at -= 1
            else:
                tick = next_tick
                if initialised:
                    liquidity += ticks[next_tick][0]
                    at += 1
    return taken, given, remaining, price, tick, edge_price, liquidity


def _refuse_what_the_pool_refuses(price: int, down: bool, amount: int, limit: int) -> None:
    if not price:
        raise QuoteError("the pool has no price yet")
    if not 0 < amount <= INT256_MAX:
        raise QuoteError("the pool cannot swap this amount", measured=amount, limit=INT256_MAX)
    if not (MIN_SQRT_RATIO < limit < price if down else price < limit < MAX_SQRT_RATIO):
        raise QuoteError("the price is past its limit already", measured=price, limit=limit)


def _with_position(pool: ConcentratedPool, lower: int, upper: int, delta: int) -> ConcentratedPool:
    """Add `delta` (negative: remove) of liquidity between two ticks; ticks that nobody references go."""
    if delta == 0:  # a poke: a Burn of nothing that only collects fees
        return pool
    ticks = dict(pool.ticks)
    index = list(pool.tick_index)
    for tick, net in ((lower, delta), (upper, -delta)):
        old_net, old_gross = ticks.get(tick, (0, 0))
        gross = old_gross + delta
        if gross < 0:
            raise QuoteError("the log does not fit the pool's ticks", measured=delta, limit=old_gross)
        if gross == 0:
            del ticks[tick]
            del index[bisect_left(index, tick)]
            continue
        if tick not in ticks:
            index.insert(bisect_left(index, tick), tick)
        ticks[tick] = (old_net + net, gross)
    inside = lower <= pool.tick < upper
    return _copy(
        pool,
        pool.sqrt_price_x96,
        pool.tick,
        pool.liquidity + delta if inside else pool.liquidity,
        MappingProxyType(ticks),
        tuple(index),
    )


def _moved(pool: ConcentratedPool, sqrt_price_x96: int, tick: int, liquidity: int) -> ConcentratedPool:
    return _copy(pool, sqrt_price_x96, tick, liquidity, pool.ticks, pool.tick_index)


def _copy(
    pool: ConcentratedPool,
    sqrt_price_x96: int,
    tick: int,
    liquidity: int,
    ticks: Mapping[int, tuple[int, int]],
    tick_index: tuple[int, ...],
) -> ConcentratedPool:
    # spelled out: dataclasses.replace costs several times as much, and this runs on every Swap log
    return ConcentratedPool(
        id=pool.id,
        deployment=pool.deployment,
        tokens=pool.tokens,
        fee_ppm=pool.fee_ppm,
        tick_spacing=pool.tick_spacing,
        sqrt_price_x96=sqrt_price_x96,
        tick=tick,
        liquidity=liquidity,
        ticks=ticks,
        tick_index=tick_index,
    )


def _concentrated(pool: AnyPool) -> ConcentratedPool:
    if not isinstance(pool, ConcentratedPool):
        raise TypeError(f"{pool.id} is a {pool.family} pool, not concentrated")
    return pool


# Logs are fixed words of 32 bytes; reading them so is some 50 times as fast as a general ABI decoder.
def _uint(data: bytes, word: int) -> int:
    return int.from_bytes(data[32 * word : 32 * word + 32])


def _int(word: bytes) -> int:
    return int.from_bytes(word, signed=True)
