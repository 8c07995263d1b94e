"""The daemon's control socket: one JSON object a line over a UNIX socket that only its owner can open.

request   {"method": "halt", "params": {"reason": "…"}}
answer    {"ok": true, "result": {…}}  or  {"ok": false, "error": {"code": "ControlError", "message": "one line",
          "cause": "what happened", "next_step": "what to do", "example": a call that would have been right, or null}}
attach    makes the caller an agent from there on, by a name that the engine gives it; its connection may then idle
as        beside method and params, what `attach` takes: the caller is that agent for this one request
follow    after its answer the server pushes event objects, a line each, until either side goes away
"""

import json
import logging
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Protocol, cast

import anyio
from anyio.abc import SocketAttribute, SocketListener, SocketStream, TaskStatus
from anyio.streams.buffered import BufferedByteReceiveStream
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from engine.control_path import bind_private, peer_of
from engine.domain.errors import ControlError, KetchError
from engine.principals import Principal

SOCKET_NAME = "control.sock"
MAX_LINE_BYTES = 1 << 20
MAX_BRACKETS = 2048
"""A deeply nested line could overflow the C stack: py_ecc, which eth_account imports, lifts Python's own limit."""
MAX_CLIENTS = 320
IDLE_S = 60
FEED_EVENTS = 256

Event = dict[str, Any]
Handle = Callable[[str, dict[str, Any], Principal], Awaitable[dict[str, Any]]]
"""(method, params, principal) -> result. A `KetchError` that it raises is the answer, in one line."""


class Attach(Protocol):
    """params of `attach` -> who the caller is from now on, or `once`, and what it is told. Raises `ControlError`."""

    def __call__(self, params: dict[str, Any], *, once: bool = False) -> tuple[Principal, dict[str, Any]]:
        """Name a caller."""
        ...


_log = logging.getLogger(__name__)
_CLIENT_LEFT: Final = (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream, anyio.IncompleteRead)


class Feed:
    """Events for whoever follows. A follower that reads too slowly loses the oldest."""

    def __init__(self) -> None:
        self._followers: dict[MemoryObjectSendStream[bytes], MemoryObjectReceiveStream[bytes]] = {}

    def publish(self, event: Event) -> None:
        """Hand `event` to every follower; never waits. Raises `TypeError` for what JSON cannot say."""
        line = _line(event)
        for send, receive in self._followers.items():
            try:
                send.send_nowait(line)
            except anyio.WouldBlock:
                receive.receive_nowait()
                send.send_nowait(line)

    @asynccontextmanager
    async def follow(self) -> AsyncGenerator[AsyncIterator[bytes]]:
        """Yield the lines of the events published from now on."""
        send, receive = anyio.create_memory_object_stream[bytes](FEED_EVENTS)
        with send, receive:
            self._followers[send] = receive
            try:
                yield receive
            finally:
                del self._followers[send]


async def serve(
    path: Path,
    handle: Handle,
    feed: Feed,
    attach: Attach | None = None,
    *,
    task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
) -> None:
    """Answer clients on `path` until cancelled; the caller holds the state folder's lock.

    A dead daemon's socket is replaced; raises `ControlError` when a living one answers there or it cannot be bound.
    """
    bound = bind_private(path, backlog=MAX_CLIENTS)
    inode = path.stat().st_ino
    try:
        async with await SocketListener.from_socket(bound) as listener, anyio.create_task_group() as clients:
            limit = anyio.CapacityLimiter(MAX_CLIENTS)
            task_status.started()
            while True:
                try:
                    stream = await listener.accept()
                except anyio.BrokenResourceError:
                    _log.warning("control socket cannot accept a client: out of file descriptors?")
                    await anyio.sleep(0.2)
                    continue
                clients.start_soon(_attend, stream, handle, feed, attach, limit)
    finally:
        if path.exists() and path.stat().st_ino == inode:
            path.unlink()


async def _attend(
    stream: SocketStream, handle: Handle, feed: Feed, attach: Attach | None, limit: anyio.CapacityLimiter
) -> None:
    """Serve one client until it leaves, errs beyond recovery or stays silent too long."""
    async with stream:
        try:
            try:
                limit.acquire_on_behalf_of_nowait(stream)
            except anyio.WouldBlock:
                await _refuse(stream, "busy", f"{MAX_CLIENTS} clients are attached already: try again")
                return
            try:
                await _converse(stream, handle, feed, attach)
            finally:
                limit.release_on_behalf_of(stream)
        except _CLIENT_LEFT:
            _log.debug("a control client left")


async def _converse(stream: SocketStream, handle: Handle, feed: Feed, attach: Attach | None) -> None:
    principal = _principal(stream.extra(SocketAttribute.raw_socket))  # noqa: S610 - anyio's, not Django's
    lines = BufferedByteReceiveStream(stream)
    idle_s: float | None = IDLE_S
    while True:
        try:
            with anyio.fail_after(idle_s):
                line = await lines.receive_until(b"\n", MAX_LINE_BYTES)
            if len(line) > MAX_LINE_BYTES:  # it ended within the last chunk read
                raise anyio.DelimiterNotFound(MAX_LINE_BYTES)
        except anyio.DelimiterNotFound:
            await _refuse(stream, "too_large", f"a request is one line of at most {MAX_LINE_BYTES} bytes")
            return
        except TimeoutError:
            await _refuse(stream, "idle", f"no request within {IDLE_S} s")
            return
        try:
            method, params, acting = _request(line)
        except ValueError as error:
            await _refuse(stream, "malformed", str(error))
            continue
        if method == "follow":
            await _push(stream, lines, feed)
            return
        try:
            if method == "attach" and attach is not None:
                principal, result = attach(params)
                idle_s = None  # an agent may think for as long as it likes
            else:
                asking = principal if acting is None or attach is None else attach(acting, once=True)[0]
                result = await handle(method, params, asking)
            answer = _line({"ok": True, "result": result})
        except KetchError as error:
            await stream.send(_line({"ok": False, "error": error_of(error)}))
        except Exception:  # noqa: BLE001 - one request's bug is answered and logged; it never ends the daemon
            _log.exception("control method %s failed", method)
            await _refuse(stream, "bug", f"{method} failed inside the engine: its log has the details")
        else:
            await stream.send(answer)


def _request(line: bytes) -> tuple[str, dict[str, Any], dict[str, Any] | None]:
    """Read one request: method, params, and as whom. Raises `ValueError` that says what is wrong."""
    if line.count(b"[") + line.count(b"{") > MAX_BRACKETS:
        raise ValueError(f"a request has at most {MAX_BRACKETS} brackets")
    try:
        request = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("a request is one JSON object a line") from None
    if not isinstance(request, dict):
        raise ValueError("a request is one JSON object a line")
    fields = cast("dict[str, object]", request)
    method, params, acting = fields.get("method"), fields.get("params", {}), fields.get("as")
    well = isinstance(method, str) and isinstance(params, dict) and isinstance(acting, dict | None)
    if not well or fields.keys() - {"method", "params", "as"}:
        raise ValueError('a request has a "method" (text), "params" (object), may have "as" (object) and nothing else')
    return cast("str", method), cast("dict[str, Any]", params), cast("dict[str, Any] | None", acting)


async def _push(stream: SocketStream, lines: BufferedByteReceiveStream, feed: Feed) -> None:
    await stream.send(_line({"ok": True, "result": {}}))
    async with feed.follow() as events, anyio.create_task_group() as both:

        async def until_gone() -> None:
            try:
                while True:
                    await lines.receive(1)
            except _CLIENT_LEFT:
                both.cancel_scope.cancel()

        both.start_soon(until_gone)
        try:
            async for line in events:
                await stream.send(line)
        except _CLIENT_LEFT:
            both.cancel_scope.cancel()


def error_of(error: KetchError) -> dict[str, Any]:
    """Say an error as data: its code, the one line, cause and next step apart, and an example where there is one."""
    known = isinstance(error, ControlError)
    return {
        "code": error.code if known else type(error).__name__,
        "message": error.line(),
        "cause": error.cause(),
        "next_step": error.next_step,
        "example": error.example if known else None,
    }


async def _refuse(stream: SocketStream, code: str, message: str) -> None:
    error = {"code": code, "message": message, "cause": message, "next_step": "", "example": None}
    await stream.send(_line({"ok": False, "error": error}))


def _line(value: Event) -> bytes:
    return json.dumps(value).encode() + b"\n"


def _principal(peer: socket.socket) -> Principal:
    """Name the caller by what the kernel says of it, never by what it says of itself: whoever runs the command line."""
    return Principal(id=_peer(peer), role="operator")


def _peer(peer: socket.socket) -> str:
    known = peer_of(peer)
    return "local" if known is None else f"uid:{known[1]} pid:{known[0]}"
