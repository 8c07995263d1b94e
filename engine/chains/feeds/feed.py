"""What one feed has told of the block that is being built, how early, and how far it can be believed."""

from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from typing import Any, Literal

from engine.chains.feeds.events import FeedEvent, FeedMessageRefused, Flashblock, PendingLog, Sequenced
from engine.domain.events import BlockSeen
from engine.domain.pools import Log
from engine.domain.units import BlockRef, ChainId

FeedKind = Literal["heads", "flashblocks", "flashblocks_rpc", "sequencer"]

FIRST_BLOCKS: Mapping[ChainId, int] = {ChainId(42161): 22_207_817}
"""The block that an Arbitrum chain's message 0 made; each message after it made the next one."""
BLOCKS_REMEMBERED = 1_024
MOST_PENDING_LOGS = 50_000
PAYLOADS_REMEMBERED = 16
FARTHEST_JUMP = 100_000
"""Messages of a sequencer that may be missing at once; what leaps further is no message of this chain."""
LEADS_KEPT = 10_000
JUDGED_BLOCKS = 64
UNTRUE_ALLOWED = 8
"""Of so many blocks, those whose logs did not come as they were told; above it the feed is measured and not heeded."""


@dataclass(slots=True, kw_only=True)
class Told:
    """What has been counted. A gap is a message that is missing; a repeat or a late one is passed over."""

    events: int = 0
    transactions: int = 0
    refused: int = 0
    gaps: int = 0
    repeats: int = 0
    late: int = 0
    connections: int = 0


@dataclass(slots=True, kw_only=True)
class _Building:
    """The block that is being built, as far as a feed told it. Not `whole`: a part is missing, so nothing is known."""

    payload_id: str = ""
    number: int = 0
    parent_hash: str | None = None
    next_index: int = 0
    whole: bool = False
    logs: tuple[Log, ...] = ()


class Feed:
    """One feed's word. The task that reads it writes here, the loop reads; a feed of kind "heads" is never heard.

    It fails closed: what is torn, lost or was untrue too often is no longer heeded, and the engine goes by its heads.
    """

    def __init__(self, kind: FeedKind, chain: ChainId, topics: Set[bytes], *, hold_back: bool) -> None:
        self.kind: FeedKind = kind
        self.told = Told()
        self.next_sequence: int | None = None
        self._first_block = FIRST_BLOCKS.get(chain)
        self._topics = topics
        self._hold_back = hold_back
        self._connected = False
        self._why = ""
        self._building = _Building()
        self._streamed: dict[tuple[str, int], Log] = {}
        self._streamed_block = 0
        self._first_seen: OrderedDict[int | str, int] = OrderedDict()
        self._heads: OrderedDict[int | str, int] = OrderedDict()
        self._payloads: deque[str] = deque(maxlen=PAYLOADS_REMEMBERED)
        self._judged: deque[bool] = deque(maxlen=JUDGED_BLOCKS)
        self.lead_ns: deque[int] = deque(maxlen=LEADS_KEPT)

    def connected(self) -> None:
        """Begin to listen; what was told before the connection was lost is forgotten."""
        self._connected, self._why = True, ""
        self.told.connections += 1

    def lost(self, why: str) -> None:
        """Stop to believe until it is connected again."""
        self._connected, self._why = False, why
        self._forget()

    def refused(self, error: FeedMessageRefused) -> None:
        """Take note of a message that cannot be read: the block that it was part of is no longer known."""
        self.told.refused += 1
        self._why = error.cause()
        self._forget()

    def take(self, event: FeedEvent, received_ns: int) -> None:
        """Take in one event, received at `received_ns` of the monotonic clock."""
        self.told.events += 1
        if isinstance(event, Flashblock):
            self._flashblock(event, received_ns)
        elif isinstance(event, Sequenced):
            self._sequenced(event, received_ns)
        else:
            self._pending_log(event, received_ns)

    def observe(self, event: BlockSeen) -> None:
        """Take note of a head: how early was it told, and did its logs come as they were told?"""
        claimed = self._logs_of(event.block.number, event.parent_hash)
        if claimed:
            came = {_key(log) for log in event.logs}
            self._judged.append(all(_key(log) in came for log in claimed))
        for name in (event.block.number, event.block.hash):
            if (first_ns := self._first_seen.pop(name, None)) is not None:
                self.lead_ns.append(event.received_ns - first_ns)
            else:
                _keep(self._heads, name, event.received_ns)

    def pending_logs(self, head: BlockRef) -> Sequence[Log]:
        """List what the block after `head` has logged so far; nothing while the feed is not to be heeded."""
        if not (self._hold_back and self._connected and self.believed):
            return ()
        return self._logs_of(head.number + 1, head.hash)

    @property
    def believed(self) -> bool:
        """False while too many of the last blocks did not hold what was told of them."""
        return self._judged.count(False) <= UNTRUE_ALLOWED

    def shown(self) -> dict[str, Any]:
        """Put it as clients read it; leads are added by whoever asks."""
        return {
            "kind": self.kind,
            "connected": self._connected,
            "believed": self.believed,
            "why": self._why,
            "holds_back": self._hold_back,
            **asdict(self.told),
            "blocks_told": len(self.lead_ns),
            "untrue_blocks": self._judged.count(False),
        }

    def _flashblock(self, event: Flashblock, received_ns: int) -> None:
        building = self._building
        if event.payload_id != building.payload_id:
            if event.payload_id in self._payloads:
                self.told.late += 1
                return
            self._payloads.append(event.payload_id)
            self._building = building = _Building(payload_id=event.payload_id, whole=event.index == 0)
            self.told.gaps += event.index
            building.next_index = event.index
        elif event.index < building.next_index:
            self.told.repeats += 1
            return
        elif event.index > building.next_index:
            self.told.gaps += event.index - building.next_index
            building.whole = False
        building.next_index = event.index + 1
        building.number = event.block_number or building.number
        building.parent_hash = event.parent_hash or building.parent_hash
        building.logs += self._watched(event.logs or ())
        if len(building.logs) > MOST_PENDING_LOGS:
            building.whole = False
        self.told.transactions += len(event.transactions)
        self._first(building.number, received_ns)

    def _sequenced(self, event: Sequenced, received_ns: int) -> None:
        expected = self.next_sequence
        if expected is not None and event.sequence_number < expected:
            self.told.repeats += 1
            return
        if expected is not None and event.sequence_number > expected + FARTHEST_JUMP:
            self.refused(FeedMessageRefused(measured=f"message {event.sequence_number} after {expected - 1}"))
            return
        if expected is not None:
            self.told.gaps += event.sequence_number - expected
        self.next_sequence = event.sequence_number + 1
        self.told.transactions += len(event.transactions)
        if event.block_hash is not None:
            self._first(event.block_hash, received_ns)
        elif self._first_block is not None:
            self._first(self._first_block + event.sequence_number, received_ns)

    def _pending_log(self, event: PendingLog, received_ns: int) -> None:
        log = event.log
        if log.block_number < self._streamed_block:
            self.told.late += 1
            return
        if log.block_number > self._streamed_block:
            self._streamed.clear()
            self._streamed_block = log.block_number
        if (log.tx_hash, log.log_index) in self._streamed:
            self.told.repeats += 1
        elif self._watched((log,)) and len(self._streamed) < MOST_PENDING_LOGS:
            self._streamed[log.tx_hash, log.log_index] = log
        self._first(log.block_number, received_ns)

    def _logs_of(self, number: int, parent_hash: str) -> tuple[Log, ...]:
        building = self._building
        ours = building.number == number and building.whole and building.parent_hash in (None, parent_hash)
        streamed = self._streamed.values() if self._streamed_block == number else ()
        return (*(building.logs if ours else ()), *streamed)

    def _watched(self, logs: Sequence[Log]) -> tuple[Log, ...]:
        return tuple(log for log in logs if log.topics and log.topics[0] in self._topics)

    def _first(self, name: int | str, received_ns: int) -> None:
        if not name or name in self._first_seen:
            return
        if (head_ns := self._heads.pop(name, None)) is not None:  # the block itself was here before: a lead below zero
            self.lead_ns.append(head_ns - received_ns)
            return
        _keep(self._first_seen, name, received_ns)

    def _forget(self) -> None:
        self._building = _Building()
        self._streamed.clear()
        self._streamed_block = 0


def _key(log: Log) -> tuple[str, tuple[bytes, ...], bytes]:
    return log.address, log.topics, log.data


def _keep(named: "OrderedDict[int | str, int]", name: int | str, value: int) -> None:
    named[name] = value
    while len(named) > BLOCKS_REMEMBERED:
        named.popitem(last=False)
