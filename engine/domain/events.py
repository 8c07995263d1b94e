"""What the chain tells the loop."""

from dataclasses import dataclass

from engine.domain.pools import Log
from engine.domain.units import BlockRef


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockSeen:
    """A new head with all its pool logs. `received_ns` is the monotonic clock when the head arrived."""

    block: BlockRef
    parent_hash: str
    base_fee_wei: int
    logs: tuple[Log, ...]
    received_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledBack:
    """The chain left its old branch: `ancestor` is the last block that both share."""

    ancestor: BlockRef
    dropped: tuple[BlockRef, ...]


ChainEvent = BlockSeen | RolledBack
