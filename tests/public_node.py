"""A public endpoint on loopback: the real node behind latency, rate limits, drops, short log ranges and slow twins."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

MAX_BYTES = 64 * 2**20
START_S = 20.0
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """What the endpoint does to its users. Rates in requests a second, chances in ppm of a message.

    `behind_ppm`: a question about a block by hash meets a node that does not know it yet. `lacks` names methods.
    """

    latency_s: float = 0.0
    jitter_s: float = 0.0
    per_second: float | None = None
    burst: int = 40
    drop_ppm: int = 0
    behind_ppm: int = 0
    most_log_blocks: int | None = None
    lacks: frozenset[str] = frozenset()
    takes_batches: bool = True
    seed: int = 7


@dataclass(slots=True)
class PublicNode:
    """Where it listens, what it did to whom, and every method that reached the node."""

    http: str = ""
    ws: str = ""
    did: Counter[str] = field(default_factory=lambda: Counter[str]())
    asked: Counter[str] = field(default_factory=lambda: Counter[str]())


@contextmanager
def public_node(http_upstream: str, weather: Weather) -> Iterator[PublicNode]:
    """Serve the node at `http_upstream` over HTTP and WebSocket, from a thread of its own."""
    node, up, stop = PublicNode(), threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def run() -> None:
        async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
            there = _There(node, weather, client, http_upstream)
            http = await asyncio.start_server(there.over_http, "127.0.0.1", 0, limit=MAX_BYTES)
            async with http, serve(there.over_ws, "127.0.0.1", 0, max_size=MAX_BYTES, compression=None) as ws:
                node.http = f"http://127.0.0.1:{http.sockets[0].getsockname()[1]}"
                node.ws = f"ws://127.0.0.1:{next(iter(ws.sockets)).getsockname()[1]}"
                up.set()
                await stop.wait()
                there.close()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), name="public node")
    thread.start()
    try:
        assert up.wait(START_S)
        yield node
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(START_S)
        loop.close()


class _There:
    def __init__(self, node: PublicNode, weather: Weather, client: httpx.AsyncClient, upstream: str) -> None:
        self._node, self._weather, self._client, self._upstream = node, weather, client, upstream
        self._random = Random(weather.seed)
        self._tokens, self._filled_at = float(weather.burst), 0.0
        self._refusals = itertools.count()
        self._open: set[asyncio.StreamWriter] = set()

    def close(self) -> None:
        for writer in self._open:
            writer.close()

    async def over_http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(int(v) for k, v in _headers(head) if k == b"content-length")
                body = json.loads(await reader.readexactly(length))
                status, said = await self._answer(body, over_http=True)
                if status == 0:
                    break
                sent = json.dumps(said).encode()
                extra = b"retry-after: 0\r\n" if status == 429 else b""
                lines = f"HTTP/1.1 {status} -\r\ncontent-type: application/json\r\ncontent-length: {len(sent)}\r\n"
                writer.write(lines.encode() + extra + b"\r\n" + sent)
                await writer.drain()
        self._open.discard(writer)
        writer.close()

    async def over_ws(self, client: ServerConnection) -> None:
        heads: list[asyncio.Task[None]] = []
        try:
            async for message in client:
                body = json.loads(message)
                if isinstance(body, dict) and body["method"] == "eth_subscribe" and "eth_subscribe" not in self._lacks:
                    heads.append(asyncio.create_task(self._heads(client)))
                    said: Any = {"jsonrpc": "2.0", "id": body["id"], "result": "0x1"}
                else:
                    status, said = await self._answer(body, over_http=False)
                    if status == 0:
                        await client.close()
                        break
                await client.send(json.dumps(said))
        except ConnectionClosed:
            pass
        finally:
            for task in heads:
                task.cancel()
            await asyncio.gather(*heads, return_exceptions=True)

    @property
    def _lacks(self) -> frozenset[str]:
        return self._weather.lacks

    async def _heads(self, client: ServerConnection) -> None:
        url = self._upstream.replace("http", "ws", 1)
        async with connect(url, max_size=MAX_BYTES, compression=None) as node:
            await node.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]}))
            await node.recv()
            async for message in node:
                await client.send(message)

    async def _answer(self, body: Any, *, over_http: bool) -> tuple[int, Any]:
        """Answer as the weather has it: HTTP status (0: hang up) and the JSON to say."""
        weather, requests = self._weather, body if isinstance(body, list) else [body]
        await asyncio.sleep(weather.latency_s + weather.jitter_s * self._random.random())
        if self._happens(weather.drop_ppm):
            self._node.did["dropped"] += 1
            return 0, None
        if not self._has_room(len(requests)):
            self._node.did["limited"] += 1
            error = {"code": -32005, "message": "daily request count exceeded, request rate limited"}
            if over_http and next(self._refusals) % 2:
                return 429, {"error": error}
            said = [{"jsonrpc": "2.0", "id": one["id"], "error": error} for one in requests]
            return 200, said if isinstance(body, list) else said[0]
        if len(requests) > 1 and not weather.takes_batches:
            self._node.did["batch refused"] += 1
            return 200, {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "batches are not allowed"}}
        said = await asyncio.gather(*(self._one(request) for request in requests))
        return 200, said if isinstance(body, list) else said[0]

    async def _one(self, request: Answer) -> Answer:
        refused = self._refused(request)
        if refused is not None:
            return {"jsonrpc": "2.0", "id": request["id"], "error": refused}
        self._node.asked[request["method"]] += 1
        answer = await self._client.post(self._upstream, json=request)
        return answer.json()

    def _refused(self, request: Answer) -> Answer | None:
        method, params = request["method"], request.get("params", [])
        if method in self._lacks:
            return {"code": -32601, "message": f"the method {method} does not exist/is not available"}
        if method == "eth_getLogs" and "fromBlock" in params[0] and self._weather.most_log_blocks is not None:
            blocks = int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) + 1
            if blocks > self._weather.most_log_blocks:
                self._node.did["short range"] += 1
                return {"code": -32005, "message": f"block range too large, limit is {self._weather.most_log_blocks}"}
        if "blockHash" in json.dumps(params) and self._happens(self._weather.behind_ppm):
            self._node.did["behind"] += 1
            return {"code": -32000, "message": "header not found"}
        return None

    def _happens(self, ppm: int) -> bool:
        return self._random.randrange(1_000_000) < ppm

    def _has_room(self, requests: int) -> bool:
        if self._weather.per_second is None:
            return True
        now = asyncio.get_running_loop().time()
        gained = (now - self._filled_at) * self._weather.per_second
        self._tokens, self._filled_at = min(self._tokens + gained, float(self._weather.burst)), now
        if self._tokens < requests:
            return False
        self._tokens -= requests
        return True


def _headers(head: bytes) -> Iterator[tuple[bytes, bytes]]:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if value:
            yield name.strip().lower(), value.strip()
