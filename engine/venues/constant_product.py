"""Uniswap V2 and its forks: x·y = k, the fee kept from the input. This module is a `Venue`.

Sources: UniswapV2Library.getAmountOut and getAmountIn for quotes, UniswapV2Pair.swap and _update for swaps.
"""

from eth_utils.crypto import keccak

from engine.domain.errors import QuoteError
from engine.domain.hops import PPM, EncodedHop, HopKind, HopWords, pack_hop
from engine.domain.pools import AnyPool, ConstantProductPool, Family, Log
from engine.domain.units import Address, PoolId

SYNC = keccak(text="Sync(uint112,uint112)")

UINT112_MAX = 2**112 - 1
UINT256_MAX = 2**256 - 1

families: tuple[Family, ...] = ("constant_product",)
topics: tuple[bytes, ...] = (SYNC,)


def pool_of(log: Log) -> PoolId:
    """Name the pair that emitted the log."""
    return PoolId(log.address)


def apply(pool: AnyPool, log: Log) -> ConstantProductPool:
    """Return the pool with the reserves of a Sync log."""
    pair = _pair(pool)
    if log.topics[0] != SYNC:
        return pair
    return _with_reserves(pair, int.from_bytes(log.data[:32]), int.from_bytes(log.data[32:64]))


def quote_out(pool: AnyPool, token_in: Address, token_out: Address, amount_in: int) -> int:
    """Quote exact-in output as the router's getAmountOut does: rounded down, 0 for an input too small to move it.

    Raises:
        QuoteError: no input, an empty reserve, or an input that overflows the router's arithmetic.
    """
    pair = _pair(pool)
    return _amount_out(pair, *_reserves(pair, token_in, token_out), amount_in)


def quote_in(pool: AnyPool, token_in: Address, token_out: Address, amount_out: int) -> int:
    """Quote the input of an exact output as the router's getAmountIn does: rounded down, plus one.

    Raises:
        QuoteError: no output, an empty reserve, or an output that the reserve cannot pay.
    """
    pair = _pair(pool)
    reserve_in, reserve_out = _reserves(pair, token_in, token_out)
    if amount_out <= 0 or reserve_in <= 0 or amount_out >= reserve_out:
        raise QuoteError("the pair cannot pay this output", measured=amount_out, limit=reserve_out)
    keep = pair.fee_denominator - pair.fee
    return reserve_in * amount_out * pair.fee_denominator // ((reserve_out - amount_out) * keep) + 1


def swap(pool: AnyPool, token_in: Address, token_out: Address, amount_in: int) -> tuple[int, ConstantProductPool]:
    """Quote exact-in and return the pair after it.

    Raises:
        QuoteError: as `quote_out`, and where the pair itself reverts: no output, or reserves past 112 bits.
    """
    pair = _pair(pool)
    reserve_in, reserve_out = _reserves(pair, token_in, token_out)
    amount_out = _amount_out(pair, reserve_in, reserve_out, amount_in)
    if amount_out == 0:
        raise QuoteError("the pair refuses a swap without output", measured=amount_in)
    reserve_in += amount_in
    if reserve_in > UINT112_MAX:
        raise QuoteError("the pair's reserve overflows", measured=reserve_in, limit=UINT112_MAX)
    reserve_out -= amount_out
    if token_in == pair.tokens[0]:
        return amount_out, _with_reserves(pair, reserve_in, reserve_out)
    return amount_out, _with_reserves(pair, reserve_out, reserve_in)


def marginal_rate(pool: AnyPool, token_in: Address, token_out: Address) -> float:
    """Rate of an infinitesimal swap: γ·reserve_out / (D·reserve_in)."""
    pair = _pair(pool)
    reserve_in, reserve_out = _reserves(pair, token_in, token_out)
    if reserve_in <= 0 or reserve_out <= 0:
        return 0.0
    return (pair.fee_denominator - pair.fee) * reserve_out / (pair.fee_denominator * reserve_in)


def encode(pool: AnyPool, token_in: Address, token_out: Address) -> HopWords:
    """Encode the hop; the executor computes the output from the pair's reserves and this fee.

    Raises:
        QuoteError: a fee that is not a whole number of ppm, which the executor could not reproduce.
    """
    pair = _pair(pool)
    _reserves(pair, token_in, token_out)
    fee_ppm, rest = divmod(pair.fee * PPM, pair.fee_denominator)
    if rest:
        raise QuoteError("the pair's fee is no whole number of ppm", measured=f"{pair.fee}/{pair.fee_denominator}")
    return pack_hop(
        EncodedHop(
            kind=HopKind.CONSTANT_PRODUCT,
            pool=Address(pair.id),
            token_out=token_out,
            zero_for_one=token_in == pair.tokens[0],
            fee_ppm=fee_ppm,
        )
    )


def moebius(pool: ConstantProductPool, token_in: Address, token_out: Address) -> tuple[int, int, int]:
    """Return (K, M, N) of output(x) = K·x/(M + N·x), exact but for the rounding down; fee included."""
    reserve_in, reserve_out = _reserves(pool, token_in, token_out)
    keep = pool.fee_denominator - pool.fee
    return keep * reserve_out, pool.fee_denominator * reserve_in, keep


def _pair(pool: AnyPool) -> ConstantProductPool:
    if not isinstance(pool, ConstantProductPool):
        raise TypeError(f"{pool.id} is a {pool.family} pool, not constant product")
    return pool


def _reserves(pair: ConstantProductPool, token_in: Address, token_out: Address) -> tuple[int, int]:
    if pair.tokens == (token_in, token_out):
        return pair.reserve0, pair.reserve1
    if pair.tokens == (token_out, token_in):
        return pair.reserve1, pair.reserve0
    raise QuoteError("the pair does not trade these tokens", measured=f"{token_in} to {token_out}", limit=pair.tokens)


def _amount_out(pair: ConstantProductPool, reserve_in: int, reserve_out: int, amount_in: int) -> int:
    if amount_in <= 0 or reserve_in <= 0 or reserve_out <= 0:
        raise QuoteError("the pair cannot take this input", measured=amount_in, limit=(reserve_in, reserve_out))
    kept_in = amount_in * (pair.fee_denominator - pair.fee)
    numerator = kept_in * reserve_out
    denominator = reserve_in * pair.fee_denominator + kept_in
    if numerator > UINT256_MAX or denominator > UINT256_MAX:
        raise QuoteError("the router's arithmetic overflows", measured=amount_in)
    return numerator // denominator


def _with_reserves(pair: ConstantProductPool, reserve0: int, reserve1: int) -> ConstantProductPool:
    return ConstantProductPool(
        id=pair.id,
        deployment=pair.deployment,
        tokens=pair.tokens,
        fee=pair.fee,
        fee_denominator=pair.fee_denominator,
        reserve0=reserve0,
        reserve1=reserve1,
    )
