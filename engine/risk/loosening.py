"""Which way each limit loosens, in one table; from it follow what may be taken at once and what waits for a signature.

Each row names how two values of a limit are brought to one that allows only what both allow (a lattice's meet). One
value is looser than another when the two brought together are not it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from engine.risk.terms import Terms


@dataclass(frozen=True, slots=True)
class Loosens:
    """One direction: the words for what loosens, and the value that allows only what both values allow."""

    when: str
    both: Callable[[Any, Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One setting that differs between two terms, and whether its new value allows something that the old did not."""

    name: str
    old: Any
    new: Any
    loosens: bool


def _least(one: Any, other: Any) -> Any:
    """Take the smaller cap; None is no cap."""
    return other if one is None else one if other is None else min(one, other)


def _most(one: Any, other: Any) -> Any:
    """Take the greater minimum; None is no minimum."""
    return other if one is None else one if other is None else max(one, other)


def _common(one: Any, other: Any) -> Any:
    """Take what both lists hold; None is a list of everything."""
    return other if one is None else one if other is None else tuple(sorted({*one} & {*other}))


def _held(one: Any, _other: Any) -> Any:
    """Keep what is held: of this limit nobody has said which way it loosens."""
    return one


RAISED: Final = Loosens("raised", _least)
LOWERED: Final = Loosens("lowered", _most)
LONGER: Final = Loosens("longer", _common)
TURNED_ON: Final = Loosens("turned on", _least)
CHANGED: Final = Loosens("changed", _held)
"""For a limit without a row: every change waits for the signature."""

LOOSENS: Final[Mapping[str, Loosens]] = {
    "risk.max_notional_wei": RAISED,
    "risk.min_net_profit_wei": LOWERED,
    "risk.max_gas_wei": RAISED,
    "risk.gas_budget_per_day_wei": RAISED,
    "risk.max_loss_per_day_wei": RAISED,
    "risk.approval_above_wei": RAISED,
    "risk.max_open_intents": RAISED,
    "risk.max_notional_per_day_wei": RAISED,
    "risk.max_notional_per_token_per_day_wei": RAISED,
    "risk.max_notional_per_venue_per_day_wei": RAISED,
    "risk.max_exposure_wei": RAISED,
    "risk.halt_at_loss_share_ppm": RAISED,
    "risk.halt_at_losses_in_a_row": RAISED,
    "risk.max_trades_per_minute": RAISED,
    "risk.agent_trades_per_minute": RAISED,
    "risk.agent_notional_per_day_wei": RAISED,
    "risk.agent_gas_per_day_wei": RAISED,
    "risk.agents_gas_per_day_wei": RAISED,
    "risk.allowed_chains": LONGER,
    "risk.allowed_tokens": LONGER,
    "risk.allowed_deployments": LONGER,
    "risk.bid_share_ppm": RAISED,
    "risk.floor_share_ppm": LOWERED,
    "agents.trading": TURNED_ON,
    "agents.live_trading": TURNED_ON,
}
"""Setting -> which change of it loosens. The checker has a table of its own; a test holds the two together."""


def tightened(held: Terms, wanted: Terms) -> Terms:
    """Bring terms together, field by field: what is wanted where it is tighter, else what is held."""
    asked = wanted.flat()
    return Terms.of({name: _row(name).both(value, asked[name]) for name, value in held.flat().items()})


def changes(old: Terms, new: Terms) -> tuple[Change, ...]:
    """List the settings that differ, in the table's order, each with whether it loosens."""
    after = new.flat()
    return tuple(
        Change(name=name, old=value, new=after[name], loosens=_row(name).both(value, after[name]) != after[name])
        for name, value in old.flat().items()
        if after[name] != value
    )


def loosenings(old: Terms, new: Terms) -> tuple[Change, ...]:
    """List the settings in which `new` allows something that `old` does not."""
    return tuple(change for change in changes(old, new) if change.loosens)


def said(value: Any) -> str:
    """Write a setting's value for people and for the text that is signed."""
    if value is None:
        return "anything"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple | list):
        return ", ".join(str(item) for item in value) or "nothing"
    return str(value)


def _row(name: str) -> Loosens:
    return LOOSENS.get(name, CHANGED)
