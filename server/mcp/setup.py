"""A state folder without an engine: what its journal answers, what is missing, what to do next."""

import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
from anyio.to_thread import run_sync

from engine.domain.errors import ConfigError, ControlError, FolderOwned, KetchError
from engine.facade import Answer, NotRunning, Remote

_MANIFEST, _JOURNAL = "devnet.json", "journal.sqlite"


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Whether `ketch up` could start here: what is missing, the step that adds it, the options that it takes."""

    missing: tuple[str, ...] = ()
    next_step: str = ""
    options: tuple[str, ...] = ()


def readiness(state: Path) -> Readiness:
    """Look at a state folder's settings and files; touches nothing."""
    from engine.config import load

    devnet = (state / _MANIFEST).exists()
    try:
        settings = load(state, environ=os.environ, given={"profile": "devnet" if devnet else None})
    except ConfigError as error:
        return Readiness(missing=(error.cause(),), next_step=error.next_step)
    if settings.profile == "live" and not (state / _JOURNAL).exists():
        return Readiness(missing=("the state folder is not set up",), next_step=f"ketch init --state {state}")
    return Readiness(options=("--profile", "devnet") if devnet else ())


class Unattended:
    """The engine of a state folder, which may not run: then memory and graph answer from the journal, if there is one.

    What else is asked is refused, and the status says why.
    """

    def __init__(self, engine: Remote, state: Path) -> None:
        self.engine = engine
        self.starting = False
        self.ended = ""
        self._state = state
        self._asking = anyio.Lock()

    @property
    def principal(self) -> str:
        """The name that the engine gave this caller."""
        return self.engine.principal

    async def ask(self, method: str, params: Mapping[str, Any]) -> Answer:
        """Ask the engine; raises `NotRunning` with the next step when there is none."""
        try:
            return await self.engine.ask(method, params)
        except NotRunning:
            if not self.starting and (self._state / _JOURNAL).exists():
                answer = await self._at_rest(method, params)
                if answer is not None:
                    return answer
            offline = self._offline()
            if method == "engine_status":
                return offline
            raise NotRunning(
                "no engine is running", measured=offline["why"], next_step=offline["next_step"], code="not_running"
            ) from None

    async def _at_rest(self, method: str, params: Mapping[str, Any]) -> Answer | None:
        """Answer from the journal's own stores; None for what they cannot answer."""
        from engine.archive.offline import STORE_OF
        from server import at_rest

        if method not in STORE_OF:
            return None
        try:
            async with self._asking:  # a store is opened by one question at a time
                return await run_sync(at_rest.asked, self._state, method, params)
        except ControlError:
            raise
        except FolderOwned as error:  # an archive that is starting, or another question
            raise ControlError(error.cause(), next_step="ask again in a second", code="archive_away") from error
        except KetchError as error:
            raise ControlError(error.cause(), next_step=error.next_step, code="no_answer") from error

    async def role(self, *, anew: bool = False) -> str:
        """Return the role that the engine gives; raises `NotRunning` when there is none."""
        return await self.engine.role(anew=anew)

    @asynccontextmanager
    async def events(self) -> AsyncGenerator[AsyncIterator[Answer]]:
        """Follow the engine's events; raises `NotRunning` when there is none."""
        async with self.engine.events() as events:
            yield events

    def _offline(self) -> Answer:
        status: Answer = {"running": False, "state_folder": str(self._state), "missing": []}
        if (self._state / _JOURNAL).exists():
            status["still_answered"] = "memory and knowledge, from the journal"
        if self.starting:
            return status | {"why": "the engine is starting", "next_step": "ask again in a few seconds"}
        ready = readiness(self._state)
        if ready.missing:
            missing = list(ready.missing)
            return status | {"missing": missing, "why": missing[0], "next_step": ready.next_step}
        why = f"it ended: {self.ended}" if self.ended else "none was started"
        return status | {"why": why, "next_step": f"ketch up --state {self._state}"}
