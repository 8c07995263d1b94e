"""One way to write a record as bytes: canonical JSON without a single JSON number in it.

Keys are sorted, no blanks, ASCII only. Every int is a decimal string (wei outgrow what JSON readers keep), bytes are
0x hex, tuples are lists, dataclasses are objects. Floats have no place in a journal and are refused.
"""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, NewType, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from engine.domain.errors import JournalError

T = TypeVar("T")

Body = dict[str, Any]
"""A record as canonical JSON gives it back: None, bool, str, lists and objects of these."""


def plain(value: object) -> Any:
    """Turn domain values into canonical JSON's; raises `TypeError` for floats and whatever else has no one form."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, Mapping):
        mapping = cast("Mapping[object, object]", value)
        if not all(isinstance(key, str) for key in mapping):
            raise TypeError("a record's keys are strings")
        return {str(key): plain(item) for key, item in mapping.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in cast("tuple[object, ...]", value)]
    if isinstance(value, frozenset | set):
        return sorted(plain(item) for item in cast("frozenset[object]", value))
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    raise TypeError(f"{type(value).__name__} has no canonical form")


def dumps(value: object) -> bytes:
    """Write a record as canonical JSON."""
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def loads(data: bytes) -> Body:
    """Read a record back; raises `JournalError` when the bytes are not a JSON object."""
    try:
        body: object = json.loads(data)
    except ValueError as fault:
        raise JournalError("an entry's body is not JSON", next_step="run ketch verify") from fault
    if not isinstance(body, dict):
        raise JournalError("an entry's body is not a JSON object", next_step="run ketch verify")
    return cast("Body", body)


def decode(kind: type[T], value: object) -> T:
    """Make a domain value of type `kind` from canonical JSON; raises `JournalError` when it does not fit."""
    try:
        return cast("T", _decode(kind, value))
    except (TypeError, ValueError, KeyError) as fault:
        name = getattr(kind, "__name__", str(kind))
        raise JournalError(f"a record is not a {name}", measured=fault, next_step="run ketch verify") from fault


def _decode(kind: Any, value: Any) -> Any:
    if isinstance(kind, NewType):
        return _decode(kind.__supertype__, value)
    origin = get_origin(kind)
    if origin is Literal:
        if value not in get_args(kind):
            raise ValueError(f"{value!r} is none of {get_args(kind)}")
        return value
    if origin in (UnionType, Union):
        return _decode_optional(kind, value)
    if origin is tuple:
        return _decode_tuple(get_args(kind), value)
    if is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        if set(value) != set(hints):
            raise ValueError(f"fields {sorted(set(value) ^ set(hints))} do not match {kind.__name__}")
        return kind(**{name: _decode(hint, value[name]) for name, hint in hints.items()})
    if kind is bool and isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a {kind}")
    if kind is bytes:
        if not value.startswith("0x"):
            raise ValueError(f"{value!r} is not 0x hex")
        return bytes.fromhex(value[2:])
    if kind is int:
        return int(value)
    if kind is str:
        return value
    raise TypeError(f"{kind} has no canonical form")


def _decode_optional(kind: Any, value: Any) -> Any:
    (inner,) = (arm for arm in get_args(kind) if arm is not NoneType)
    return None if value is None else _decode(inner, value)


def _decode_tuple(arms: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is not a list")
    items = cast("list[Any]", value)
    if len(arms) == 2 and arms[1] is Ellipsis:
        return tuple(_decode(arms[0], item) for item in items)
    return tuple(_decode(arm, item) for arm, item in zip(arms, items, strict=True))
