"""What a lower room needs from a higher one, or from the outside: handed in by compose.py."""

from typing import Protocol


class Clock(Protocol):
    """Time in nanoseconds since the epoch. In lockstep it is derived from the block, for one journal a seed."""

    def now_ns(self) -> int: ...
