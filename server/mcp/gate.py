"""What stands before the MCP application: the token, whose it is, and whether its session needs streams."""

import hmac
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.streamable_http import MCP_SESSION_ID_HEADER
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.domain.errors import ConfigError
from server.mcp import tokens
from server.mcp.callers import CALLER, Names

_SESSION = MCP_SESSION_ID_HEADER.encode()
_PEEK_BYTES = 1 << 16
DOORS_OWN = "door"
"""Who the door's own token is, where a session's owner is written down."""


class Known:
    """Tokens that open the door: its own, and the named ones of the state folder, read again when the file changes."""

    def __init__(self, state: Path | None, own: str) -> None:
        self._file = None if state is None else state / tokens.FILE
        self._own = f"Bearer {own}".encode()
        self._seen: tuple[int, int] | None = None
        self._named = tokens.Tokens(audience="", digests={})

    def opens(self, shown: bytes) -> tuple[bool, tokens.Bearer | None]:
        """Say whether an Authorization header opens the door, and whose named token it was."""
        if hmac.compare_digest(shown, self._own):
            return True, None
        scheme, _, token = shown.partition(b" ")
        bearer = self._of_today().bearer(token.decode("latin-1")) if scheme == b"Bearer" else None
        return bearer is not None, bearer

    def _of_today(self) -> tokens.Tokens:
        none = tokens.Tokens(audience="", digests={})
        if self._file is None:
            return none
        try:
            at = self._file.stat()
        except OSError:
            self._seen = None
            return none
        if self._seen != (at.st_mtime_ns, at.st_ino):
            try:
                self._named = tokens.read(self._file.parent)
            except ConfigError:  # a file that cannot be read opens to nobody
                self._named = none
            self._seen = (at.st_mtime_ns, at.st_ino)
        return self._named


class Gate:
    """An ASGI application: refuses whoever shows no token, and hands the others on, each under its own name.

    Answers are plain JSON, half the price of a stream, but for sessions whose client can be asked back: those stream.
    """

    def __init__(self, plain: Starlette, streams: Starlette, known: Known, names: Names) -> None:
        self._plain = plain
        self._streams = streams
        self._known = known
        self._names = names
        self._streaming: set[str] = set()
        self._lifespan = Starlette(lifespan=self._both)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
            return
        headers = scope["headers"]
        shown = [value for name, value in headers if name == b"authorization"]
        good, bearer = self._known.opens(shown[0]) if len(shown) == 1 else (False, None)
        if not good:
            await _unauthorized(send)
            return
        session = next((value.decode("latin-1") for name, value in headers if name == _SESSION), None)
        scope[CALLER] = self._names.caller(bearer, shown[0].partition(b" ")[2].decode("latin-1"), session)
        owner = bearer.name if bearer else f" {DOORS_OWN}"  # no token can be named so
        scope["user"] = AuthenticatedUser(AccessToken(token="", client_id=owner, scopes=[]))
        await self._served(session, scope, receive, send)

    async def _served(self, session: str | None, scope: Scope, receive: Receive, send: Send) -> None:
        if session is not None:
            streaming = session in self._streaming
            if streaming and scope["method"] == "DELETE":
                self._streaming.discard(session)
            await (self._streams if streaming else self._plain)(scope, receive, send)
            return
        asks_back, again = await _opening(receive) if scope["method"] == "POST" else (False, receive)
        if not asks_back:
            await self._plain(scope, again, send)
            return

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._streaming |= {value.decode() for name, value in message["headers"] if name == _SESSION}
            await send(message)

        await self._streams(scope, again, noting)

    @asynccontextmanager
    async def _both(self, _app: Starlette) -> AsyncGenerator[None]:
        async with (
            self._plain.router.lifespan_context(self._plain),
            self._streams.router.lifespan_context(self._streams),
        ):
            yield


async def _opening(receive: Receive) -> tuple[bool, Receive]:
    """Look at a request that has no session: whether it opens one for a client that can be asked back.

    Returns a `receive` that begins again with what was read.
    """
    read: list[Message] = []
    body = b""
    while len(body) <= _PEEK_BYTES:
        message = await receive()
        read.append(message)
        body += message.get("body", b"")
        if message["type"] != "http.request" or not message.get("more_body"):
            break
    left = iter(read)

    async def again() -> Message:
        message = next(left, None)
        return await receive() if message is None else message

    return len(body) <= _PEEK_BYTES and _asks_back(body), again


def _asks_back(body: bytes) -> bool:
    if b'"initialize"' not in body:
        return False
    try:
        request = cast("dict[str, Any]", json.loads(body))
        return request["method"] == "initialize" and "elicitation" in request["params"]["capabilities"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return False


async def _unauthorized(send: Send) -> None:
    said = {
        "code": "unauthorized",
        "cause": "the bearer token is missing, wrong, revoked, or another engine's",
        "next_step": "send the token that mcp.json in the engine's state folder holds, or one of ketch access",
    }
    head = [(b"content-type", b"application/json"), (b"www-authenticate", b"Bearer")]
    await send({"type": "http.response.start", "status": 401, "headers": head})
    await send({"type": "http.response.body", "body": json.dumps(said).encode()})


def gate(plain: Starlette, streams: Starlette, *, state: Path | None, token: str) -> ASGIApp:
    """Put the gate before an application that answers in JSON and its twin that streams."""
    return Gate(plain, streams, Known(state, token), Names())
