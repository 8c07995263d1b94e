"""Waiting for an endpoint that is not ours: which answers mean "later", how long to wait, and when to give up."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from engine.chains.endpoints import Json, Request
from engine.domain.errors import ChainError

RATE_LIMIT_CODES = frozenset((429, -32005, -32016, -32029, -32097, -32429))
"""What providers answer above their rate; -32005 is also theirs for a range that is too large, which is no rate."""
_RATE = re.compile(r"rate|too many requests|request limit|limit exceeded|throttl|capacity|compute units|429", re.I)
_RANGE = re.compile(r"range|results|response size|block limit|too large|blocks distance", re.I)
_NOT_THERE_YET = re.compile(r"header not found|unknown block|block not found|not yet available", re.I)
NOT_REPEATED = frozenset(("eth_sendRawTransaction", "eth_sendTransaction", "eth_subscribe"))
"""What a lost connection may have taken with it: whoever sends decides whether to send again."""


class TooManyRequests(ChainError):
    """the endpoint says that it was asked too often; `wait_s` is what it asks for, 0 when it does not say"""

    def __init__(self, what: str, wait_s: float = 0.0) -> None:
        self.wait_s = wait_s
        super().__init__(what, next_step="slow down, or use an endpoint of your own")


@dataclass(frozen=True, slots=True, kw_only=True)
class PatienceTerms:
    """How to wait, in seconds: the first pause, the longest, and for how long one exchange is tried in all.

    `most_in_message` bounds a batch; `looks` is how often a block that the endpoint does not know yet is asked for.
    """

    first_s: float = 0.1
    longest_s: float = 4.0
    give_up_s: float = 60.0
    most_in_message: int = 20
    looks: int = 6


@dataclass(slots=True)
class Waited:
    """What an endpoint made us wait for, counted since it was opened."""

    rate_limited: int = 0
    lost: int = 0
    not_there_yet: int = 0


Once = Callable[[Sequence[Request]], Awaitable[list[Json]]]


def is_rate_limit(error: Json) -> bool:
    """Tell "asked too often" from "asked for too much" in a JSON-RPC error."""
    message = str(error.get("message", ""))
    if _RANGE.search(message):
        return False
    return int(error.get("code", 0)) in RATE_LIMIT_CODES or bool(_RATE.search(message))


class Patience:
    """Repeats what an endpoint refused for its rate, lost, or does not know yet; everybody waits together.

    A read is repeated until `give_up_s`; a send only when the endpoint itself refused it for its rate, since it then
    has not taken it.
    """

    def __init__(self, terms: PatienceTerms) -> None:
        self._terms = terms
        self._pause_s = 0.0
        self._turn = asyncio.Lock()
        self.waited = Waited()

    async def exchange(self, requests: Sequence[Request], once: Once) -> list[Json]:
        """Send requests by `once` until each has an answer to keep; raises `ChainError` when the time is up."""
        size = self._terms.most_in_message
        parts = [requests[at : at + size] for at in range(0, len(requests), size)]
        return [answer for part in parts for answer in await self._part(part, once)]

    async def _part(self, requests: Sequence[Request], once: Once) -> list[Json]:
        loop = asyncio.get_running_loop()
        until = loop.time() + self._terms.give_up_s
        answers: list[Json] = [None] * len(requests)
        pending, looks = list(range(len(requests))), 0
        pause_s = self._terms.first_s
        while True:
            try:
                got = await once([requests[at] for at in pending])
            except TooManyRequests as error:
                self.waited.rate_limited += 1
                await self._slow_down(error.wait_s, until, error)
                continue
            except ChainError:
                if any(requests[at][0] in NOT_REPEATED for at in pending) or loop.time() + pause_s > until:
                    raise
                self.waited.lost += 1
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, self._terms.longest_s)
                continue
            limited: list[int] = []
            unknown: list[int] = []
            for at, answer in zip(pending, got, strict=True):
                answers[at] = answer
                error = answer.get("error")
                if error is not None and is_rate_limit(error):
                    limited.append(at)
                elif not_there_yet(requests[at], answer):
                    unknown.append(at)
            if limited:
                self.waited.rate_limited += 1
                await self._slow_down(0.0, until, None)
            else:
                self._pause_s /= 2
            if unknown:
                looks += 1
                self.waited.not_there_yet += 1
                await asyncio.sleep(self._terms.first_s * looks)
            pending = limited + (unknown if looks < self._terms.looks else [])
            if not pending or (limited and loop.time() > until):
                return answers

    async def _slow_down(self, asked_s: float, until: float, error: ChainError | None) -> None:
        """Wait twice as long as the last time, all callers one after the other; raises `error` past `until`."""
        async with self._turn:
            self._pause_s = min(max(2 * self._pause_s, self._terms.first_s, asked_s), self._terms.longest_s)
            if error is not None and asyncio.get_running_loop().time() + self._pause_s > until:
                raise error
            await asyncio.sleep(self._pause_s)


def not_there_yet(request: Request, answer: dict[str, Any]) -> bool:
    """Tell whether a node behind a balancer has not seen the block asked for, or an answer that is final."""
    method, params = request
    error = answer.get("error")
    if error is not None:
        return bool(_NOT_THERE_YET.search(str(error.get("message", ""))))
    return method == "eth_getBlockByHash" and answer.get("result") is None and bool(params)
