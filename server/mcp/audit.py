"""Calls that this server refuses itself, reported to the engine: who asked what belongs into the journal's chain.

What reaches the engine the engine notes itself (engine/journal/calls.py). Never arguments, never answers.
"""

import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import anyio
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError

from engine.domain.errors import ControlError
from engine.facade import Facade

AUDITED = {"tools/call": "name", "resources/read": "uri", "prompts/get": "name"}
"""Method -> the parameter that says what was asked for."""
OWN_REFUSALS = frozenset({"invalid_arguments", "unknown_tool", "not_allowed", "bug"})
"""Codes of refusals that the engine was not asked about; a refusal of the protocol's has a number."""
MAX_WHAT_CHARS = 128
REPORT_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A call that ended here: what was asked for, and the code of the refusal."""

    asked: str
    code: str


Sink = Callable[[Refusal], Awaitable[None]]


class Audit:
    """Middleware that hands `sink` each refusal of this server's own."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Let a message through, and report it when it is refused before the engine heard of it."""
        if ctx.method not in AUDITED:
            return await call_next(ctx)
        asked = str((ctx.params or {}).get(AUDITED[ctx.method], ""))[:MAX_WHAT_CHARS]
        try:
            result = await call_next(ctx)
        except MCPError as error:
            await self._sink(Refusal(asked=asked, code=str(error.code)))
            raise
        code = _code(result)
        if code in OWN_REFUSALS:
            await self._sink(Refusal(asked=asked, code=code))
        return result


def to_engine(facade: Facade) -> Sink:
    """Report to the engine under the caller's own name; an engine that does not run or answer has no journal open."""

    async def report(refusal: Refusal) -> None:
        with suppress(ControlError), anyio.move_on_after(REPORT_S):
            await facade.ask("report_refusal", {"asked": refusal.asked, "code": refusal.code})

    return report


def _code(result: HandlerResult) -> str:
    """Read the code of a refusal; empty for an answer."""
    if not isinstance(result, dict) or not result.get("isError"):
        return ""
    try:
        return str(json.loads(result["content"][0]["text"])["code"])
    except (LookupError, TypeError, ValueError):
        return "bug"
