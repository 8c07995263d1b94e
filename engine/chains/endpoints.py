"""One JSON-RPC endpoint over one WebSocket: requests matched by id, heads in order, reconnected when lost."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast
from urllib.parse import urlsplit, urlunsplit

import anyio
import msgspec
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from engine.domain.errors import ChainError

Json = Any
"""Decoded JSON, whose shape the caller checks."""
Request = tuple[str, Sequence[Json]]
"""A method and its parameters."""
Requests = Sequence[Request]
"""Methods with their parameters."""
Heard = Callable[[Requests, Sequence[Json] | None], None]
"""Requests and what the node sent back, each with its result or error; None when there was no answer."""

REQUEST_TIMEOUT_S = 20.0
_CONNECT_TIMEOUT_S = 10.0
_CLOSE_WITHIN_S = 2.0
_RECONNECT_DELAYS_S = (0.05, 0.2, 0.5, 1.0, 2.0, 5.0)  # the last repeats
_MAX_MESSAGE_BYTES = 64 * 2**20
_MAX_IN_FLIGHT = 64
_HEADS_BUFFER = 1024


class RpcError(ChainError):
    """the node answered with an error"""

    def __init__(self, method: str, code: int, message: str, data: str | None) -> None:
        self.code = code
        self.message = message
        self.data = data
        super().__init__(f"{method} failed: {message}", measured=f"code {code}")


class Endpoint:
    """A connected endpoint. Use `open_endpoint`; every call raises `ChainError` when it is not answered in time."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Json]] = {}
        self._socket: ClientConnection | None = None
        self._connected = asyncio.Event()
        self._limit = asyncio.Semaphore(_MAX_IN_FLIGHT)
        self._head_sinks: list[MemoryObjectSendStream[Json]] = []
        self.heard: Heard | None = None
        """Told of every exchange when it is over."""

    async def call(self, method: str, *params: Json) -> Json:
        """Send one request. Raises `RpcError` when the node refuses it, `ChainError` when it does not answer."""
        return self._unwrap(method, (await self._told([(method, params)]))[0])

    async def batch(self, requests: Requests) -> list[Json]:
        """Send requests in one message; the answers come in the same order. Raises as `call` does."""
        if not requests:
            return []
        answers = await self._told(requests)
        return [self._unwrap(method, answer) for (method, _), answer in zip(requests, answers, strict=True)]

    async def heads(self) -> MemoryObjectReceiveStream[Json]:
        """Subscribe to new block headers. After a reconnect the stream goes on: the gap is the follower's to fill."""
        receive = self.head_stream()
        await self.call("eth_subscribe", "newHeads")
        return receive

    def head_stream(self) -> MemoryObjectReceiveStream[Json]:
        """Give a stream of every head that is published from now on."""
        send, receive = anyio.create_memory_object_stream[Json](_HEADS_BUFFER)
        self._head_sinks.append(send)
        return receive

    def close_heads(self) -> None:
        """End every stream of heads."""
        for sink in self._head_sinks:
            sink.close()

    async def run(self, ready: asyncio.Event) -> None:
        """Hold the connection until cancelled. Raises `ChainError` only when the first connection cannot be made."""
        failures = 0
        while True:
            try:
                socket = await asyncio.wait_for(
                    connect(self.url, max_size=_MAX_MESSAGE_BYTES, compression=None, ping_interval=20),
                    _CONNECT_TIMEOUT_S,
                )
            except (OSError, TimeoutError, WebSocketException, ValueError) as error:
                if not ready.is_set():
                    raise unreachable(self.url, error) from error
                await asyncio.sleep(_RECONNECT_DELAYS_S[min(failures, len(_RECONNECT_DELAYS_S) - 1)])
                failures += 1
                continue
            failures = 0
            self._socket = socket
            self._connected.set()
            ready.set()
            try:
                await self._receive(socket)
            except WebSocketException:
                pass  # said to every waiting caller below
            finally:
                self._connected.clear()
                self._socket = None
                self._fail_waiting()
                await socket.close()
            await asyncio.sleep(_RECONNECT_DELAYS_S[0])  # a node that hangs up at once must not spin us

    async def _receive(self, socket: ClientConnection) -> None:
        if self._head_sinks:  # a reconnect: the node has forgotten our subscription
            await socket.send(msgspec.json.encode(request_body(0, "eth_subscribe", ("newHeads",))))
        async for message in socket:
            decoded = msgspec.json.decode(message)
            for item in cast("list[Json]", decoded if isinstance(decoded, list) else [decoded]):
                if "method" in item:
                    self.publish_head(item["params"]["result"])
                elif (future := self._waiting.pop(item.get("id") or 0, None)) and not future.done():
                    future.set_result(item)

    def publish_head(self, header: Json) -> None:
        """Pass a header to whoever follows the heads."""
        for sink in self._head_sinks:
            try:
                sink.send_nowait(header)
            except anyio.WouldBlock:
                continue  # the follower is far behind: it finds the gap by the parent hash and fills it
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                continue

    async def _told(self, requests: Requests) -> list[Json]:
        """Exchange, and tell whoever listens; an exchange that failed is told too."""
        try:
            answers = await self._exchange(requests)
        except ChainError:
            if self.heard is not None:
                self.heard(requests, None)
            raise
        if self.heard is not None:
            self.heard(requests, answers)
        return answers

    async def _exchange(self, requests: Requests) -> list[Json]:
        async with self._limit:
            loop = asyncio.get_running_loop()
            ids = [next(self._ids) for _ in requests]
            futures = [loop.create_future() for _ in ids]
            body = [request_body(i, m, p) for i, (m, p) in zip(ids, requests, strict=True)]
            what = requests[0][0] if len(requests) == 1 else f"a batch of {len(requests)} requests"
            try:
                async with asyncio.timeout(REQUEST_TIMEOUT_S):
                    await self._connected.wait()
                    self._waiting.update(zip(ids, futures, strict=True))
                    socket = self._socket
                    if socket is None:
                        raise ChainError(f"{what} was not sent: the connection to {redacted(self.url)} was lost")
                    await socket.send(msgspec.json.encode(body[0] if len(body) == 1 else body))
                    return await asyncio.gather(*futures)
            except TimeoutError as error:
                raise ChainError(
                    f"{redacted(self.url)} did not answer {what}", limit=f"{REQUEST_TIMEOUT_S:.0f} s"
                ) from error
            except WebSocketException as error:
                raise ChainError(f"{what} was not sent: the connection to {redacted(self.url)} was lost") from error
            finally:
                for i in ids:
                    self._waiting.pop(i, None)

    def _fail_waiting(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(ChainError(f"the connection to {redacted(self.url)} was lost"))

    @staticmethod
    def _unwrap(method: str, answer: Json) -> Json:
        if (error := answer.get("error")) is not None:
            data = error.get("data")
            raise RpcError(method, int(error.get("code", 0)), str(error.get("message", "")), data)
        return answer.get("result")


@asynccontextmanager
async def open_endpoint(url: str) -> AsyncGenerator[Endpoint]:
    """Connect to a `ws://` or `http://` endpoint (by its WebSocket twin); raises `ChainError` if it is not there."""
    endpoint = Endpoint(websocket_url(url))
    async with opened(endpoint):
        yield endpoint


@asynccontextmanager
async def opened(endpoint: Endpoint) -> AsyncGenerator[None]:
    """Hold an endpoint's connection while inside; raises `ChainError` if the first cannot be made."""
    ready = asyncio.Event()
    runner = asyncio.create_task(endpoint.run(ready))
    waiter = asyncio.create_task(ready.wait())
    try:
        await asyncio.wait((runner, waiter), return_when=asyncio.FIRST_COMPLETED)
        if not ready.is_set():
            await runner
        yield
    finally:
        endpoint.close_heads()
        for task in (waiter, runner):
            task.cancel()
        with anyio.move_on_after(_CLOSE_WITHIN_S, shield=True):  # whoever cancels us must not leave a socket open
            await asyncio.gather(waiter, runner, return_exceptions=True)


def websocket_url(url: str) -> str:
    """Name the WebSocket twin of an HTTP endpoint: the same address with ws for http."""
    parts = urlsplit(url)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    if scheme not in ("ws", "wss") or not parts.hostname:
        raise ChainError(f"not an endpoint: {redacted(url)!r}", next_step="give ws://, wss://, http:// or https://")
    return urlunsplit(parts._replace(scheme=scheme))


def redacted(url: str) -> str:
    """Show an endpoint without the credentials that providers put into its path, query or user part."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}" + ("/…" if parts.path.strip("/") or parts.query else "")


def unreachable(url: str, error: BaseException) -> ChainError:
    """Say that nobody answers at `url`."""
    cause = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
    return ChainError(
        f"cannot reach the chain at {redacted(url)} ({cause})",
        next_step="check that the node runs and that KETCH_RPC or `rpc` in ketch.toml names it",
    )


def request_body(request_id: int, method: str, params: Sequence[Json]) -> dict[str, Json]:
    """Put one request into JSON-RPC's form."""
    return {"jsonrpc": "2.0", "id": request_id, "method": method, "params": list(params)}
