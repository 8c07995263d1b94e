"""A node that refuses some calls: a loopback WebSocket in front of the real one, which answers for it with an error."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

Request = dict[str, Any]


@asynccontextmanager
async def refusing_node(ws_url: str, refuses: Callable[[Request], bool], *, code: int) -> AsyncIterator[str]:
    """Pass everything on to the node at `ws_url`, but a request or batch with one that it refuses; yields its URL."""

    async def attend(client: ServerConnection) -> None:
        async with connect(ws_url, max_size=None) as node:

            async def answers() -> None:
                async for message in node:
                    await client.send(message)

            passing = asyncio.create_task(answers())
            try:
                async for message in client:
                    asked = json.loads(message)
                    requests: list[Request] = asked if isinstance(asked, list) else [asked]
                    if not any(refuses(request) for request in requests):
                        await node.send(message)
                        continue
                    error = {"code": code, "message": "not here"}
                    said = [{"jsonrpc": "2.0", "id": request["id"], "error": error} for request in requests]
                    await client.send(json.dumps(said if isinstance(asked, list) else said[0]))
            except ConnectionClosed:
                pass  # whoever tests has seen enough
            finally:
                passing.cancel()

    async with serve(attend, "127.0.0.1", 0, max_size=None) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
