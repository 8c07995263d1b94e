"""Refusals that a model can read: code, cause, what to do, and an example of a right call."""

import json
from collections.abc import Mapping
from typing import Any

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import ValidationError

from engine.domain.errors import ControlError
from tools.spec import clean

_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is not a parameter of this tool",
    "int_type": "must be a whole number, not text",
    "int_from_float": "must be a whole number",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "string_pattern_mismatch": "has the wrong form",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "string_too_long": "must be at most {max_length} characters",
    "string_too_short": "must be at least {min_length} characters",
    "too_long": "must have at most {max_length} items",
    "too_short": "must have at least {min_length} items",
    "literal_error": "must be one of {expected}",
}


def refusal(code: str, cause: str, next_step: str, example: object = None) -> ToolError:
    """Say why a call failed."""
    body = {"code": code, "cause": cause, "next_step": next_step, "example": example}
    return ToolError(json.dumps(clean(body), ensure_ascii=False))


def of_engine(error: ControlError, tool: str, example: Mapping[str, Any]) -> ToolError:
    """Say the engine's refusal in the terms of the tool that was called."""
    step = error.next_step or "read engine_status, then call again"
    return refusal(error.code, error.cause(), step, {"tool": tool, "arguments": dict(example)})


def of_arguments(error: ValidationError, tool: str, example: Mapping[str, Any]) -> ToolError:
    """Say the first thing that is wrong with a call's arguments."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part)[:40] for part in first["loc"]) or "the arguments"
    words = _WORDS.get(first["type"], "has a wrong value").format_map(first.get("ctx") or {})
    return refusal(
        "invalid_arguments",
        f"{where} {words}",
        "correct it and call again, as in the example",
        {"tool": tool, "arguments": dict(example)},
    )
