"""What an engine holds in memory as JSON and back. Only the classes listed here come out of a file; no code does."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from types import ModuleType
from typing import Any, cast

from engine import desk, gas_seen, miss_watch, revocation, tickets
from engine.chains import fee_forecast
from engine.domain import commands, decision, events, opportunity, ordering, outcome, pools, token_verdicts, units
from engine.knowledge import prior
from engine.market import token_strikes
from engine.planning import capital, costs
from engine.risk.book import Worth

_MODULES: tuple[ModuleType, ...] = (
    capital,
    commands,
    costs,
    decision,
    desk,
    events,
    fee_forecast,
    gas_seen,
    miss_watch,
    opportunity,
    ordering,
    outcome,
    pools,
    prior,
    revocation,
    tickets,
    token_strikes,
    token_verdicts,
    units,
)


def _is_value(found: object, module: ModuleType) -> bool:
    made_here = isinstance(found, type) and found.__module__ == module.__name__
    return made_here and (is_dataclass(found) or hasattr(found, "_fields"))


CLASSES: Mapping[str, type] = {
    found.__name__: found for module in _MODULES for found in vars(module).values() if _is_value(found, module)
} | {"Worth": Worth}
"""Values by name: dataclasses and named tuples without behaviour of their own."""


def to_wire(value: object) -> Any:
    """Turn a value into JSON's; raises `TypeError` for what has no form. Ints are text: JSON readers lose precision."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return {"i": str(value)}
    if isinstance(value, bytes):
        return {"x": value.hex()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        named = cast("Any", value)
        return {"c": type(named).__name__, "v": [to_wire(item) for item in named]}
    if isinstance(value, tuple | list | deque):
        items = [to_wire(item) for item in cast("tuple[object, ...]", value)]
        return {"t" if isinstance(value, tuple) else "l": items}
    if isinstance(value, frozenset | set):
        return {"f": sorted((to_wire(item) for item in cast("frozenset[object]", value)), key=str)}
    if isinstance(value, Mapping):
        mapping = cast("Mapping[object, object]", value)
        return {"d": [[to_wire(key), to_wire(item)] for key, item in mapping.items()]}
    if is_dataclass(value) and not isinstance(value, type):
        if type(value).__name__ not in CLASSES:
            raise TypeError(f"{type(value).__name__} has no form in a cassette")
        return {
            "c": type(value).__name__,
            "v": {field.name: to_wire(getattr(value, field.name)) for field in fields(value)},
        }
    raise TypeError(f"{type(value).__name__} has no form in a cassette")


def from_wire(tree: Any) -> Any:
    """Make the value again; raises `ValueError`, `TypeError` or `KeyError` for what `to_wire` did not write."""
    if tree is None or isinstance(tree, bool | str):
        return tree
    if "c" in tree:
        kind: Any = CLASSES[tree["c"]]
        held = tree["v"]
        if isinstance(held, list):
            return kind(*(from_wire(item) for item in cast("list[Any]", held)))
        known = {field.name for field in fields(kind)}  # another version of the code may have said more
        return kind(**{name: from_wire(item) for name, item in held.items() if name in known})
    ((form, held),) = tree.items()
    return _FORMS[form](held)


def _whole(held: Any) -> int:
    number = int(held)
    if number.bit_length() > 512:
        raise ValueError(f"a number of {number.bit_length()} bits")
    return number


_FORMS: Mapping[str, Callable[[Any], Any]] = {
    "i": _whole,
    "x": bytes.fromhex,
    "t": lambda held: tuple(from_wire(item) for item in held),
    "l": lambda held: [from_wire(item) for item in held],
    "f": lambda held: frozenset(from_wire(item) for item in held),
    "d": lambda held: {from_wire(key): from_wire(item) for key, item in held},
}


def block_ref(tree: Any) -> units.BlockRef:
    """Read a block's reference; raises as `from_wire` does, and `TypeError` for anything else."""
    found = from_wire(tree)
    if not isinstance(found, units.BlockRef):
        raise TypeError(f"{type(found).__name__} is no block")
    return found
