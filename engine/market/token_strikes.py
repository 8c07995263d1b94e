"""Trades that failed, token by token: what a check finds sound again and again, and fails again and again, is no longer
traded for a while."""

from collections.abc import Iterable
from typing import NamedTuple

from engine.domain.units import Address

REASON = "trades through it keep failing, though its check finds nothing"
MOST_OWN = 2
"""How many trades in a row may revert as tokens and pools make them revert."""
MOST = 11
"""How many may fail in a row, whatever for: a rival makes trades miss their floor, and a token can say the same."""
_RIVALS = (
    "below floor",
    "below minimum",
    "asks more",
    "late",
    "reason not known",
    "execution reverted",
    "out of gas",
)
"""Why a trade reverts that came second, and what says nothing of anybody; a simulation's refusal is among them."""


class Strike(NamedTuple):
    """One failure: on which block, and whether it was of the kind that competition does not explain."""

    block: int
    own: bool


class Strikes:
    """Each token's failures since the last trade through it that filled, as far back as `window` blocks."""

    def __init__(self, *, trusted: Iterable[Address], window: int) -> None:
        self._trusted = frozenset(trusted)
        self._window = window
        self._of: dict[Address, list[Strike]] = {}

    def filled(self, tokens: Iterable[Address]) -> None:
        """Forget what failed before."""
        for token in tokens:
            self._of.pop(token, None)

    def failed(self, tokens: Iterable[Address], block: int, reason: str | None) -> dict[Address, str]:
        """Count a failure, and say of each token that is at its limit now what was measured.

        `reason` is why a trade reverted; None for one that its simulation refused: those of one block count once, for
        one price that moved refuses them all. Trusted tokens are never at it: every trade goes through them.
        """
        own = reason is not None and bool(reason) and not reason.startswith(_RIVALS)
        found: dict[Address, str] = {}
        for token in {*tokens} - self._trusted:
            kept = [s for s in self._of.get(token, ()) if s.block + self._window > block]
            if reason is None and kept and kept[-1].block == block:
                continue
            self._of[token] = kept = [*kept, Strike(block, own)]
            owns = sum(strike.own for strike in kept)
            if owns > MOST_OWN or len(kept) > MOST:
                found[token] = f"{len(kept)} in a row, {owns} of them as no rival makes them"
        return found
