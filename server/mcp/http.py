"""MCP over streamable HTTP on loopback: one bearer token in a file that only its owner reads, Host and Origin lists."""

import json
import logging
import os
import re
import secrets
import socket
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import uvicorn
from mcp.server import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.types import ASGIApp

from engine.domain.errors import ControlError
from engine.facade import Remote
from server.mcp.audit import to_engine
from server.mcp.build import build_server
from server.mcp.callers import Callers
from server.mcp.gate import gate
from server.mcp.updates import publishing

FILE = "mcp.json"
"""In the state folder: `{"url", "token", "pid"}`. The same port and token are taken again when they can be."""
HOST = "127.0.0.1"
PATH = "/mcp"
CONNECTIONS = 8
MAX_BODY_BYTES = 1 << 20
GRACE_S = 1
BACKLOG = 128

_log = logging.getLogger("uvicorn.error")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Door:
    """Where clients come in, and what they show."""

    port: int
    token: str

    @property
    def url(self) -> str:
        """The address that clients are given."""
        return f"http://{HOST}:{self.port}{PATH}"


@asynccontextmanager
async def serving(state: Path, *, port: int | None = None) -> AsyncGenerator[Door]:
    """Serve the engine of a state folder while the context lasts, and write down where; raises `ControlError`."""
    before = _written(state / FILE)
    token = before.token if before else secrets.token_urlsafe(32)
    bound = _bound(port, before.port if before else 0)
    door = Door(bound.getsockname()[1], token)
    engine = Remote(state / "control.sock", connections=CONNECTIONS)
    facade = Callers(engine)
    server = build_server(facade, ["all"], audit=to_engine(facade), outermost=[facade])
    app = guarded(server, door, state)
    http = _Server(
        uvicorn.Config(app, log_config=None, access_log=False, http="h11", timeout_graceful_shutdown=GRACE_S, ws="none")
    )
    _write(state / FILE, door)
    with bound:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_run, http, bound)
            try:
                async with publishing(server.subscribers, facade):
                    yield door
            finally:
                http.should_exit = True
                _log.setLevel(logging.CRITICAL)  # that streams are cut at the end is no news
                with anyio.CancelScope(shield=True):
                    await engine.aclose()


async def _run(http: uvicorn.Server, bound: socket.socket) -> None:
    """Serve until told to stop; a cancellation waits for that, since uvicorn ends in order or not at all."""
    with anyio.CancelScope(shield=True):
        try:
            await http.serve([bound])
        finally:
            _log.setLevel(logging.NOTSET)


def guarded(server: MCPServer, door: Door, state: Path | None = None, *, always_stream: bool = False) -> ASGIApp:
    """Make the application: nothing is answered without a token, nor to another Host or a web page's Origin."""
    named = [f"{host}:{door.port}" for host in (HOST, "localhost")]
    lists = TransportSecuritySettings(allowed_hosts=named, allowed_origins=[f"http://{host}" for host in named])

    def answering(*, json_response: bool) -> Starlette:
        return server.streamable_http_app(
            streamable_http_path=PATH,
            json_response=json_response,
            transport_security=lists,
            max_request_body_size=MAX_BODY_BYTES,
        )

    plain, streams = answering(json_response=not always_stream), answering(json_response=False)
    return gate(plain, streams, state=state, token=door.token)


class _Server(uvicorn.Server):
    """uvicorn in somebody else's process, whose signals are not its own."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _bound(port: int | None, before: int) -> socket.socket:
    for wanted in (port,) if port is not None else (before, 0):
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # so that asyncio turns Nagle off
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((HOST, wanted))
            sock.listen(BACKLOG)  # whoever reads the file may connect at once
        except OSError:
            sock.close()
            continue
        return sock
    raise ControlError("the port for agents is taken", measured=port, next_step="choose another --mcp-port")


def _written(file: Path) -> Door | None:
    try:
        found = json.loads(file.read_bytes())
        port, token = int(found["url"].rsplit(":", 1)[1].removesuffix(PATH)), str(found["token"])
    except (OSError, ValueError, LookupError, AttributeError, TypeError):
        return None
    return Door(port, token) if _TOKEN.fullmatch(token) and 0 < port < 1 << 16 else None


def _write(file: Path, door: Door) -> None:
    """Replace the file at once; nobody else may read it at any moment."""
    new = file.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        json.dump({"url": door.url, "token": door.token, "pid": os.getpid()}, out)
    new.replace(file)
