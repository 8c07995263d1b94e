"""The product's own server, middleware and HTTP door, with the names of the official conformance suite behind them.

`python -m tests.mcp.conformance_app` prints `{"url", "token"}` in one line and serves until standard input ends.
With `product` the suite's names are left out, answers are plain JSON as the product's are, and blocks keep coming.
"""

from __future__ import annotations

import json
import secrets
import socket
import sys
from typing import Any

import anyio
import uvicorn
from mcp.server import MCPServer
from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver.prompts import Prompt
from mcp.types import EmptyResult, SetLevelRequestParams

from engine.control import Feed
from server.mcp.build import KetchServer, build_server
from server.mcp.http import HOST, Door, guarded
from server.mcp.updates import publishing
from tests.mcp.clients import Canned
from tests.mcp.conformance_names import DIALECT_SCHEMA, PROMPTS, RESOURCES, TOOLS

BLOCK_S = 0.1
NAMES = {tool.__name__ for tool in TOOLS}


def fixture(engine: Canned) -> KetchServer:
    """Make the product's server, which also knows the suite's names."""
    server = build_server(engine, ["all"], name="ketch-conformance", release="0")
    for tool in TOOLS:
        server.add_tool(tool, description=tool.__name__.replace("_", " "), structured_output=False)
    by_name = {tool.name: tool for tool in server._tool_manager.list_tools()}
    by_name["json_schema_2020_12_tool"].parameters = DIALECT_SCHEMA
    for uri, (read, mime_type) in RESOURCES.items():
        server.resource(uri, description=f"the suite's {uri}", mime_type=mime_type)(read)
    for prompt in PROMPTS:
        server.add_prompt(Prompt.from_function(prompt, description=prompt.__name__.replace("_", " ")))
    server._lowlevel_server.add_request_handler("logging/setLevel", SetLevelRequestParams, _level)
    product = server.call_tool

    async def call_tool(name: str, arguments: dict[str, Any], context: Any = None) -> Any:
        if name in NAMES:
            return await MCPServer.call_tool(server, name, arguments, context)
        return await product(name, arguments, context)

    server.call_tool = call_tool  # type: ignore[method-assign]
    return server


async def _level(ctx: ServerRequestContext[Any, Any], params: SetLevelRequestParams) -> EmptyResult:
    return EmptyResult()


async def _blocks(feed: Feed) -> None:
    while True:
        feed.publish({"event": "block", "number": 7})
        await anyio.sleep(BLOCK_S)


async def main() -> None:
    product = "product" in sys.argv
    engine = Canned()
    sock = socket.socket()
    sock.bind((HOST, 0))
    door = Door(sock.getsockname()[1], secrets.token_urlsafe(32))
    server = build_server(engine, ["all"]) if product else fixture(engine)
    app = guarded(server, door, always_stream=not product)
    config = uvicorn.Config(app, log_config=None, access_log=False, http="h11", timeout_graceful_shutdown=1, ws="none")
    http = uvicorn.Server(config)
    async with publishing(server.subscribers, engine), anyio.create_task_group() as tasks:
        tasks.start_soon(http.serve, [sock])
        tasks.start_soon(_blocks, engine.feed)
        print(json.dumps({"url": door.url, "token": door.token}), flush=True)
        await anyio.to_thread.run_sync(sys.stdin.read)
        http.should_exit = http.force_exit = True
        tasks.cancel_scope.cancel()


if __name__ == "__main__":
    anyio.run(main)
