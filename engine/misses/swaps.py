"""What others did in a block, in the classifier's words: transfers and swaps, from traces or from receipts' logs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from engine.domain.units import Address, PoolId

Family = Literal["uniswap_v2", "uniswap_v3", "balancer_v1", "balancer_v2", "curve"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Tokens that moved: `raw` units of `token`. `order` is the place in the transaction, as executed."""

    order: int
    token: Address
    sender: Address
    receiver: Address
    raw: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """One swap at one pool: who paid in, who was paid, raw amounts. `order` is its place in the transaction."""

    tx_hash: str
    position: int
    order: int
    family: Family
    pool: PoolId
    sender: Address
    receiver: Address
    token_in: Address
    amount_in: int
    token_out: Address
    amount_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Liquidation:
    """Somebody's debt paid by another, who took the collateral, in the token that it was paid out in. Raw units."""

    tx_hash: str
    protocol: str
    borrower: Address
    liquidator: Address
    debt_token: Address
    debt: int
    collateral_token: Address
    collateral: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """One transaction that succeeded, as far as it matters here. `gas_wei` and `tip_wei` (paid to the block's producer
    outside of gas) are None where they are not known, and `gas_price_wei`, what a unit of gas cost, all together."""

    tx_hash: str
    position: int
    sender: Address | None
    to: Address | None
    swaps: tuple[Swap, ...]
    liquidations: tuple[Liquidation, ...]
    gas_wei: int | None
    tip_wei: int | None
    gas_price_wei: int | None = None


def netted(pool: PoolId, inside: Sequence[Transfer], before: Iterable[Transfer]) -> tuple[Transfer, Transfer] | None:
    """Tell what a pool was paid and what it paid: the transfer in and the transfer out, with the whole amounts.

    `inside` moved while the pool was called; `before` moved earlier in the transaction and was not taken for another
    swap: a pair of Uniswap V2 is paid before it is called. None when what moved is no swap of one token for another.
    """
    flows: dict[Address, int] = {}
    for transfer in inside:
        if transfer.receiver == pool:
            flows[transfer.token] = flows.get(transfer.token, 0) + transfer.raw
        if transfer.sender == pool:
            flows[transfer.token] = flows.get(transfer.token, 0) - transfer.raw
    paid = {token for token, raw in flows.items() if raw > 0}
    if not paid:
        prior = [t for t in before if t.receiver == pool and flows.get(t.token, 0) >= 0]
        if not prior:
            return None
        flows[prior[-1].token] = prior[-1].raw
        paid = {prior[-1].token}
    else:
        prior = []
    taken = {token for token, raw in flows.items() if raw < 0}
    if len(paid) != 1 or len(taken) != 1:
        return None
    (token_in,), (token_out,) = paid, taken
    into = [t for t in (*prior, *inside) if t.receiver == pool and t.token == token_in][-1]
    out = [t for t in inside if t.sender == pool and t.token == token_out][-1]
    return (
        replace(into, raw=flows[token_in]),
        replace(out, raw=-flows[token_out]),
    )


def by_transaction(swaps: Iterable[Swap]) -> Mapping[str, list[Swap]]:
    """Group swaps by their transaction, in order."""
    grouped: dict[str, list[Swap]] = {}
    for swap in sorted(swaps, key=lambda s: (s.position, s.order)):
        grouped.setdefault(swap.tx_hash, []).append(swap)
    return grouped
