"""Endpoints that are not ours: over HTTP or WebSocket, rate-limited, behind balancers, dropping what they please.

Each is an `Endpoint` as any other: requests wait as `patience.py` says, and heads come by subscription where there is
one and by polling always, so that a subscription that falls silent costs no block.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import httpx
import msgspec
from anyio.streams.memory import MemoryObjectReceiveStream
from typing_extensions import override

from engine.chains.endpoints import (
    REQUEST_TIMEOUT_S,
    Endpoint,
    Json,
    Request,
    opened,
    redacted,
    request_body,
    unreachable,
)
from engine.chains.patience import Patience, PatienceTerms, TooManyRequests, Waited, is_rate_limit
from engine.domain.errors import ChainError

_HTTP_IN_FLIGHT = 8
_TOO_MANY = 429
_POLL_S = 0.25
_WATCH_S = 2.0
"""How often a subscription is looked after."""


class _Polled(Endpoint):
    """What both transports share: patience, and heads that are asked for."""

    poll_s: float

    def __init__(self, url: str, terms: PatienceTerms) -> None:
        super().__init__(url)
        self._patience = Patience(terms)
        self._newest: tuple[int, str] = (-1, "")
        self._polls: set[asyncio.Task[None]] = set()

    @property
    def waited(self) -> Waited:
        return self._patience.waited

    async def _poll(self) -> None:
        while True:
            with suppress(ChainError):  # what is lost is asked for again; a gap is the follower's to fill
                self.publish_head(await self.call("eth_getBlockByNumber", "latest", False))
            await asyncio.sleep(self.poll_s)

    @override
    def publish_head(self, header: Json) -> None:
        """Pass a head on unless it is no news; one that is behind comes from a node that is, never from a reorg."""
        if header is None:
            return
        head = (int(header["number"], 16), str(header["hash"]))
        if head[0] < self._newest[0] or head == self._newest:
            return
        self._newest = head
        super().publish_head(header)

    def _start_polling(self) -> None:
        self._polls.add(asyncio.create_task(self._poll()))

    @override
    def close_heads(self) -> None:
        for poll in self._polls:
            poll.cancel()
        super().close_heads()


class HttpEndpoint(_Polled):
    """An endpoint over HTTP: heads are polled."""

    poll_s = _POLL_S

    def __init__(self, url: str, terms: PatienceTerms) -> None:
        super().__init__(url, terms)
        self._posts = asyncio.Semaphore(_HTTP_IN_FLIGHT)
        self._client = httpx.AsyncClient(timeout=REQUEST_TIMEOUT_S, follow_redirects=False, trust_env=False)

    @override
    async def run(self, ready: asyncio.Event) -> None:
        """Hold the connections until cancelled. Raises `ChainError` when the first request is not answered."""
        async with self._client:
            try:
                await self._post([("eth_chainId", ())])
            except TooManyRequests:
                pass  # somebody is there
            except ChainError as error:
                raise unreachable(self.url, error) from error
            ready.set()
            await asyncio.get_running_loop().create_future()

    @override
    async def heads(self) -> MemoryObjectReceiveStream[Json]:
        """Ask for the newest header time and again."""
        receive = self.head_stream()
        self._start_polling()
        return receive

    @override
    async def _exchange(self, requests: Sequence[Request]) -> list[Json]:
        return await self._patience.exchange(requests, self._post)

    async def _post(self, requests: Sequence[Request]) -> list[Json]:
        body: list[Any] = [request_body(at, method, params) for at, (method, params) in enumerate(requests)]
        where = redacted(self.url)
        async with self._posts:
            try:
                response = await self._client.post(
                    self.url,
                    content=msgspec.json.encode(body[0] if len(body) == 1 else body),
                    headers={"content-type": "application/json"},
                )
            except httpx.HTTPError as error:
                raise ChainError(f"{where} did not answer {requests[0][0]} ({type(error).__name__})") from error
        if response.status_code == _TOO_MANY:
            raise TooManyRequests(f"{where} was asked too often", _seconds(response.headers.get("retry-after")))
        try:
            decoded = msgspec.json.decode(response.content)
        except msgspec.DecodeError as error:
            raise ChainError(f"{where} answered no JSON", measured=f"HTTP {response.status_code}") from error
        answers = cast("list[dict[str, Any]]", decoded if isinstance(decoded, list) else [decoded])
        if len(answers) == 1 and len(body) > 1 and (error := answers[0].get("error")) is not None:
            if is_rate_limit(error):
                return [answers[0]] * len(body)
            return [(await self._post([one]))[0] for one in requests]  # it takes no batches, or none of this size
        by_id = {answer.get("id"): answer for answer in answers}
        if any(at not in by_id for at in range(len(body))):
            raise ChainError(f"{where} left requests of a batch unanswered", measured=len(answers), limit=len(body))
        return [by_id[at] for at in range(len(body))]


class SocketEndpoint(_Polled):
    """An endpoint over a WebSocket: heads are subscribed to where it lets us, and looked after by polling."""

    poll_s = _WATCH_S

    @override
    async def heads(self) -> MemoryObjectReceiveStream[Json]:
        """Subscribe to new headers; where there are no subscriptions, ask for the newest time and again."""
        receive = self.head_stream()
        try:
            await self.call("eth_subscribe", "newHeads")
        except ChainError:
            self.poll_s = _POLL_S
        self._start_polling()
        return receive

    @override
    async def _exchange(self, requests: Sequence[Request]) -> list[Json]:
        return await self._patience.exchange(requests, super()._exchange)


@asynccontextmanager
async def open_public(url: str, terms: PatienceTerms | None = None) -> AsyncGenerator[HttpEndpoint | SocketEndpoint]:
    """Connect to an endpoint that is not ours, http(s) or ws(s) as its URL says; raises `ChainError` if it is away."""
    kind = HttpEndpoint if url.startswith("http") else SocketEndpoint
    endpoint = kind(url, terms or PatienceTerms())
    async with opened(endpoint):
        yield endpoint


def _seconds(text: str | None) -> float:
    """Read a Retry-After header in seconds; 0 for none, or a date."""
    return float(text) if text is not None and text.isdecimal() else 0.0
