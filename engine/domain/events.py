"""What the chain tells the loop."""

from dataclasses import dataclass

from engine.domain.pools import Log
from engine.domain.units import BlockRef


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockSeen:
    """A new head with all its pool logs. `received_ns` is the monotonic clock when the head arrived.

    `next_base_fee_wei` is what its header says of the block after it; None where no header says.
    """

    block: BlockRef
    parent_hash: str
    base_fee_wei: int
    logs: tuple[Log, ...]
    received_ns: int
    next_base_fee_wei: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledBack:
    """The chain left its old branch: `ancestor` is the last block that both share."""

    ancestor: BlockRef
    dropped: tuple[BlockRef, ...]


ChainEvent = BlockSeen | RolledBack
