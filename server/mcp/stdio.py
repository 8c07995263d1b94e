"""MCP on standard input and output, for the client that started this process."""

from collections.abc import Sequence
from pathlib import Path

import anyio

from engine.facade import Remote
from server.mcp.audit import to_engine
from server.mcp.build import build_server
from server.mcp.setup import Unattended
from server.mcp.succession import standing_by
from server.mcp.updates import publishing


async def serve(state: Path, toolsets: Sequence[str]) -> None:
    """Serve until standard input ends; raises `ConfigError` for a toolset that does not exist."""
    facade = Unattended(Remote(state / "control.sock"), state)
    server = build_server(facade, toolsets, audit=to_engine(facade))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(standing_by, facade, state)
        async with publishing(server.subscribers, facade):
            await server.run_stdio_async()
        tasks.cancel_scope.cancel()
