"""What a feed tells before a block is there: transactions seen early, and for flashblocks what they logged.

A feed is one more stranger. What it says is never a market state and never a reason to trade: it is measured, and it is
a reason to leave a pool alone for one block.
"""

from dataclasses import dataclass

from engine.domain.errors import ChainError
from engine.domain.pools import Log
from engine.domain.units import Address


class FeedMessageRefused(ChainError):
    """a feed's message cannot be read"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenTransaction:
    """A transaction before its block. `to` is None where it creates a contract, or is of a type unknown here.

    `timeboosted` says whether it came by Arbitrum's express lane, None where the feed does not tell.
    """

    tx_hash: str
    to: Address | None
    calldata: bytes
    raw: bytes
    timeboosted: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flashblock:
    """One part of a block that is being built. `parent_hash` comes with the first part only.

    `logs` is None where the message carries no receipts: Base leaves them out since its Azul upgrade.
    """

    payload_id: str
    index: int
    block_number: int
    parent_hash: str | None
    transactions: tuple[SeenTransaction, ...]
    logs: tuple[Log, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingLog:
    """One log of a transaction in the block that is being built, as `eth_subscribe("pendingLogs")` tells it."""

    log: Log


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequenced:
    """One message of Arbitrum's sequencer, a block each. `transactions` is empty for what came from L1."""

    sequence_number: int
    kind: int
    block_hash: str | None
    transactions: tuple[SeenTransaction, ...]


FeedEvent = Flashblock | PendingLog | Sequenced
