"""Who called what, how it was decided, and how long it took: metadata only, never arguments or answers."""

import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError

from engine.facade import Facade

FILE = "agents.jsonl"
"""In the state folder: a line a call, of all clients, readable by its owner alone."""
AUDITED = {"tools/call": "name", "resources/read": "uri", "prompts/get": "name"}
"""Method -> the parameter that says what was asked for."""
MAX_WHAT_CHARS = 128

Sink = Callable[[dict[str, Any]], None]


class Audit:
    """Middleware that hands a record of each call to `sink`."""

    def __init__(self, facade: Facade, sink: Sink) -> None:
        self._facade = facade
        self._sink = sink

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Let a message through, and record it when it asks for something."""
        if ctx.method not in AUDITED:
            return await call_next(ctx)
        began_ns, decision = time.perf_counter_ns(), "cancelled"
        try:
            result = await call_next(ctx)
            decision = _decision(result)
            return result
        except MCPError as error:
            decision = f"refused: {error.code}"
            raise
        finally:
            record = {
                "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "principal": self._facade.principal,
                "method": ctx.method,
                "what": str((ctx.params or {}).get(AUDITED[ctx.method], ""))[:MAX_WHAT_CHARS],
                "decision": decision,
                "duration_us": (time.perf_counter_ns() - began_ns) // 1_000,
            }
            self._sink(record)


def to_file(state: Path) -> Sink:
    """Append records to the state folder's file; a folder that does not exist is not made."""

    def append(record: dict[str, Any]) -> None:
        try:
            out = os.open(state / FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError:
            return
        try:
            os.write(out, json.dumps(record).encode() + b"\n")  # one write: clients share the file
        finally:
            os.close(out)

    return append


def _decision(result: HandlerResult) -> str:
    """Return "answered", or the code of the refusal."""
    if not isinstance(result, dict) or not result.get("isError"):
        return "answered"
    try:
        return f"refused: {json.loads(result['content'][0]['text'])['code']}"
    except (LookupError, TypeError, ValueError):
        return "refused"
