"""How a submission ended. Gas is wei actually paid, from the receipt.

`l1_fee_wei` is the part of `gas_paid_wei` for L1 data, `l1_gas` how much of `gas_used` it was (Arbitrum), and
`operator_fee_wei` the part that a chain's operator took; 0 in older journals.

`tx_hash` is what was mined of all that was signed for the nonce; None, in older journals, for the first.
"""

from dataclasses import dataclass

from engine.domain.units import Address, BlockRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """Mined and successful. `realised` is the executor's balance change in raw `token`, from the receipt."""

    intent_id: str
    block: BlockRef
    token: Address
    realised: int
    gas_used: int
    gas_paid_wei: int
    tx_hash: str | None = None
    l1_fee_wei: int = 0
    l1_gas: int = 0
    operator_fee_wei: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reverted:
    """Mined and reverted: nothing moved but gas."""

    intent_id: str
    block: BlockRef
    reason: str
    gas_used: int
    gas_paid_wei: int
    tx_hash: str | None = None
    l1_fee_wei: int = 0
    l1_gas: int = 0
    operator_fee_wei: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """Our own cancel took the nonce: the call can never be mined. The cancel's gas was paid."""

    intent_id: str
    block: BlockRef
    gas_used: int
    gas_paid_wei: int
    tx_hash: str | None = None
    l1_fee_wei: int = 0
    l1_gas: int = 0
    operator_fee_wei: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """A transaction that is not ours took the nonce: nothing of ours can be mined unless `block` leaves the chain.

    `by` is its hash where the node can say; `block` then holds it, else is the head at which the nonce was seen used.
    Older journals name none.
    """

    intent_id: str
    by: str | None
    block: BlockRef | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reorged:
    """The block that held it left the chain: the intent is open again."""

    intent_id: str
    block: BlockRef


Outcome = Filled | Reverted | Cancelled | Replaced | Reorged


def mined_hash(outcome: Outcome) -> str | None:
    """Name the transaction that ended it, where that is one of ours and not the first."""
    return None if isinstance(outcome, Replaced | Reorged) else outcome.tx_hash
