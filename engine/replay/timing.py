"""A recording's time: the clock's readings, which block was the newest known, and what was pending on top of it."""

from collections.abc import Callable, Sequence

from engine.domain.pools import Log
from engine.domain.units import BlockRef

_NS_PER_S = 1_000_000_000


class RecordedTime:
    """Gives each reading of an item again, in order; past them the last, or the block's own time without any."""

    def __init__(self, monotonic_ns: Callable[[], int]) -> None:
        self._monotonic_ns = monotonic_ns
        self._now: list[int] = []
        self._tips: list[int] = []
        self._pending: list[Sequence[Log]] = []
        self._now_ns = 0
        self._tip = 0

    def load(
        self, now: Sequence[int], tips: Sequence[int], pending: Sequence[Sequence[Log]], block: BlockRef | None
    ) -> None:
        """Take up the readings of the next item, and the block that it is about."""
        self._now, self._tips = list(reversed(now)), list(reversed(tips))
        self._pending = list(reversed(pending))
        if block is not None:
            self._now_ns, self._tip = block.timestamp_s * _NS_PER_S, block.number

    def now_ns(self) -> int:
        """Tell the time that records were given then."""
        if self._now:
            self._now_ns = self._now.pop()
        return self._now_ns

    def monotonic_ns(self) -> int:
        """Measurements are real, and in no record."""
        return self._monotonic_ns()

    def observe(self, block: BlockRef) -> None:
        """Blocks do not move this clock: its readings are given."""

    def tip(self) -> int:
        """Name the newest block that was known then."""
        if self._tips:
            self._tip = self._tips.pop()
        return self._tip

    def pending(self, block: BlockRef) -> Sequence[Log]:
        """List the logs of the block being built as they were told then; none past that."""
        return self._pending.pop() if self._pending else ()
