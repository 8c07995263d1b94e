"""Updates of resources and of the tools offered: what the engine tells its followers, told to clients of both eras."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
from mcp.server.connection import Connection
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.subscriptions import InMemorySubscriptionBus, ResourceUpdated, ServerEvent, ToolsListChanged
from mcp.types import EmptyResult, SubscribeRequestParams, UnsubscribeRequestParams

from engine.domain.errors import ControlError
from engine.facade import Facade

RETRY_S = 1.0
STATUS_EVERY_S = 1.0
"""A block is no reason to tell everybody more often than this that the status is another."""

STATUS, TRADES, MODE = "ketch://status", "ketch://trades", "ketch://mode"
GRAPH = "memory://knowledge-graph"
HANDSHAKE_ERA_ENDS = "2026-07-28"
MAY_CHANGE_ROLES = ("command", "policy")
"""Events after which agents may be let trade who were not, or the other way round."""


class Subscribers(InMemorySubscriptionBus):
    """Who wants to know of which resource, and who has listed tools. Nobody follows the engine before somebody does."""

    def __init__(self) -> None:
        super().__init__()
        self.wanted = anyio.Event()
        self._following: dict[Connection, set[str]] = {}
        """Clients of the handshake era: each one's connection, and the resources that it subscribed to."""

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Note who lists tools, as middleware: whoever did is told when the list is another."""
        if ctx.method == "tools/list":
            self._of(ctx)
            self.wanted.set()
        return await call_next(ctx)

    def subscribe(self, listener: Any) -> Any:
        """Add a listener of the stateless era."""
        self.wanted.set()
        return super().subscribe(listener)

    async def add(self, ctx: ServerRequestContext[Any, Any], params: SubscribeRequestParams) -> EmptyResult:
        """Add a subscriber of the handshake era."""
        self._of(ctx).add(str(params.uri))
        self.wanted.set()
        return EmptyResult()

    async def remove(self, ctx: ServerRequestContext[Any, Any], params: UnsubscribeRequestParams) -> EmptyResult:
        """Take a subscriber of the handshake era away."""
        self._of(ctx).discard(str(params.uri))
        return EmptyResult()

    async def publish(self, event: ServerEvent) -> None:
        """Tell the subscribers of both eras; what cannot reach a client is dropped."""
        await super().publish(event)
        for connection, uris in tuple(self._following.items()):
            if isinstance(event, ToolsListChanged):
                await connection.send_tool_list_changed()
            elif isinstance(event, ResourceUpdated) and str(event.uri) in uris:
                await connection.send_resource_updated(str(event.uri))

    def _of(self, ctx: ServerRequestContext[Any, Any]) -> set[str]:
        """Return what a client of the handshake era follows, until its connection ends; others have a stream for it."""
        # a session is one request's, and the SDK has no public name for the connection behind it
        connection: Connection = ctx.session._connection  # pyright: ignore[reportPrivateUsage]
        if connection.protocol_version >= HANDSHAKE_ERA_ENDS:
            return set()
        if connection not in self._following:
            self._following[connection] = set()
            connection.exit_stack.callback(self._following.pop, connection, None)
        return self._following[connection]


@asynccontextmanager
async def publishing(subscribers: Subscribers, facade: Facade) -> AsyncGenerator[None]:
    """Publish updates while the context lasts; an engine that restarts is followed again."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_publish, subscribers, facade)
        yield
        tasks.cancel_scope.cancel()


async def _publish(subscribers: Subscribers, facade: Facade) -> None:
    await subscribers.wanted.wait()
    role: str | None = None
    while True:
        with suppress(ControlError):
            async with facade.events() as events:
                role = await _role_now(subscribers, facade, role)
                told_s = float("-inf")
                async for event in events:
                    if event.get("event") in MAY_CHANGE_ROLES:
                        role = await _role_now(subscribers, facade, role)
                    now_s = anyio.current_time()
                    for uri in changed(event, status_due=now_s - told_s >= STATUS_EVERY_S):
                        told_s = now_s if uri == STATUS else told_s
                        await subscribers.publish(ResourceUpdated(uri=uri))
        role = await _role_now(subscribers, facade, role)
        await anyio.sleep(RETRY_S)


async def _role_now(subscribers: Subscribers, facade: Facade, before: str | None) -> str:
    """Ask what this caller may do now, and say that the tools are others when that is another role than before."""
    try:
        role = await facade.role(anew=True)
    except ControlError:
        role = "observer"  # what an engine that does not run lets anybody do
    if before is not None and role != before:
        await subscribers.publish(ToolsListChanged())
    return role


def changed(event: dict[str, Any], *, status_due: bool) -> list[str]:
    """List the resources that an event of the engine is about."""
    match event:
        case {"event": "block"}:
            return [STATUS] if status_due else []
        case {"event": "trade"}:
            named = event.get("intent") or event.get("id") or event.get("intent_id")
            return [STATUS, TRADES, *([f"{TRADES}/{named}"] if named else [])]
        case {"event": "noted", "store": store}:
            return [GRAPH] if store == "knowledge" else []
        case _:
            return [STATUS, MODE]
