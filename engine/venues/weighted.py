"""Balancer V2 weighted pools: Π balance^weight constant. This module is a `Venue`.

Sources: WeightedMath._calcOutGivenIn and _calcInGivenOut, BaseMinimalSwapInfoPool.onSwap, Vault.queryBatchSwap.
"""

from dataclasses import replace
from typing import Final

from engine.domain.errors import QuoteError
from engine.domain.hops import HopWords
from engine.domain.pools import AnyPool, Family, Log, WeightedPool
from engine.domain.units import Address
from engine.venues import balancer_vault as vault
from engine.venues.balancer_math import ONE, complement, div_down, div_up, mul_down, mul_up, pow_up
from engine.venues.balancer_vault import pool_of

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

MAX_RATIO: Final = 3 * 10**17  # of a balance, that one swap may bring in or take out

families: tuple[Family, ...] = ("weighted",)
topics: tuple[bytes, ...] = (*vault.VAULT_TOPICS, vault.SWAP_FEE_CHANGED)


def apply(pool: AnyPool, log: Log) -> WeightedPool:
    """Return the pool after a log of its vault or its own; logs of anyone else leave it as it is.

    Raises:
        ChainError: the vault's log names a token that the pool does not have.
    """
    weighted = _weighted(pool)
    if log.topics[0] not in topics or not vault.speaks_for(weighted, log):
        return weighted
    if log.topics[0] == vault.SWAP_FEE_CHANGED:
        return replace(weighted, fee=int.from_bytes(log.data[:32]))
    return replace(weighted, balances=vault.balances_after(weighted, log))


def quote_out(pool: AnyPool, token_in: Address, token_out: Address, amount_in: int) -> int:
    """Quote exact-in output, rounded down; 0 for an input too small to move the pool.

    Raises:
        QuoteError: no input, more than 30 % of the balance in, or an empty pool.
    """
    weighted = _weighted(pool)
    index_in, index_out = vault.indexes(weighted, token_in, token_out)
    return _amount_out(weighted, index_in, index_out, amount_in)


def quote_in(pool: AnyPool, token_in: Address, token_out: Address, amount_out: int) -> int:
    """Quote the input of an exact output, rounded up.

    Raises:
        QuoteError: no output, more than 30 % of the balance out, or an empty pool.
    """
    weighted = _weighted(pool)
    index_in, index_out = vault.indexes(weighted, token_in, token_out)
    weight_in, weight_out = weighted.weights[index_in], weighted.weights[index_out]
    scale_in, scale_out = weighted.scaling[index_in], weighted.scaling[index_out]
    balance_in = weighted.balances[index_in] * scale_in
    balance_out = weighted.balances[index_out] * scale_out
    scaled_out = amount_out * scale_out
    limit = mul_down(balance_out, MAX_RATIO)
    if amount_out <= 0 or scaled_out > limit or balance_in <= 0:
        raise QuoteError("the pool cannot pay this output", measured=amount_out, limit=limit // scale_out)
    base = div_up(balance_out, balance_out - scaled_out)
    ratio = pow_up(base, div_up(weight_out, weight_in), weighted.version) - ONE
    amount_in = vault.with_fee(-(-mul_up(balance_in, ratio) // scale_in), weighted.fee)
    vault.check_held(weighted.balances, index_in, index_out, amount_in, amount_out)
    return amount_in


def swap(pool: AnyPool, token_in: Address, token_out: Address, amount_in: int) -> tuple[int, WeightedPool]:
    """Quote exact-in and return the pool after it.

    Raises:
        QuoteError: as `quote_out`.
    """
    weighted = _weighted(pool)
    index_in, index_out = vault.indexes(weighted, token_in, token_out)
    amount_out = _amount_out(weighted, index_in, index_out, amount_in)
    balances = vault.moved(weighted.balances, index_in, index_out, amount_in, amount_out)
    return amount_out, replace(weighted, balances=balances)


def marginal_rate(pool: AnyPool, token_in: Address, token_out: Address) -> float:
    """Rate of an infinitesimal swap: (balance_out / weight_out) / (balance_in / weight_in), less the fee."""
    weighted = _weighted(pool)
    index_in, index_out = vault.indexes(weighted, token_in, token_out)
    value_in = weighted.balances[index_in] * weighted.weights[index_out]
    value_out = weighted.balances[index_out] * weighted.weights[index_in]
    if value_in <= 0:
        return 0.0
    return value_out / value_in * ((ONE - weighted.fee) / ONE)


def encode(pool: AnyPool, token_in: Address, token_out: Address) -> HopWords:
    """Encode the hop as the two words that the executor unpacks."""
    return vault.encode(_weighted(pool), token_in, token_out)


def _weighted(pool: AnyPool) -> WeightedPool:
    if not isinstance(pool, WeightedPool):
        raise TypeError(f"{pool.id} is a {pool.family} pool, not weighted")
    return pool


def _amount_out(pool: WeightedPool, index_in: int, index_out: int, amount_in: int) -> int:
    scale_in, scale_out = pool.scaling[index_in], pool.scaling[index_out]
    balance_in = pool.balances[index_in] * scale_in
    balance_out = pool.balances[index_out] * scale_out
    scaled_in = vault.without_fee(amount_in, pool.fee) * scale_in
    limit = mul_down(balance_in, MAX_RATIO)
    if amount_in <= 0 or scaled_in > limit or balance_in <= 0:
        raise QuoteError("the pool cannot take this input", measured=amount_in, limit=limit // scale_in)
    base = div_up(balance_in, balance_in + scaled_in)
    raised = pow_up(base, div_down(pool.weights[index_in], pool.weights[index_out]), pool.version)
    vault.check_held(pool.balances, index_in, index_out, amount_in, 0)
    return mul_down(balance_out, complement(raised)) // scale_out
