"""The tape of a running engine: what it takes in and is told, item by item, in a ring that is bounded in bytes.

While an item is under way only references are kept; it is written out and compressed when the item is done, after
everything was sent. Every `SEGMENT_BLOCKS` blocks the memory is copied, so that a replay can begin there.
"""

import zlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from engine.chains.endpoints import Json, Requests
from engine.domain.commands import Command, ExecuteTrade, ReloadPolicy
from engine.domain.events import BlockSeen, ChainEvent
from engine.domain.pools import AnyPool, Log
from engine.domain.ports import Clock
from engine.domain.units import BlockRef, PoolId
from engine.journal.journal import Journal
from engine.loop import Loop
from engine.measured import MEASUREMENTS
from engine.replay.beginning import Rows, rows_now
from engine.replay.memory import Memory, remember, size_of, ticket_of
from engine.replay.wire import to_wire
from engine.risk.halt import halt_reason
from engine.tickets import Ticket

SEGMENT_BLOCKS = 20
POOL_BYTES = 600
"""What one replaced value of a pool keeps alive, about."""
_LEVEL = 1

Pools = dict[PoolId, AnyPool]


@dataclass(slots=True, kw_only=True)
class Segment:
    """What came after one moment: the moment's memory, and the items since, each with its block's number, compressed.

    `changed` are the pools that differ from those of the segment before it; None is one that left.
    """

    head: BlockRef
    seq: int
    memory: Memory
    rows: Rows
    changed: dict[PoolId, AnyPool | None]
    wanted: Any
    items: list[tuple[int, bytes]] = field(default_factory=list[tuple[int, bytes]])
    blocks: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What the ring holds from one moment on, ready to be written: `items` are compressed JSON."""

    segment: Segment
    pools: Pools
    items: tuple[bytes, ...]
    to_block: int


class TapedClock:
    """A clock whose readings for records are kept while an item is under way."""

    def __init__(self, clock: Clock, recorder: "Recorder") -> None:
        self._clock = clock
        self._recorder = recorder

    def now_ns(self) -> int:
        """Tell the time, and keep what was told."""
        now_ns = self._clock.now_ns()
        self._recorder.read(now_ns)
        return now_ns

    def monotonic_ns(self) -> int:
        """Measurements are not kept: they are in no record."""
        return self._clock.monotonic_ns()

    def observe(self, block: BlockRef) -> None:
        """Pass a block on."""
        self._clock.observe(block)


class Recorder:
    """Listens from the moment it is given a loop. `took_ns` is what each item cost, after it was done."""

    def __init__(self, *, max_bytes: int, state: Path) -> None:
        self._max_bytes = max_bytes
        self._state = state
        self._loop: Loop | None = None
        self._journal: Journal | None = None
        self._monotonic_ns: Callable[[], int] = int
        self._wanted: Callable[[], Any] = dict
        self._segments: deque[Segment] = deque()
        self._base: Pools = {}
        self._last: Pools = {}
        self._taken: ChainEvent | Command | None = None
        self._before_seq = 0
        self._heard: list[tuple[Requests, Sequence[Json] | None]] = []
        self._now: list[int] = []
        self._tips: list[int] = []
        self._pending: list[Sequence[Log]] = []
        self._halted: str | None = None
        self._ticket: Ticket | None = None
        self.took_ns: deque[int] = deque(maxlen=MEASUREMENTS)

    def follow(self, loop: Loop, journal: Journal, *, wanted: Callable[[], Any], clock: Clock) -> None:
        """Begin to record; `wanted` says which limits the settings ask for."""
        self._loop, self._journal, self._wanted = loop, journal, wanted
        self._monotonic_ns = clock.monotonic_ns

    @property
    def blocks(self) -> int:
        """Count the blocks that the ring holds."""
        return sum(segment.blocks for segment in self._segments)

    @property
    def size(self) -> int:
        """Say how many bytes the ring holds, about."""
        return sum(segment.size for segment in self._segments)

    def hear(self, requests: Requests, answers: Sequence[Json] | None) -> None:
        """Keep an exchange with the node, but a head's logs: the event holds them."""
        if self._taken is not None and not (len(requests) == 1 and requests[0][0] == "eth_getLogs"):
            self._heard.append((requests, answers))

    def read(self, now_ns: int) -> None:
        """Keep a reading of the clock."""
        if self._taken is not None:
            self._now.append(now_ns)

    def tip(self, ask: Callable[[], int]) -> Callable[[], int]:
        """Wrap the question for the newest block known: what was answered decides whether a block is traded on."""

        def asked() -> int:
            tip = ask()
            if self._taken is not None:
                self._tips.append(tip)
            return tip

        return asked

    def pending(self, ask: Callable[[BlockRef], Sequence[Log]]) -> Callable[[BlockRef], Sequence[Log]]:
        """Wrap the question for the logs of the block being built: what they touch is left alone."""

        def asked(block: BlockRef) -> Sequence[Log]:
            logs = ask(block)
            if self._taken is not None:
                self._pending.append(logs)
            return logs

        return asked

    def begin(self, taken: ChainEvent | Command) -> None:
        """Note where the journal and the halt file stand as an item begins."""
        loop, journal = self._loop, self._journal
        if loop is None or journal is None:
            return
        if not self._segments:
            self._base = self._last = dict(loop.market.pools)
            self._mark(loop, journal)
        self._taken = taken
        self._before_seq = journal.head[0]
        self._halted = halt_reason(self._state)
        self._ticket = ticket_of(loop, taken) if isinstance(taken, ExecuteTrade) else None
        self._heard, self._now, self._tips, self._pending = [], [], [], []

    def end(self) -> None:
        """Write the item out, and keep the ring within its bounds."""
        loop, journal, taken = self._loop, self._journal, self._taken
        if loop is None or journal is None or taken is None:
            return
        began_ns = self._monotonic_ns()
        self._taken = None
        item = {
            "taken": to_wire(taken),
            "heard": [[requests, None if answers is None else [_said(one) for one in answers]]
                      for requests, answers in self._heard],
            "now": self._now,
            "tips": self._tips,
            "pending": [[to_wire(log) for log in logs] for logs in self._pending],
            "halted": self._halted,
            "before": self._before_seq,
            "after": journal.head[0],
            "ticket": to_wire(self._ticket),
            "wanted": self._wanted() if isinstance(taken, ReloadPolicy) else None,
        }  # fmt: skip
        packed = zlib.compress(msgspec.json.encode(item), _LEVEL)
        segment = self._segments[-1]
        segment.items.append((loop.market.head.number, packed))
        segment.size += len(packed)
        if isinstance(taken, BlockSeen):
            segment.blocks += 1
            if segment.blocks >= SEGMENT_BLOCKS:
                self._mark(loop, journal)
        self._drop()
        self.took_ns.append(self._monotonic_ns() - began_ns)

    def since(self, first_block: int, last_block: int | None = None) -> Taken | None:
        """Give what holds the blocks from one number on, up to another; None when the ring no longer has them.

        It begins at the last moment before them whose memory was copied, so up to `SEGMENT_BLOCKS` - 1 blocks earlier.
        """
        held = list(self._segments)
        first = max((n for n, segment in enumerate(held) if segment.head.number < first_block), default=None)
        if first is None:
            return None
        pools = dict(self._base)
        for segment in held[1 : first + 1]:
            _apply(pools, segment.changed)
        numbered = [item for segment in held[first:] for item in segment.items]
        wanted = [(number, packed) for number, packed in numbered if last_block is None or number <= last_block]
        if not wanted:
            return None
        to_block = max(number for number, _ in wanted)
        return Taken(segment=held[first], pools=pools, items=tuple(packed for _, packed in wanted), to_block=to_block)

    @property
    def first_block(self) -> int | None:
        """Name the first block that the ring holds whole; None before there is one."""
        return self._segments[0].head.number + 1 if self._segments else None

    def _mark(self, loop: Loop, journal: Journal) -> None:
        """Begin a segment: copy the memory, and what has become of the pools since the last one."""
        pools = dict(loop.market.pools)
        changed: dict[PoolId, AnyPool | None] = {
            pool_id: pool for pool_id, pool in pools.items() if self._last.get(pool_id) is not pool
        }
        changed |= dict.fromkeys(self._last.keys() - pools.keys())
        self._last = pools
        segment = Segment(
            head=loop.market.head,
            seq=journal.head[0],
            memory=remember(loop),
            rows=rows_now(journal),
            changed=changed,
            wanted=self._wanted(),
        )
        segment.size = size_of(segment.memory) + POOL_BYTES * len(changed)
        self._segments.append(segment)

    def _drop(self) -> None:
        """Forget the oldest segments until what is left fits; the newest stays, whatever it holds."""
        while len(self._segments) > 1 and self.size > self._max_bytes:
            self._segments.popleft()
            _apply(self._base, self._segments[0].changed)


def _apply(pools: Pools, changed: dict[PoolId, AnyPool | None]) -> None:
    for pool_id, pool in changed.items():
        if pool is None:
            pools.pop(pool_id, None)
        else:
            pools[pool_id] = pool


def _said(answer: Json) -> Json:
    """Leave the envelope out."""
    return {name: answer[name] for name in ("result", "error") if name in answer}
