"""What a lower room needs from a higher one, or from the outside: handed in by compose.py."""

from typing import Protocol

from engine.domain.units import BlockRef


class Clock(Protocol):
    """Time in nanoseconds. In lockstep `now_ns` is derived from the block, so that one seed gives one journal."""

    def now_ns(self) -> int:
        """Tell the time since the epoch, for records."""
        ...

    def monotonic_ns(self) -> int:
        """Tell a time that only serves to measure how long something took; never recorded in the journal."""
        ...

    def observe(self, block: BlockRef) -> None:
        """Learn that the chain has reached `block`."""
        ...


class Pace(Protocol):
    """Who waits for whom: a live chain never waits; in lockstep the next block comes when the last one is done."""

    async def done(self, block: BlockRef) -> None:
        """Say that everything about `block` is decided and sent."""
        ...
