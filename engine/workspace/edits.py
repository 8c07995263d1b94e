"""A setting changed in the text of ketch.toml, line by line, so that comments and order stay; and the difference."""

import copy
import difflib
import re
import tomllib
from collections.abc import Iterable, Sequence
from typing import Any, Final, cast

from engine.config_sources import stated_in
from engine.domain.errors import ControlError
from engine.domain.printable import printable

FILE: Final = "ketch.toml"
Edit = tuple[str, str | None]
"""A setting's dotted name, and its new value as TOML; None takes the setting out."""


def value_of(text: str) -> object:
    """Read one TOML value; raises `ControlError` for what is none, or is more than one."""
    try:
        read = tomllib.loads(f"value = {text}")
    except (tomllib.TOMLDecodeError, RecursionError):
        read = {}
    if set(read) != {"value"} or "\n" in text:
        raise ControlError(
            "that is not one TOML value",
            measured=printable(text[:80], instead="?"),
            limit='such as 3, true, "text" or [1, 2]',
            next_step="put text in quotes",
            code="invalid_params",
        )
    return read["value"]


def edited(text: str, edits: Iterable[Edit]) -> str:
    """Return the file's text with the settings changed; raises `ControlError` where that takes more than a line."""
    for setting, value in edits:
        wanted = _with(tomllib.loads(text), setting, value)
        text = _one(text, setting, value)
        if _read(text) != wanted:
            raise ControlError(
                f"{setting} is written in {FILE} in a way that one line cannot change",
                next_step="write it there by hand",
                code="invalid_params",
            )
    return text


def difference(before: str, after: str) -> list[str]:
    """Say which lines go and which come, without the lines around them: those may hold an endpoint."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), FILE, FILE, lineterm="", n=0)
    return [*lines]


def stated_value(text: str, setting: str) -> str | None:
    """Return a setting's value as the file says it, as TOML; None when it says nothing."""
    node: Any = tomllib.loads(text)
    if not stated_in(node, setting):
        return None
    for part in setting.split("."):
        node = node[part]
    return as_toml(node)


def as_toml(value: object) -> str:
    """Write a value as TOML does; a table, as an inline one."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return '"' + "".join(_character(c) for c in value) + '"'
        case list() | tuple():
            items = cast("Sequence[object]", value)
            return "[" + ", ".join(as_toml(item) for item in items) + "]"
        case dict():
            table = cast("dict[str, object]", value)
            return "{" + ", ".join(f"{as_toml(name)} = {as_toml(item)}" for name, item in table.items()) + "}"
        case _:
            return str(value)


def _character(c: str) -> str:
    if c in '"\\':
        return f"\\{c}"
    return c if c.isprintable() else f"\\U{ord(c):08X}"


def _one(text: str, setting: str, value: str | None) -> str:
    """Change, add or take out one line."""
    lines = text.splitlines(keepends=True)
    table, _, key = setting.rpartition(".")
    section = _section(lines, table)
    if section is None:
        ended = text if not text or text.endswith("\n") else f"{text}\n"
        return f"{ended}\n[{table}]\n{key} = {value}\n".lstrip("\n") if value is not None else text
    begin, end = section
    place = next((n for n in range(begin, end) if re.match(rf"\s*{re.escape(key)}\s*=", lines[n])), None)
    if value is None:
        return "".join(lines if place is None else lines[:place] + lines[place + 1 :])
    new = f"{key} = {value}\n"
    if place is not None:
        return "".join([*lines[:place], new, *lines[place + 1 :]])
    if lines and begin and not lines[begin - 1].endswith("\n"):
        lines[begin - 1] += "\n"
    return "".join([*lines[:begin], new, *lines[begin:]])


def _section(lines: Sequence[str], table: str) -> tuple[int, int] | None:
    """Say between which lines a table's settings stand; None where there is no such table."""
    heads = [n for n, line in enumerate(lines) if re.match(r"\s*\[", line)]
    if not table:
        return 0, heads[0] if heads else len(lines)
    for n in heads:
        if re.match(rf"\s*\[\s*{re.escape(table)}\s*\]", lines[n]):
            return n + 1, next((head for head in heads if head > n), len(lines))
    return None


def _with(tree: dict[str, Any], setting: str, value: str | None) -> dict[str, Any]:
    changed = copy.deepcopy(tree)
    if value is None and not stated_in(tree, setting):
        return changed
    *tables, last = setting.split(".")
    node = changed
    for part in tables:
        node = node.setdefault(part, {})
    if value is None:
        node.pop(last, None)
    else:
        node[last] = value_of(value)
    return changed


def _read(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None
