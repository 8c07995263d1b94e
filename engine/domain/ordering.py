"""How a chain orders transactions, and what follows: is a place bid for, and how long is a trade worth waiting for."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from engine.domain.units import Address

OrderingKind = Literal["first_come", "priority_fee", "express_lane"]

AUCTION_DEADLINE_S = 30
"""Where places are sold: a trade that was outbid may win a later round, and its floor still holds."""
ARRIVAL_DEADLINE_S = 10
"""Where arrival decides: whoever did not land within seconds came too late, and a late revert costs gas."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """Timeboost's express lane in one round: its holder, None when nobody bought it. Everybody else waits 200 ms."""

    round: int
    holder: Address | None
    ends_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordering:
    """One policy, and who says that it is the chain's. `lane` is known where the auction's contract answers."""

    kind: OrderingKind
    said_by: str
    lane: Lane | None = None

    def bid_share_ppm(self, allowed_ppm: int) -> int:
        """Share of the net profit worth bidding: all that is allowed where places are sold, nothing elsewhere."""
        return allowed_ppm if self.kind == "priority_fee" else 0

    @property
    def deadline_s(self) -> int:
        """How long after its block a trade may still run, in seconds of the chain's time."""
        return AUCTION_DEADLINE_S if self.kind == "priority_fee" else ARRIVAL_DEADLINE_S

    @property
    def lands_within_blocks(self) -> int:
        """How many blocks after the one that shows it a trade may land: one more where a lane's holder goes first.

        200 ms of delay are most of a block of 250 ms.
        """
        held = self.kind == "express_lane" and (self.lane is None or self.lane.holder is not None)
        return 2 if held else 1

    def shown(self) -> dict[str, Any]:
        """Put it as clients read it."""
        lane = None if self.lane is None else asdict(self.lane)
        return {"policy": self.kind, "said_by": self.said_by, "bids": self.kind == "priority_fee", "lane": lane}


ASSUMED = Ordering(kind="priority_fee", said_by="assumed: the chain does not say")
"""A bid that was not needed costs a share of one profit; a place that was not bid for costs them all."""
