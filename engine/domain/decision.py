"""What review says of a proof, and what the signer made of an approval."""

from dataclasses import dataclass, replace
from typing import Literal

from engine.domain.opportunity import Proof, TradeRequest
from engine.domain.units import Stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class BidLimit:
    """How much one setting let a trade bid: at most `most_wei` per gas.

    `more` is by how much the setting's value must move for each further wei per gas: numerator and denominator.
    """

    setting: str
    value: int
    most_wei: int
    more: tuple[int, int]

    def for_bid(self, bid_wei: int) -> int:
        """Return a value of the setting that allows a bid above `most_wei`, rounded away from the value it has."""
        numerator, denominator = self.more
        by = (bid_wei - self.most_wei) * abs(numerator)
        return self.value + (-(-by // denominator) if numerator > 0 else by // -denominator)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """A proof that every rule passed, with its worst loss reserved.

    Fees are wei per gas; `worst_loss_wei` is gas limit × max fee: the contract's floor keeps the principal whole.
    `bid_limits` is why the bid was no higher, for whoever explains a miss; it is not written down with the decision,
    and empty where the chain sells no places.
    """

    stamp: Stamp
    proof: Proof
    reservation: str
    policy_hash: str
    max_fee_wei: int
    priority_fee_wei: int
    worst_loss_wei: int
    bid_limits: tuple[BidLimit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A request that one rule stopped: what was measured, the limit, and what would change the answer."""

    stamp: Stamp
    request: TradeRequest
    rule: str
    measured: str
    limit: str
    next_step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A request that only the operator can let through: `digest` is what the secret signs, for this trade alone.

    `command` names the execution that waits; `notional_wei` is above `limit_wei`; `expires_s` is chain time.
    """

    stamp: Stamp
    request: TradeRequest
    approval: str
    command: str
    digest: str
    policy_hash: str
    notional_wei: int
    limit_wei: int
    expires_s: int


Decision = Approved | Refused
"""What the desk's review says; `Waiting` comes before it, and only for a request of an agent."""


Door = Literal["public", "private", "private_then_public"]
"""Where signed bytes may go: to everybody, to private relays alone, or to everybody once the relays fail."""
PrivateMode = Literal["private_transaction", "bundle"]
"""How a private relay is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fees:
    """Wei per gas, at most and to the block's producer."""

    max_fee_wei: int
    priority_fee_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A signed transaction. It is on disk before it is sent; after a crash the same bytes are sent again.

    `door` is decided before the signature and written down with it: whatever the settings say later, these bytes never
    take another. `deadline_s` is the chain time from which the call can only revert; None where it has none.
    """

    intent_id: str
    decision_id: str
    nonce: int
    raw_tx: bytes
    tx_hash: str
    submitted_block: int
    door: Door = "public"
    deadline_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """Signed bytes for a nonce that a submission holds already: its call at higher fees, or a cancel.

    At most one of all that was signed for a nonce is ever mined. On disk before it is sent, as the submission is.
    """

    intent_id: str
    kind: Literal["bump", "cancel"]
    why: str
    nonce: int
    raw_tx: bytes
    tx_hash: str
    gas_limit: int
    max_fee_wei: int
    priority_fee_wei: int
    submitted_block: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outstanding:
    """A submission that has not ended, and what was signed for its nonce after it, the newest last."""

    submission: Submission
    attempts: tuple[Attempt, ...] = ()

    @property
    def cancels(self) -> frozenset[str]:
        """Name the hashes that do nothing but take its nonce."""
        own = {self.submission.tx_hash} if self.is_fill else set[str]()
        return frozenset(own | {a.tx_hash for a in self.attempts if a.kind == "cancel"})

    @property
    def is_fill(self) -> bool:
        """Tell a transfer of nothing that fills a nonce, which a reorg left open, from a call of the executor."""
        return self.submission.decision_id.startswith("outside-")

    @property
    def hashes(self) -> tuple[str, ...]:
        """Name every hash under which its nonce may be mined, the first first."""
        return (self.submission.tx_hash, *(a.tx_hash for a in self.attempts))

    @property
    def newest(self) -> Submission:
        """Give what is to be sent: the bytes signed last, under the submission's own name.

        A cancel is public whatever the door was: it says nothing of the trade, and frees the nonce without a relay.
        """
        if not self.attempts:
            return self.submission
        last = self.attempts[-1]
        return replace(
            self.submission,
            raw_tx=last.raw_tx,
            tx_hash=last.tx_hash,
            submitted_block=last.submitted_block,
            door="public" if last.kind == "cancel" else self.submission.door,
        )
