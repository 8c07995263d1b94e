"""JSON schemas without what only costs a client tokens: titles, and descriptions of what pydantic generates."""

from typing import Any


def compact(schema: dict[str, Any]) -> dict[str, Any]:
    """Leave titles, null defaults, open-endedness that is the default, and docstrings of shapes out of a schema."""
    slim = _slim(schema)
    assert isinstance(slim, dict)
    return slim


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
    return kept
