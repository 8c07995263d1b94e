"""What a trade claims of the limits, and what counts against them at one moment: values, read by the rules."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.domain.opportunity import Proof
from engine.risk.chain_time import ChainTime

ENGINE = "engine"

Spent = Literal["gas", "loss", "notional", "token", "venue", "agent gas", "agents gas", "agent notional"]
"""What a day's spending is kept by; a token, a venue and an agent also by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A rule that stops a trade: what was measured, the limit, and what would change the answer."""

    rule: str
    measured: str
    limit: str
    next_step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """The proof's own price of its profit: `wei` of the native coin for `raw` of the token. Values the outcome too."""

    wei: int
    raw: int

    def of(self, realised: int) -> int:
        """Value a realised profit in wei, rounded down."""
        return realised * self.wei // self.raw if self.raw else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one trade asks of the limits. `principal` is the server's name for who asks; `agent` says that it is none
    of the engine's own.

    In wei: `worst_wei` is the most it can burn, `notional_wei` what it puts in, `own_wei` the part of that which is
    not borrowed. Raises `ValueError` for a negative amount.
    """

    worst_wei: int
    principal: str = ENGINE
    agent: bool = False
    token: str = ""
    venues: tuple[str, ...] = ()
    notional_wei: int = 0
    own_wei: int = 0

    def __post_init__(self) -> None:
        if min(self.worst_wei, self.notional_wei, self.own_wei) < 0:
            raise ValueError(f"a claim of {self.worst_wei}, {self.notional_wei} and {self.own_wei} wei")


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """What counts against the caps on `day`, the ledger's.

    `last` is the time that the newest entry took (None before the first reservation). `spent` is the day's, by what and
    name, in wei; `held` the claims of open reservations, which count on every day until their outcome is known; `open`
    those and what else the caller holds open; `lately` the trades of the last minute by principal; `losses_in_a_row`
    those since the last that did not lose, or since the operator last resumed.
    """

    last: ChainTime | None = None
    day: int = 0
    spent: Mapping[tuple[Spent, str], int] = field(default_factory=lambda: dict[tuple[Spent, str], int]())
    held: tuple[Claim, ...] = ()
    open: int = 0
    lately: Mapping[str, int] = field(default_factory=lambda: dict[str, int]())
    losses_in_a_row: int = 0

    @property
    def gas_wei(self) -> int:
        return self.spent.get(("gas", ""), 0)

    @property
    def loss_wei(self) -> int:
        return self.spent.get(("loss", ""), 0)

    @property
    def held_wei(self) -> int:
        """The worst of all open reservations together."""
        return sum(claim.worst_wei for claim in self.held)


def claim_of(proof: Proof, worst_wei: int) -> Claim:
    """Make the claim of a proof. What a price is missing for is refused before, and counts as nothing here."""
    plan, notional_wei = proof.plan, proof.notional_wei or 0
    return Claim(
        worst_wei=worst_wei,
        principal=plan.request.principal,
        agent=plan.request.origin == "agent",
        token=plan.request.route.token,
        venues=tuple(sorted({*plan.deployments})),
        notional_wei=notional_wei,
        own_wei=notional_wei if plan.capital == "own" else 0,
    )
