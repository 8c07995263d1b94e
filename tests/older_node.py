"""A node that lacks methods: a loopback WebSocket in front of the real one, which answers for them as providers do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

METHOD_NOT_FOUND = -32601


@asynccontextmanager
async def older_node(ws_url: str, *, lacks: Collection[str], code: int = METHOD_NOT_FOUND) -> AsyncIterator[str]:
    """Pass everything on to the node at `ws_url` but the methods that it is made to lack; yields its own URL."""

    async def attend(client: ServerConnection) -> None:
        async with connect(ws_url, max_size=None) as node:

            async def answers() -> None:
                async for message in node:
                    await client.send(message)

            passing = asyncio.create_task(answers())
            try:
                async for message in client:
                    asked = json.loads(message)
                    if isinstance(asked, dict) and asked["method"] in lacks:
                        error = {"code": code, "message": f"the method {asked['method']} does not exist"}
                        await client.send(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "error": error}))
                    else:
                        await node.send(message)
            except ConnectionClosed:
                pass  # whoever tests has seen enough
            finally:
                passing.cancel()

    async with serve(attend, "127.0.0.1", 0, max_size=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}"
