"""Balancer V2 stable pools (StableSwap), plain, with rates, and composable. This module is a `Venue`.

Sources: StableMath._calcOutGivenIn and _calcInGivenOut, BaseGeneralPool.onSwap, ComposableStablePool._onRegularSwap,
Vault.queryBatchSwap. Trades with a composable pool's own token (joins and exits by swap) are not quoted.
"""

from dataclasses import replace
from typing import Final

from eth_utils.crypto import keccak

from engine.domain.errors import QuoteError
from engine.domain.hops import HopWords
from engine.domain.pools import AnyPool, Family, Log, StablePool
from engine.domain.units import Address
from engine.venues import balancer_vault as vault
from engine.venues.balancer_math import ONE
from engine.venues.balancer_vault import pool_of
from engine.venues.stable_math import AMP_PRECISION, balance_given_others, invariant

__all__ = [
    "apply",
    "encode",
    "families",
    "marginal_rate",
    "pool_of",
    "quote_in",
    "quote_out",
    "swap",
    "topics",
]

AMP_UPDATE_STARTED: Final = keccak(text="AmpUpdateStarted(uint256,uint256,uint256,uint256)")
AMP_UPDATE_STOPPED: Final = keccak(text="AmpUpdateStopped(uint256)")

families: tuple[Family, ...] = ("stable",)
topics: tuple[bytes, ...] = (*vault.VAULT_TOPICS, vault.SWAP_FEE_CHANGED, AMP_UPDATE_STARTED, AMP_UPDATE_STOPPED)


def apply(pool: AnyPool, log: Log) -> StablePool:
    """Return the pool after a log of its vault or its own; logs of anyone else leave it as it is.

    Once an update of the amplification starts the pool is not quoted until it stops or is read again.

    Raises:
        ChainError: the vault's log names a token that the pool does not have.
    """
    stable = _stable(pool)
    topic = log.topics[0]
    if topic not in topics or not vault.speaks_for(stable, log):
        return stable
    if topic == vault.SWAP_FEE_CHANGED:
        return replace(stable, fee=int.from_bytes(log.data[:32]))
    if topic == AMP_UPDATE_STARTED:
        return replace(stable, amp_updating=True)
    if topic == AMP_UPDATE_STOPPED:
        return replace(stable, amp=int.from_bytes(log.data[:32]), amp_updating=False)
    return replace(stable, balances=vault.balances_after(stable, log))


def quote_out(pool: AnyPool, token_in: Address, token_out: Address, amount_in: int) -> int:
    """Quote exact-in output, rounded down and one less, as the pool does.

    Raises:
        QuoteError: no input, an input too small or too large for the pool, or an amplification on the move.
    """
    stable = _stable(pool)
    index_in, index_out = vault.indexes(stable, token_in, token_out)
    return _amount_out(stable, index_in, index_out, amount_in)


def quote_in(pool: AnyPool, token_in: Address, token_out: Address, amount_out: int) -> int:
    """Quote the input of an exact output, rounded up and one more, as the pool does.

    Raises:
        QuoteError: no output, more than the balance, or an amplification on the move.
    """
    stable = _stable(pool)
    index_in, index_out = vault.indexes(stable, token_in, token_out)
    if amount_out <= 0 or amount_out > stable.balances[index_out]:
        raise QuoteError("the pool cannot pay this output", measured=amount_out, limit=stable.balances[index_out])
    factors, balances, at_in, at_out = _scaled(stable, index_in, index_out)
    d = invariant(stable.amp, tuple(balances), stable.version)
    balance_in = balances[at_in]
    balances[at_out] -= amount_out * factors[index_out] // ONE
    scaled_in = balance_given_others(stable.amp, balances, d, at_in) - balance_in + 1
    if scaled_in <= 0:
        raise QuoteError("the output is too small for the pool", measured=amount_out)
    amount_in = vault.with_fee(-(-scaled_in * ONE // factors[index_in]), stable.fee)
    vault.check_held(stable.balances, index_in, index_out, amount_in, amount_out)
    return amount_in


def swap(pool: AnyPool, token_in: Address, token_out: Address, amount_in: int) -> tuple[int, StablePool]:
    """Quote exact-in and return the pool after it.

    Raises:
        QuoteError: as `quote_out`.
    """
    stable = _stable(pool)
    index_in, index_out = vault.indexes(stable, token_in, token_out)
    amount_out = _amount_out(stable, index_in, index_out, amount_in)
    balances = vault.moved(stable.balances, index_in, index_out, amount_in, amount_out)
    return amount_out, replace(stable, balances=balances)


def marginal_rate(pool: AnyPool, token_in: Address, token_out: Address) -> float:
    """Rate of an infinitesimal swap: (A·n + K/x_in) / (A·n + K/x_out), K = D·Π D/(n·x), scaled and less the fee.

    It is the quotient of the invariant's partial derivatives.
    """
    stable = _stable(pool)
    index_in, index_out = vault.indexes(stable, token_in, token_out)
    try:
        factors, balances, at_in, at_out = _scaled(stable, index_in, index_out)
        d = float(invariant(stable.amp, tuple(balances), stable.version))
    except QuoteError:
        return 0.0
    if min(balances) <= 0:
        return 0.0
    n = len(balances)
    k = d
    for balance in balances:
        k *= d / (n * balance)
    amp_n = stable.amp * n / AMP_PRECISION
    rate = (amp_n + k / balances[at_in]) / (amp_n + k / balances[at_out])
    return rate * factors[index_in] / factors[index_out] * ((ONE - stable.fee) / ONE)


def encode(pool: AnyPool, token_in: Address, token_out: Address) -> HopWords:
    """Encode the hop as the two words that the executor unpacks."""
    return vault.encode(_stable(pool), token_in, token_out)


def _stable(pool: AnyPool) -> StablePool:
    if not isinstance(pool, StablePool):
        raise TypeError(f"{pool.id} is a {pool.family} pool, not stable")
    return pool


def _amount_out(pool: StablePool, index_in: int, index_out: int, amount_in: int) -> int:
    if amount_in <= 0:
        raise QuoteError("the vault swaps no amount of nothing", measured=amount_in)
    vault.check_held(pool.balances, index_in, index_out, amount_in, 0)
    factors, balances, at_in, at_out = _scaled(pool, index_in, index_out)
    d = invariant(pool.amp, tuple(balances), pool.version)
    balance_out = balances[at_out]
    balances[at_in] += vault.without_fee(amount_in, pool.fee) * factors[index_in] // ONE
    scaled_out = balance_out - balance_given_others(pool.amp, balances, d, at_out) - 1
    if scaled_out < 0:
        raise QuoteError("the input is too small for the pool", measured=amount_in)
    return scaled_out * ONE // factors[index_out]


def _scaled(pool: StablePool, index_in: int, index_out: int) -> tuple[list[int], list[int], int, int]:
    """Return every token's factor (1e18), the scaled balances without the pool's own token, and both places in them.

    Raises:
        QuoteError: an amplification on the move, or a trade with the pool's own token.
    """
    if pool.amp_updating:
        raise QuoteError("the amplification is being changed over time", next_step=f"read pool {pool.id} again")
    factors = [s * r for s, r in zip(pool.scaling, pool.rates or (ONE,) * len(pool.scaling), strict=True)]
    balances = [b * f // ONE for b, f in zip(pool.balances, factors, strict=True)]
    own = pool.bpt_index
    if own is None:
        return factors, balances, index_in, index_out
    if own in (index_in, index_out):
        raise QuoteError("a swap with the pool's own token is a join or an exit", measured=pool.tokens[own])
    del balances[own]
    return factors, balances, index_in - (index_in > own), index_out - (index_out > own)
