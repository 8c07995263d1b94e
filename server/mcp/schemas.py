"""JSON schemas without what only costs a client tokens: titles, and descriptions of what pydantic generates."""

import json
from typing import Any


def compact(schema: dict[str, Any]) -> dict[str, Any]:
    """Leave titles, null defaults, open-endedness that is the default, and docstrings of shapes out of a schema.

    A shape that is used once stands where it is used.
    """
    slim = _slim(schema)
    assert isinstance(slim, dict)
    shapes: dict[str, Any] = slim.pop("$defs", {})
    written = json.dumps([slim, shapes])
    once = {name: shapes[name] for name in shapes if written.count(f'"#/$defs/{name}"') == 1}
    slim = _in_place(slim, once)
    kept = {name: _in_place(shape, once) for name, shape in shapes.items() if name not in once}
    return {**slim, "$defs": kept} if kept else slim


def answers(schema: dict[str, Any]) -> dict[str, Any]:
    """Compact what a tool answers with: its fields and their types, not which of them every answer has."""
    loose = _loose(compact(schema))
    assert isinstance(loose, dict)
    return loose


def _loose(node: Any, *, names: bool = False) -> Any:
    if isinstance(node, list):
        return [_loose(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        word: _loose(value, names=not names and word in ("properties", "$defs"))
        for word, value in node.items()
        if names or (word != "required" and not (word == "items" and value == {"type": "object"}))
    }


def _in_place(node: Any, shapes: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_in_place(item, shapes) for item in node]
    if not isinstance(node, dict):
        return node
    shape = shapes.get(str(node.get("$ref", "")).removeprefix("#/$defs/"))
    if shape is not None:
        return _in_place(shape, shapes) | {word: value for word, value in node.items() if word != "$ref"}
    return {word: _in_place(value, shapes) for word, value in node.items()}


def _slim(node: Any, *, names: bool = False) -> Any:
    if isinstance(node, list):
        return [_slim(item) for item in node]
    if not isinstance(node, dict):
        return node
    if names:  # the keys are names of fields, not words of the schema language
        return {name: _slim(value) for name, value in node.items()}
    kept = {
        word: _slim(value, names=word in ("properties", "$defs"))
        for word, value in node.items()
        if word != "title"
        and not (word == "default" and value is None)
        and not (word == "additionalProperties" and value is True)
        and not (word == "description" and "properties" in node)
    }
    types = [option.get("type") for option in kept.get("anyOf", ()) if set(option) == {"type"}]
    if types and len(types) == len(kept["anyOf"]):
        kept["type"] = types
        del kept["anyOf"]
    return _nullable(kept)


def _nullable(node: dict[str, Any]) -> dict[str, Any]:
    """Write "this or null" as one shape of two types."""
    match node.get("anyOf"):
        case [{"type": str(kind), **rest}, {"type": "null"}]:
            choices = {"enum": [*rest.pop("enum"), None]} if "enum" in rest else {}
            return (
                {word: value for word, value in node.items() if word != "anyOf"}
                | rest
                | choices
                | {"type": [kind, "null"]}
            )
        case _:
            return node
