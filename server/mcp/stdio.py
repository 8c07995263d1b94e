"""MCP on standard input and output, for the client that started this process."""

import sys
from collections.abc import Sequence
from pathlib import Path

import anyio
import click

from engine.domain.errors import ControlError
from engine.facade import NotRunning, Remote
from server.children import child
from server.mcp.audit import to_engine
from server.mcp.build import build_server
from server.mcp.setup import Unattended, readiness
from server.mcp.updates import publishing


async def serve(state: Path, toolsets: Sequence[str]) -> None:
    """Serve until standard input ends; raises `ConfigError` for a toolset that does not exist."""
    facade = Unattended(Remote(state / "control.sock"), state)
    server = build_server(facade, toolsets, audit=to_engine(facade))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_run_engine_if_none_does, facade, state)
        async with publishing(server.subscribers, facade):
            await server.run_stdio_async()
        tasks.cancel_scope.cancel()


async def _run_engine_if_none_does(facade: Unattended, state: Path) -> None:
    """Start the folder's engine as a child that ends with us; say on stderr why it ended."""
    try:
        await facade.engine.role()
        return
    except NotRunning:
        pass
    except ControlError:
        return  # it runs; each question says what is wrong
    ready = await anyio.to_thread.run_sync(readiness, state)
    if ready.missing:
        return
    argv = [sys.executable, "-P", "-m", "server.cli", "up", "--with-parent", "--json", "--state", str(state)]
    facade.starting = True
    async with child("engine", [*argv, *ready.options]) as engine:
        async for _ in engine.lines():
            pass
        await engine.ended()
        facade.starting = False
        facade.ended = engine.how_it_ended()
        click.echo(f"ketch: the engine ended: {facade.ended}", err=True)
