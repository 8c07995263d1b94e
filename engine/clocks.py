"""The two clocks: the machine's, and one that only blocks move."""

import time

from engine.domain.units import BlockRef

_NS_PER_S = 1_000_000_000


class SystemClock:
    """The machine's time, in nanoseconds since the epoch."""

    def now_ns(self) -> int:
        return time.time_ns()

    def monotonic_ns(self) -> int:
        """Nanoseconds for measuring how long something took."""
        return time.perf_counter_ns()

    def observe(self, block: BlockRef) -> None:
        """Blocks do not move this clock."""


class BlockClock:
    """Lockstep's time: the timestamp of the last block observed, so that one seed gives one journal."""

    def __init__(self) -> None:
        self._now_ns = 0

    def now_ns(self) -> int:
        return self._now_ns

    def monotonic_ns(self) -> int:
        """Measurements stay real: they are reported and never written into the journal."""
        return time.perf_counter_ns()

    def observe(self, block: BlockRef) -> None:
        """Set the time to the block's."""
        self._now_ns = block.timestamp_s * _NS_PER_S
