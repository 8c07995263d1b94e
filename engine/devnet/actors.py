"""Who acts on the local chain between two blocks."""

from dataclasses import dataclass
from typing import Protocol

from engine.devnet.mining import Head


class Actor(Protocol):
    """Somebody with accounts of their own on the chain. Traders are one kind, rivals another."""

    def act(self, block: Head) -> None:
        """Send transactions in answer to `block`, to be mined with the next one; mines nothing itself."""
        ...


@dataclass(frozen=True, slots=True)
class Turn:
    """When somebody acts: so long after each block in real time; in lockstep the order alone counts."""

    delay_ms: int
    actor: Actor
