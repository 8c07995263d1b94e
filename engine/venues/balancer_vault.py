"""What weighted and stable pools share: one vault that holds their balances, logs their swaps and limits them.

Sources: Vault (Swaps, PoolBalances, BalanceAllocation) of Balancer V2. Balances are a token's total: cash in the
vault plus what an asset manager has taken out. The pool id's first 20 bytes are the pool contract.
"""

from typing import Final, TypeVar

from eth_abi.abi import decode
from eth_utils.crypto import keccak

from engine.domain.errors import ChainError, QuoteError
from engine.domain.hops import EncodedHop, HopKind, HopWords, pack_hop
from engine.domain.pools import Log, StablePool, WeightedPool
from engine.domain.units import Address, PoolId
from engine.venues.balancer_math import ONE

SWAP: Final = keccak(text="Swap(bytes32,address,address,uint256,uint256)")
POOL_BALANCE_CHANGED: Final = keccak(text="PoolBalanceChanged(bytes32,address,address[],int256[],uint256[])")
POOL_BALANCE_MANAGED: Final = keccak(text="PoolBalanceManaged(bytes32,address,address,int256,int256)")
SWAP_FEE_CHANGED: Final = keccak(text="SwapFeePercentageChanged(uint256)")

VAULT_TOPICS: Final = (SWAP, POOL_BALANCE_CHANGED, POOL_BALANCE_MANAGED)

_BALANCE_LIMIT: Final = 2**112

VaultPool = TypeVar("VaultPool", WeightedPool, StablePool)


def pool_of(log: Log) -> PoolId:
    """Name the pool inside a vault's log, or the emitter of a pool's own log."""
    if log.topics[0] in VAULT_TOPICS:
        return PoolId("0x" + log.topics[1][:20].hex())
    return PoolId(log.address)


def speaks_for(pool: WeightedPool | StablePool, log: Log) -> bool:
    """Tell whether the log is this pool's: from its vault under its id, or from the pool itself."""
    if log.topics[0] in VAULT_TOPICS:
        return log.address == pool.vault and log.topics[1] == bytes.fromhex(pool.balancer_id[2:])
    return log.address == pool.id


def balances_after(pool: WeightedPool | StablePool, log: Log) -> tuple[int, ...]:
    """Return the balances after one of the vault's logs.

    Raises:
        ChainError: the log names a token that the pool does not have.
    """
    balances = list(pool.balances)
    for token, delta in _deltas(log):
        try:
            balances[pool.tokens.index(token)] += delta
        except ValueError:
            raise ChainError(
                "the vault's log names a token that the pool does not have",
                measured=token,
                limit=pool.tokens,
                next_step=f"read pool {pool.id} again",
            ) from None
    return tuple(balances)


def indexes(pool: WeightedPool | StablePool, token_in: Address, token_out: Address) -> tuple[int, int]:
    """Return the places of both tokens in the pool.

    Raises:
        QuoteError: a token that the pool does not have, or one and the same.
    """
    tokens = pool.tokens
    try:
        index_in = tokens.index(token_in)
        index_out = tokens.index(token_out)
    except ValueError:
        raise QuoteError(
            "the pool does not trade these tokens", measured=f"{token_in} to {token_out}", limit=tokens
        ) from None
    if index_in == index_out:
        raise QuoteError("the vault swaps no token for itself", measured=token_in)
    return index_in, index_out


def without_fee(amount: int, fee: int) -> int:
    """Take the swap fee off an input, rounding the fee up."""
    return amount + (-amount * fee // ONE)


def with_fee(amount: int, fee: int) -> int:
    """Return the input that leaves `amount` after the fee, rounding up."""
    return -(-amount * ONE // (ONE - fee))


def moved(balances: tuple[int, ...], index_in: int, index_out: int, amount_in: int, amount_out: int) -> tuple[int, ...]:
    """Return the balances after a swap that was quoted."""
    after = list(balances)
    after[index_in] += amount_in
    after[index_out] -= amount_out
    return tuple(after)


def check_held(balances: tuple[int, ...], index_in: int, index_out: int, amount_in: int, amount_out: int) -> None:
    """Refuse a swap whose amounts the vault cannot book.

    Raises:
        QuoteError: the balance in passes 112 bits, or the balance out cannot pay.
    """
    if balances[index_in] + amount_in >= _BALANCE_LIMIT:
        raise QuoteError("the vault's balance overflows", measured=balances[index_in] + amount_in, limit=_BALANCE_LIMIT)
    if amount_out > balances[index_out]:
        raise QuoteError("the vault cannot pay this output", measured=amount_out, limit=balances[index_out])


def encode(pool: WeightedPool | StablePool, token_in: Address, token_out: Address) -> HopWords:
    """Encode the hop as the two words that the executor unpacks."""
    indexes(pool, token_in, token_out)
    return pack_hop(
        EncodedHop(kind=HopKind.BALANCER, pool=Address(pool.id), token_out=token_out, balancer_id=pool.balancer_id)
    )


def _deltas(log: Log) -> list[tuple[Address, int]]:
    if log.topics[0] == SWAP:
        return [
            (_address(log.topics[2]), int.from_bytes(log.data[:32])),
            (_address(log.topics[3]), -int.from_bytes(log.data[32:64])),
        ]
    if log.topics[0] == POOL_BALANCE_CHANGED:
        tokens, deltas, fees = decode(["address[]", "int256[]", "uint256[]"], log.data)
        return [(Address(t.lower()), d - f) for t, d, f in zip(tokens, deltas, fees, strict=True)]
    cash, managed = decode(["int256", "int256"], log.data)
    return [(_address(log.topics[3]), cash + managed)]


def _address(topic: bytes) -> Address:
    return Address("0x" + topic[12:].hex())
