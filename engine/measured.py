"""What one run of the loop has counted and timed; none of it is in the journal."""

from collections import deque
from dataclasses import dataclass, field

MEASUREMENTS = 100_000
"""How many latencies are kept for percentiles."""


@dataclass(slots=True)
class Measured:
    """What this run has seen so far; latencies in nanoseconds."""

    blocks: int = 0
    opportunities: int = 0
    filled: int = 0
    reverted: int = 0
    refused: int = 0
    left_alone: int = 0
    detect_ns: deque[int] = field(default_factory=lambda: deque(maxlen=MEASUREMENTS))
    send_ns: deque[int] = field(default_factory=lambda: deque(maxlen=MEASUREMENTS))
