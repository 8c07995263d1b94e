"""Many callers behind one door: each request is asked in the name of whoever sent it, and nobody picks a name.

A named token is a name, in both eras. Without one, a session of the handshake era is a name of its own, and requests
of the stateless era share the one of the door's token.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

from engine.domain.errors import ControlError
from engine.facade import Answer, Remote
from engine.principals import named
from server.mcp.tokens import Bearer

CALLER = "ketch.caller"
"""In the scope of a request that was let in: its `Caller`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who sent a request: by its token, and where that has no name, by its session."""

    resume: str
    observer: bool

    @property
    def attach(self) -> dict[str, Any]:
        """Return what makes the engine take a question as this caller's."""
        return {"resume": self.resume} | ({"role": "observer"} if self.observer else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What callers are named by: their token, and for sessions of the door's own a secret of this process."""

    sessions: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def caller(self, bearer: Bearer | None, shown: str, session: str | None) -> Caller:
        """Name a request's sender, the same way each time; `shown` is a token that was found good."""
        if bearer is not None or session is None:
            return Caller(
                resume=_named(shown.encode(), "bearer"), observer=bearer is not None and bearer.role != "trader"
            )
        return Caller(resume=_named(self.sessions, session), observer=False)


def _named(secret: bytes, what: str) -> str:
    digest = hmac.digest(secret, b"ketch principal " + what.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


class Callers:
    """One engine, asked by whoever the request at hand came from."""

    def __init__(self, engine: Remote) -> None:
        self._engine = engine
        self._now: ContextVar[Caller | None] = ContextVar("caller", default=None)

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Let a message through as its sender's; it is the outermost middleware."""
        scope: Mapping[str, Any] = getattr(ctx.request, "scope", {})
        before = self._now.set(scope.get(CALLER))
        try:
            return await call_next(ctx)
        finally:
            self._now.reset(before)

    @property
    def principal(self) -> str:
        """The name of whoever is being answered."""
        caller = self._now.get()
        return named(may_trade=False, resume=caller.resume)[0].id if caller else ""

    async def ask(self, method: str, params: Mapping[str, Any]) -> Answer:
        """Ask in the sender's name; raises the engine's `ControlError`, and one for a question of nobody's."""
        caller = self._now.get()
        if caller is None:
            raise ControlError("a question came in by no door", next_step="connect again", code="not_allowed")
        return await self._engine.ask(method, params, caller.attach)

    async def role(self, *, anew: bool = False) -> str:
        """Return what the engine lets the sender do."""
        caller = self._now.get()
        return "observer" if caller is not None and caller.observer else await self._engine.role(anew=anew)

    @asynccontextmanager
    async def events(self) -> AsyncGenerator[AsyncIterator[Answer]]:
        """Follow the engine's events: they are the same for everybody."""
        async with self._engine.events() as events:
            yield events
