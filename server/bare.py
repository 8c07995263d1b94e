"""A bare server of the SDK with one trivial tool: what `ketch bench mcp` is measured beside.

`python -m server.bare` serves standard input; `python -m server.bare http` prints its URL and serves HTTP on loopback.
"""

import socket
import sys

import anyio
import click
import uvicorn
from mcp.server import MCPServer
from pydantic import BaseModel

HOST, PATH = "127.0.0.1", "/mcp"


class Echo(BaseModel):
    """What was said."""

    said: str


def bare_server() -> MCPServer:
    """Make the server."""
    server = MCPServer("bare", log_level="WARNING")

    @server.tool()
    async def echo(said: str) -> Echo:
        """Say it again."""
        return Echo(said=said)

    return server


async def serve_http() -> None:
    """Serve on a free port until standard input closes."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as sock:
        sock.bind((HOST, 0))
        app = bare_server().streamable_http_app(streamable_http_path=PATH, json_response=True)
        http = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, http="h11", ws="none"))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(http.serve, [sock])
            click.echo(f"http://{HOST}:{sock.getsockname()[1]}{PATH}")
            await anyio.to_thread.run_sync(sys.stdin.read)
            http.should_exit = http.force_exit = True


if __name__ == "__main__":
    anyio.run(serve_http if "http" in sys.argv else bare_server().run_stdio_async)
