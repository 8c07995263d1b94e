"""A recording's time: what the clock said then, reading by reading, and which block was the newest known."""

from collections.abc import Callable, Sequence

from engine.domain.units import BlockRef

_NS_PER_S = 1_000_000_000


class RecordedTime:
    """Gives each reading of an item again, in order; past them the last, or the block's own time without any."""

    def __init__(self, monotonic_ns: Callable[[], int]) -> None:
        self._monotonic_ns = monotonic_ns
        self._now: list[int] = []
        self._tips: list[int] = []
        self._now_ns = 0
        self._tip = 0

    def load(self, now: Sequence[int], tips: Sequence[int], block: BlockRef | None) -> None:
        """Take up the readings of the next item, and the block that it is about."""
        self._now, self._tips = list(reversed(now)), list(reversed(tips))
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
