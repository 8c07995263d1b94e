"""The hot key's gas float: said once when it gets short, and once more only after it was enough again."""

from typing import Any

from engine.domain.units import Address


class GasFloat:
    """Watches what the hot key holds, in wei. `low` is below `warn_below_wei`; None as long as it was never read."""

    def __init__(self, operator: Address, *, warn_below_wei: int) -> None:
        self._operator = operator
        self._warn_below_wei = warn_below_wei
        self.held_wei: int | None = None

    @property
    def low(self) -> bool:
        return self.held_wei is not None and self.held_wei < self._warn_below_wei

    def seen(self, held_wei: int) -> dict[str, Any] | None:
        """Take what was read; returns the event when this is where it got short."""
        was_low, self.held_wei = self.low, held_wei
        return {"event": "gas float low", **self.shown()} if self.low and not was_low else None

    def shown(self) -> dict[str, Any]:
        """Say what is held and when it is short."""
        return {
            "operator": self._operator,
            "held_wei": None if self.held_wei is None else str(self.held_wei),
            "warn_below_wei": str(self._warn_below_wei),
            "low": self.low,
        }
