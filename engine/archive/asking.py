"""The engine's half of the archive: it asks over a socket, holds nothing of it, and runs as well without one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import anyio
from pydantic import Field

from engine.domain.errors import ControlError
from engine.facade import GONE, Connection, NotRunning, connected
from engine.journal.stores import Answer
from engine.params import Params

ARCHIVE_SOCKET_NAME = "archive.sock"
ARCHIVE_FOLDER_NAME = "archive"
ANSWER_S: Final = 20.0
MAX_CONNECTIONS: Final = 16


def turned_off() -> ControlError:
    """Refuse what an archive would answer, where the operator keeps none."""
    next_step = "the operator sets archive.run = true"
    return ControlError("the archive is turned off", next_step=next_step, code="archive_off")


class ArchiveParams(Params):
    """A question to a store that has read the journal up to entry `at_least`."""

    at_least: int = Field(ge=0)
    asked: dict[str, Any]


class ArchiveDoor:
    """The archive's process, asked from the engine's loop. One that died and came back is asked on."""

    def __init__(self, state: Path, *, turned_on: bool) -> None:
        self._path = state / ARCHIVE_SOCKET_NAME
        self._turned_on = turned_on
        self._turns = anyio.CapacityLimiter(MAX_CONNECTIONS)
        self._idle: list[Connection] = []

    async def ask(self, store: str, question: str, asked: Mapping[str, Any], *, at_least: int = 0) -> Answer:
        """Return a store's answer; raises `ControlError` with its refusal, or when there is no archive to ask."""
        params = {"at_least": at_least, "asked": dict(asked)}
        async with self._turns:
            while self._idle:
                try:
                    return await self._asked(self._idle.pop(), f"{store}.{question}", params)
                except GONE:
                    continue
            try:
                return await self._asked(await self._connected(), f"{store}.{question}", params)
            except GONE as error:
                raise self._away() from error

    async def check(self) -> None:
        """Raise `ControlError` when there is no archive to ask: nothing is written that nobody could answer for."""
        async with self._turns:
            if not self._idle:
                try:
                    self._idle.append(await self._connected())
                except GONE as error:
                    raise self._away() from error

    async def aclose(self) -> None:
        """Leave."""
        while self._idle:
            await self._idle.pop().close()

    async def _connected(self) -> Connection:
        if not self._turned_on:
            raise turned_off()
        try:
            connection = await connected(self._path)
            await connection.asked("attach", {})  # from there on it may idle
        except NotRunning as error:
            raise self._away() from error
        return connection

    async def _asked(self, connection: Connection, method: str, params: Mapping[str, Any]) -> Answer:
        try:
            with anyio.fail_after(ANSWER_S):
                answer = await connection.asked(method, params)
        except TimeoutError as error:
            await connection.close()
            raise ControlError(
                "the archive did not answer", measured=f"{ANSWER_S:g} s", next_step="ask again", code="no_answer"
            ) from error
        except ControlError:
            self._idle.append(connection)
            raise
        except BaseException:  # cancelled included: its answer would be taken for the next one
            await connection.close()
            raise
        self._idle.append(connection)
        return answer

    def _away(self) -> ControlError:
        return ControlError(
            "the archive is not running yet", next_step="ask again in a few seconds", code="archive_away"
        )
