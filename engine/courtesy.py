"""The courtesy question to an agent's client: asked before a trade is left waiting for the operator.

It may stop a trade and never let one through: whoever answers it may be the attacker.
"""

from dataclasses import dataclass
from typing import Final, Literal

from engine.risk.limits import Breach

Declined = Literal["declined", "cancelled", "unanswered", "unintelligible"]
"""How a client may fail to say yes."""
_WORDS: Final[dict[str, str]] = {
    "declined": "the client declined",
    "cancelled": "the client closed the question",
    "unanswered": "the client did not answer in time",
    "unintelligible": "the client gave no answer that is one",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """A trade that would wait for the operator: in plain words, what it is worth, and above what one waits."""

    what: str
    notional_wei: int
    limit_wei: int


def declined(how: str) -> Breach:
    """Refuse a trade that its own client did not want; its ticket is spent."""
    return Breach(
        rule="declined by the client",
        measured=_WORDS[how],
        limit="the client's own yes, before the operator is asked",
        next_step="call simulate_trade again and use a new idempotency key, if it is wanted after all",
    )
