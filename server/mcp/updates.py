"""Resource updates: what the engine tells its followers, told to the subscribers of both protocol eras."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
from mcp.server.context import ServerRequestContext
from mcp.server.session import ServerSession
from mcp.server.subscriptions import InMemorySubscriptionBus, ResourceUpdated, ServerEvent
from mcp.types import EmptyResult, SubscribeRequestParams, UnsubscribeRequestParams

from engine.domain.errors import ControlError
from engine.facade import Facade

RETRY_S = 1.0
STATUS_EVERY_S = 1.0
"""A block is no reason to tell everybody more often than this that the status is another."""

STATUS, TRADES, MODE = "ketch://status", "ketch://trades", "ketch://mode"


class Subscribers(InMemorySubscriptionBus):
    """Who wants to know of which resource. Nobody follows the engine before somebody does."""

    def __init__(self) -> None:
        super().__init__()
        self.wanted = anyio.Event()
        self._sessions: dict[str, set[ServerSession]] = {}

    def subscribe(self, listener: Any) -> Any:
        """Add a listener of the stateless era."""
        self.wanted.set()
        return super().subscribe(listener)

    async def add(self, ctx: ServerRequestContext[Any, Any], params: SubscribeRequestParams) -> EmptyResult:
        """Add a subscriber of the handshake era."""
        self._sessions.setdefault(str(params.uri), set()).add(ctx.session)
        self.wanted.set()
        return EmptyResult()

    async def remove(self, ctx: ServerRequestContext[Any, Any], params: UnsubscribeRequestParams) -> EmptyResult:
        """Take a subscriber of the handshake era away."""
        self._sessions.get(str(params.uri), set()).discard(ctx.session)
        return EmptyResult()

    async def publish(self, event: ServerEvent) -> None:
        """Tell the subscribers of both eras; one that is gone is forgotten."""
        await super().publish(event)
        if isinstance(event, ResourceUpdated):
            for session in tuple(self._sessions.get(str(event.uri), ())):
                try:
                    await session.send_resource_updated(event.uri)
                except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                    self._sessions[str(event.uri)].discard(session)


@asynccontextmanager
async def publishing(subscribers: Subscribers, facade: Facade) -> AsyncGenerator[None]:
    """Publish updates while the context lasts; an engine that restarts is followed again."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_publish, subscribers, facade)
        yield
        tasks.cancel_scope.cancel()


async def _publish(subscribers: Subscribers, facade: Facade) -> None:
    await subscribers.wanted.wait()
    while True:
        with suppress(ControlError):
            async with facade.events() as events:
                told_s = float("-inf")
                async for event in events:
                    now_s = anyio.current_time()
                    for uri in changed(event, status_due=now_s - told_s >= STATUS_EVERY_S):
                        told_s = now_s if uri == STATUS else told_s
                        await subscribers.publish(ResourceUpdated(uri=uri))
        await anyio.sleep(RETRY_S)


def changed(event: dict[str, Any], *, status_due: bool) -> list[str]:
    """List the resources that an event of the engine is about."""
    match event:
        case {"event": "block"}:
            return [STATUS] if status_due else []
        case {"event": "trade"}:
            named = event.get("intent") or event.get("id") or event.get("intent_id")
            return [STATUS, TRADES, *([f"{TRADES}/{named}"] if named else [])]
        case _:
            return [STATUS, MODE]
