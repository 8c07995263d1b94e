"""The facade that clients come in by: one question, one answer, wherever the engine is."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final, Protocol, cast

import anyio
from anyio.abc import SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from engine.control_path import reachable
from engine.domain.errors import ControlError

Answer = dict[str, Any]
Events = AbstractAsyncContextManager[AsyncIterator[Answer]]

MAX_ANSWER_BYTES: Final = 1 << 26
CONNECT_S: Final = 5.0
ANSWER_S: Final = 60.0
GONE: Final = (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream, anyio.IncompleteRead)


class Facade(Protocol):
    """A running engine as one caller sees it."""

    @property
    def principal(self) -> str:
        """The name that the engine gave this caller; empty before it did."""
        ...

    async def ask(self, method: str, params: Mapping[str, Any]) -> Answer:
        """Return the engine's answer; raises `ControlError` with its refusal, or when no engine runs."""
        ...

    async def role(self, *, anew: bool = False) -> str:
        """Return what the engine lets this caller do: `observer`, `trader` or `operator`; `anew`: not from memory."""
        ...

    def events(self) -> Events:
        """Follow the engine's events from now on, until it ends."""
        ...


@asynccontextmanager
async def parsed_events(
    feed: AbstractAsyncContextManager[AsyncIterator[bytes]],
) -> AsyncGenerator[AsyncIterator[Answer]]:
    """Follow a feed of this process as clients see it: each line is an event."""
    async with feed as lines:

        async def each() -> AsyncIterator[Answer]:
            async for line in lines:
                yield json.loads(line)

        yield each()


class NotRunning(ControlError):
    """no engine is running on this state folder"""


class InProcess:
    """An engine in this process: `ask` is its own `handle`."""

    def __init__(
        self,
        handle: Callable[[str, dict[str, Any]], Awaitable[Answer]],
        role: str,
        follow: Callable[[], AbstractAsyncContextManager[AsyncIterator[bytes]]],
        principal: str = "",
    ) -> None:
        self.principal = principal
        self._handle = handle
        self._role = role
        self._follow = follow

    async def ask(self, method: str, params: Mapping[str, Any]) -> Answer:
        """Ask the engine of this process."""
        return await self._handle(method, dict(params))

    async def role(self, *, anew: bool = False) -> str:
        """Return the role that the caller was given."""
        return self._role

    def events(self) -> Events:
        """Follow this process's feed."""
        return parsed_events(self._follow())


class Remote:
    """An engine behind its control socket. A lost connection is made again, under the same name, at the next question.

    A connection answers in order, so up to `connections` are held open, as many as there are questions at once.
    """

    def __init__(self, path: Path, *, connections: int = 1) -> None:
        self.principal = ""
        self._path = path
        self._turns = anyio.CapacityLimiter(connections)
        self._idle: list[Connection] = []
        self._naming = anyio.Lock()
        self._resume: str | None = None
        self._role: str | None = None
        self._term = 0

    async def ask(self, method: str, params: Mapping[str, Any], acting: Mapping[str, Any] | None = None) -> Answer:
        """Ask the daemon; one that restarted in between is asked again. Raises `NotRunning` and its `ControlError`s.

        `acting` asks in another agent's name, by what `attach` takes.

        Safe to repeat: executions carry their own idempotency key, everything else changes nothing or does so once.
        """
        async with self._turns:
            while self._idle:
                try:
                    return await self._asked(self._idle.pop(), method, params, acting)
                except GONE:
                    self._role = None  # it may come back with other settings
            try:
                return await self._asked(await self._attached(), method, params, acting)
            except GONE as error:
                raise _left_early() from error

    async def role(self, *, anew: bool = False) -> str:
        """Return the role that the engine gave; attaches when it was not asked yet, or `anew`. Raises `NotRunning`."""
        if anew:
            self._role = None
            self._term += 1
            await self.aclose()  # a connection keeps the role that it was attached with
        if self._role is None:
            async with self._turns:
                try:
                    await self._kept(await self._attached())
                except GONE as error:
                    raise _left_early() from error
        return self._role or "observer"

    @asynccontextmanager
    async def events(self) -> AsyncGenerator[AsyncIterator[Answer]]:
        """Follow the daemon's events on a connection of its own."""
        connection = await connected(self._path)
        try:
            try:
                await connection.asked("follow", {})
            except GONE as error:
                raise _left_early() from error

            async def pushed() -> AsyncIterator[Answer]:
                with suppress(*GONE):
                    while True:
                        yield await connection.line()

            yield pushed()
        finally:
            await connection.close()

    async def aclose(self) -> None:
        """Leave."""
        while self._idle:
            await self._idle.pop().close()

    async def _asked(
        self,
        connection: "Connection",
        method: str,
        params: Mapping[str, Any],
        acting: Mapping[str, Any] | None,
    ) -> Answer:
        try:
            with anyio.fail_after(ANSWER_S):
                answer = await connection.asked(method, params, acting)
        except TimeoutError as error:
            await connection.close()
            raise ControlError(
                "the engine did not answer", measured=f"{ANSWER_S:g} s", next_step="call again", code="no_answer"
            ) from error
        except ControlError:
            await self._kept(connection)
            raise
        except BaseException:  # cancelled included: an answer that is still to come would be taken for the next one
            await connection.close()
            raise
        await self._kept(connection)
        return answer

    async def _kept(self, connection: "Connection") -> None:
        """Keep a connection for the next question, unless the role was asked anew since it was made."""
        if connection.term == self._term:
            self._idle.append(connection)
        else:
            await connection.close()

    async def _attached(self) -> "Connection":
        connection = await connected(self._path)
        connection.term = self._term
        try:
            async with self._naming:  # the first one is given the name that the others resume
                told = await connection.asked("attach", {"resume": self._resume} if self._resume else {})
                self._resume, self._role = str(told["resume"]), str(told["role"])
                self.principal = str(told["principal"])
        except BaseException:
            await connection.close()
            raise
        return connection


class Connection:
    """One connection: answers come in the order of the questions."""

    def __init__(self, stream: SocketStream) -> None:
        self.term = 0
        self._stream = stream
        self._lines = BufferedByteReceiveStream(stream)

    async def asked(self, method: str, params: Mapping[str, Any], acting: Mapping[str, Any] | None = None) -> Answer:
        """Ask, and wait for the answer; raises `ControlError` with a refusal."""
        request = {"method": method, "params": params} | ({"as": acting} if acting else {})
        await self._stream.send(json.dumps(request).encode() + b"\n")
        answer = await self.line()
        result = answer.get("result")
        if answer.get("ok") is True and isinstance(result, dict):
            return cast("Answer", result)
        raise refusal_of(cast("dict[str, Any]", answer.get("error") or {}))

    async def line(self) -> Answer:
        """Read what comes next."""
        try:
            value = json.loads(await self._lines.receive_until(b"\n", MAX_ANSWER_BYTES))
        except (ValueError, anyio.DelimiterNotFound):
            value = None
        if not isinstance(value, dict):
            raise anyio.BrokenResourceError
        return cast("Answer", value)

    async def close(self) -> None:
        """Leave."""
        with anyio.CancelScope(shield=True):
            await self._stream.aclose()


def refusal_of(said: Mapping[str, Any]) -> ControlError:
    """Make the daemon's refusal an error again."""
    return ControlError(
        str(said.get("cause") or said.get("message") or "the engine refused without a word"),
        next_step=str(said.get("next_step") or ""),
        code=str(said.get("code") or ""),
        example=said.get("example"),
    )


async def connected(path: Path) -> Connection:
    """Connect to a daemon's socket; raises `NotRunning`, or `ControlError` for one that does not answer."""
    try:
        with anyio.fail_after(CONNECT_S), reachable(path) as short:
            return Connection(await anyio.connect_unix(short))
    except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError) as error:
        raise NotRunning(
            f"no engine is running on {path.parent}", next_step=f"ketch up --state {path.parent}", code="not_running"
        ) from error
    except (OSError, TimeoutError) as error:
        raise ControlError(
            f"the engine on {path} cannot be reached", next_step="see its log", code="no_answer"
        ) from error


def _left_early() -> ControlError:
    return ControlError("the engine ended before it answered", next_step="call again when it runs", code="not_running")
