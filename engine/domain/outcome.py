"""How a submission ended. Gas is wei actually paid, from the receipt."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Reverted:
    """Mined and reverted: nothing moved but gas."""

    intent_id: str
    block: BlockRef
    reason: str
    gas_used: int
    gas_paid_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """Another transaction took the nonce: this one can never be mined. `by` is its hash where known."""

    intent_id: str
    by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reorged:
    """The block that held it left the chain: the intent is open again."""

    intent_id: str
    block: BlockRef


Outcome = Filled | Reverted | Replaced | Reorged
