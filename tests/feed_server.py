"""A feed's server on this machine: it says what a test puts into it, to whoever is connected, and can hang up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

DEADLINE_S = 30.0


@dataclass(slots=True)
class FeedServer:
    """Every connection that was made, with its request's headers and what it asked for."""

    port: int = 0
    connections: list[ServerConnection] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/feed"

    async def say(self, *messages: str | bytes | dict[str, Any]) -> None:
        """Send messages over the newest connection, once there is one."""
        await eventually(lambda: bool(self.connections))
        for message in messages:
            await self.connections[-1].send(json.dumps(message) if isinstance(message, dict) else message)

    async def hang_up(self) -> None:
        """End the newest connection; the next one is another."""
        before = len(self.connections)
        await self.connections[-1].close()
        await eventually(lambda: len(self.connections) > before)


async def eventually(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(DEADLINE_S):
        while not holds():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def feed_server(port: int = 0, *, compression: str | None = "deflate") -> AsyncIterator[FeedServer]:
    """Listen on loopback."""
    server = FeedServer()

    async def talk(connection: ServerConnection) -> None:
        server.connections.append(connection)
        try:
            async for message in connection:
                server.asked.append(json.loads(message))
        except ConnectionClosed:
            pass

    async with serve(talk, "127.0.0.1", port, compression=compression, max_size=None) as listening:
        (socket,) = listening.sockets
        server.port = int(socket.getsockname()[1])
        yield server
