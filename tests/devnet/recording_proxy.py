"""A loopback proxy in front of a node's WebSocket: what anybody sends to the public endpoint is written down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

MAX_BYTES = 64 * 2**20


@dataclass(slots=True)
class Recorded:
    """Where the proxy listens, and every message that passed it towards the node."""

    url: str = ""
    asked: list[str] = field(default_factory=list)

    def saw(self, raw_tx: bytes) -> bool:
        """Say whether these signed bytes passed."""
        return any(raw_tx.hex() in message for message in self.asked)


@asynccontextmanager
async def recording(upstream: str) -> AsyncIterator[Recorded]:
    """Run the proxy in front of `upstream`."""
    recorded = Recorded()

    async def towards_client(client: ServerConnection, node: ClientConnection) -> None:
        async for message in node:
            await client.send(message)

    async def pass_on(client: ServerConnection) -> None:
        async with connect(upstream, max_size=MAX_BYTES, compression=None) as node:
            back = asyncio.create_task(towards_client(client, node))
            try:
                async for message in client:
                    recorded.asked.append(message.decode() if isinstance(message, bytes) else message)
                    await node.send(message)
            except ConnectionClosed:
                pass
            finally:
                back.cancel()
                await asyncio.gather(back, return_exceptions=True)

    async with serve(pass_on, "127.0.0.1", 0, max_size=MAX_BYTES, compression=None) as server:
        recorded.url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        yield recorded
