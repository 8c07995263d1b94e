"""What a lower room needs from a higher one, or from the outside: handed in by compose.py."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from engine.domain.chance import Chances
from engine.domain.commands import Command
from engine.domain.decision import Approved, Fees, Submission
from engine.domain.events import ChainEvent
from engine.domain.pools import AnyPool
from engine.domain.units import Address, BlockRef, PoolId


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


class Tape(Protocol):
    """Whoever listens to what the loop takes in, from the first step of an item to its last."""

    def begin(self, taken: ChainEvent | Command) -> None:
        """An item begins: what is asked, read of a clock and answered from here on belongs to it."""
        ...

    def end(self) -> None:
        """It is done: everything of it is decided, written and sent."""
        ...


class Prior(Protocol):
    """What trades that were sent before say of the next. A prior leaves alone; it never decides an amount."""

    def learn(self, pools: Mapping[PoolId, AnyPool]) -> None:
        """Take up what has ended since the last time; `pools` tell the shapes of its routes."""
        ...

    def chances(self, head: BlockRef, base_fee_wei: int) -> Chances | None:
        """Say how trades fare in the market's state at `head`; None when nothing is known of any."""
        ...

    def shown(self) -> Sequence[Mapping[str, object]]:
        """List for people what was sent and how it ended, by shape and state."""
        ...


class Signs(Protocol):
    """Whoever holds the hot key, in this process or in one of its own. Every method raises `SigningRefused`."""

    @property
    def address(self) -> Address:
        """The hot key's address."""
        ...

    def sign_trade(self, approved: Approved, *, intent_id: str, nonce: int) -> Submission:
        """Sign what was approved, unless halted or when anything differs from the approval."""
        ...

    def sign_sweep(
        self, token: Address, amount: int, *, fees: Fees, intent_id: str, command_id: str, nonce: int, block_number: int
    ) -> Submission:
        """Sign a sweep of `amount` raw units to the treasury, even when halted."""
        ...

    def sign_bump(self, raw_tx: bytes, *, max_fee_wei: int, priority_fee_wei: int, worst_wei: int) -> bytes:
        """Sign a call of its own once more at other fees; return the signed bytes."""
        ...

    def sign_cancel(self, nonce: int, *, max_fee_wei: int, priority_fee_wei: int) -> bytes:
        """Sign a transfer of nothing to itself with `nonce`, even when halted; return the signed bytes."""
        ...
