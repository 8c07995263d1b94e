"""The facade: run an engine, ask it, steer it. Server, tools, resources and the CLI come in here and nowhere else."""

import asyncio
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Literal

import anyio
from anyio.streams.memory import MemoryObjectSendStream
from pydantic import Field

from engine import compose, control
from engine.archive.asking import ArchiveDoor
from engine.archive.notes import Notes, Quotas
from engine.compose import Composition, composed
from engine.config import Settings
from engine.domain.commands import Command, Stop
from engine.domain.errors import ChainError, ControlError, KetchError
from engine.domain.events import ChainEvent
from engine.domain.printable import printable
from engine.domain.units import Address
from engine.journal.journal import JOURNAL_FILE, Journal
from engine.journal.lock import hold_state
from engine.key_sources import journals_key_held
from engine.loop import Asked, Event
from engine.methods import answered
from engine.next_key import next_key
from engine.params import Params, parsed
from engine.principals import Principal, named
from engine.queries import wallet
from engine.queries.misses import summary_of
from engine.queries.policy import shown
from engine.queries.running import Running
from engine.queries.status import status_of, trades_in
from engine.risk.in_force import in_words
from engine.risk.loosening import changes
from engine.risk.versions import version_in_force
from engine.steering import standing_now
from engine.summary import summary
from engine.top_up import top_up
from engine.workspace.roots import declared

INBOX_EVENTS = 1024
STOP_GRACE_S = 4.0
RECONNECT_DELAYS_S = (1.0, 2.0, 5.0, 10.0, 30.0)  # the last repeats

OnEvent = Callable[[Event], None]


class AttachParams(Params):
    """What a client calls itself, for people to read, and the token that brings an earlier name back."""

    name: str = Field(default="", max_length=64)
    resume: str | None = Field(default=None, max_length=64)
    role: Literal["observer"] | None = None
    """Less than the settings allow, for whoever is to read only."""


class Engine:
    """A running engine as its clients see it."""

    def __init__(self, settings: Settings, state: Path, composition: Composition, inbox: "_InboxSend") -> None:
        self._inbox = inbox
        loop, terms = composition.loop, settings.archive
        self._running = Running(
            configured=settings,
            state=state,
            composition=composition,
            command=self.command,
            roots=declared(settings.workspace.roots, state),
            notes=Notes(
                composition.journal,
                head=lambda: loop.market.head,
                busy=lambda: loop.busy,
                quotas=Quotas(
                    notes_per_principal=terms.notes_per_principal,
                    bytes_per_principal=terms.note_bytes_per_principal,
                    bytes_in_all=terms.note_bytes_in_all,
                ),
            ),
            archive=ArchiveDoor(state, turned_on=terms.run),
        )

    @property
    def settings(self) -> Settings:
        """The settings with the policy in force."""
        return self._running.settings

    async def handle(self, method: str, params: dict[str, Any], principal: Principal) -> dict[str, Any]:
        """Answer one request of a client; raises `ControlError` for one that it may not make. See engine/methods.py."""
        decision = "cancelled"
        try:
            answer = await answered(self._running, method, params, principal)
            decision = "answered"
            return {"paper": True} | answer if self.settings.profile == "paper" else answer
        except KetchError as error:
            decision = f"refused: {control.error_of(error)['code']}"
            raise
        except Exception:
            decision = "refused: bug"
            raise
        finally:
            self._running.composition.calls.note(principal.id, method, decision)

    def attach(self, params: dict[str, Any], *, once: bool = False) -> tuple[Principal, dict[str, Any]]:
        """Name an agent's connection, or the sender of one request, and say what it may; raises `ControlError`."""
        calls = self._running.composition.calls
        try:
            given = parsed(AttachParams, params, method="attach", example={"name": "my agent"})
            may_trade = self.settings.agents_may_trade and given.role != "observer"
            principal, token = named(may_trade=may_trade, resume=given.resume)
        except ControlError as error:
            calls.note("nobody yet", "attach", f"refused: {error.code}")
            raise
        if not once:
            calls.note(principal.id, "attach", "answered")
        return principal, {
            "principal": principal.id,
            "role": principal.role,
            "resume": token,
            "agents_may_trade": self.settings.agents_may_trade,
            "profile": self.settings.profile,
            "untrusted": {"name": printable(given.name, instead="?")},
        }

    async def command(self, command: Command) -> dict[str, Any]:
        """Put a command into the inbox and wait for its answer; raises what the loop says of it."""
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        await self._inbox.send(Asked(command, answer))
        return await answer

    def standing(self) -> dict[str, Any]:
        """Say where the engine is and in whose name it trades."""
        return standing_now(self._running)


_InboxSend = MemoryObjectSendStream[ChainEvent | Asked]


async def run_engine(
    settings: Settings,
    *,
    state: Path,
    trades: int | None,
    on_event: OnEvent,
    stop: anyio.Event,
    passphrase: Callable[[], str],
    read_settings: Callable[[], Settings] | None = None,
) -> dict[str, Any]:
    """Run the engine of a state folder until `stop`, or until `trades` fills; returns the run's summary.

    A lost chain is waited for and everything is read anew, but for a local one that is gone for good; so it is when
    another hot key takes over. `passphrase` is asked once. `read_settings`
    reads the settings' sources again for `ketch policy`. Raises
    `JournalError` when another engine owns the folder, and what `composed` raises when it cannot start.
    """
    asked = cache(passphrase)
    with hold_state(state):
        while True:
            with journals_key_held(settings, state):
                ended = await _run_key(
                    settings,
                    state=state,
                    trades=trades,
                    on_event=on_event,
                    stop=stop,
                    passphrase=asked,
                    read_settings=read_settings,
                )
            if ended is not None:
                return ended


async def _run_key(
    settings: Settings,
    *,
    state: Path,
    trades: int | None,
    on_event: OnEvent,
    stop: anyio.Event,
    passphrase: Callable[[], str],
    read_settings: Callable[[], Settings] | None,
) -> dict[str, Any] | None:
    """Run with one hot key, whatever becomes of the chain; returns None when another takes over."""
    losses = 0
    while True:
        try:
            return await _run_once(
                settings,
                state=state,
                trades=trades,
                on_event=on_event,
                stop=stop,
                passphrase=passphrase,
                read_settings=read_settings,
            )
        except ChainError as error:
            local = settings.profile == "devnet"
            if stop.is_set() or local or not (state / JOURNAL_FILE).exists():
                raise
            delay_s = RECONNECT_DELAYS_S[min(losses, len(RECONNECT_DELAYS_S) - 1)]
            losses += 1
            on_event({"event": "chain lost", "why": error.line(), "retry_in_s": delay_s})
            with anyio.move_on_after(delay_s):
                await stop.wait()
            if stop.is_set():
                raise


async def _run_once(
    settings: Settings,
    *,
    state: Path,
    trades: int | None,
    on_event: OnEvent,
    stop: anyio.Event,
    passphrase: Callable[[], str],
    read_settings: Callable[[], Settings] | None = None,
) -> dict[str, Any] | None:
    feed = control.Feed()

    def publish(event: Event) -> None:
        on_event(event)
        feed.publish(event)

    async with composed(
        settings,
        state=state,
        passphrase=passphrase,
        publish=publish,
        fills_wanted=trades,
        read_settings=read_settings,
    ) as composition:
        send, receive = anyio.create_memory_object_stream[ChainEvent | Asked](INBOX_EVENTS)
        engine = Engine(settings, state, composition, send)
        reason = "asked to stop, with transactions still open: the next start settles them"
        try:
            async with send, receive, anyio.create_task_group() as tasks:
                await tasks.start(control.serve, state / control.SOCKET_NAME, engine.handle, feed, engine.attach)
                tasks.start_soon(_pump, composition, send)
                if composition.follow_feed is not None:
                    tasks.start_soon(composition.follow_feed)
                tasks.start_soon(_stop_when_told, stop, engine, tasks.cancel_scope)
                publish({"event": "started", **engine.standing()})
                reason = await composition.loop.run(receive)
                tasks.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            raise _root_cause(group) from group
        if composition.operator_watch.handed_over and not stop.is_set():
            return None
        publish({"event": "stopped", "why": reason})
        return await summary(engine.settings, state, composition)
    raise ChainError("the engine was put together and ended before it ran")


async def _pump(composition: Composition, inbox: _InboxSend) -> None:
    async for event in composition.follower.events():
        await inbox.send(event)


async def _stop_when_told(stop: anyio.Event, engine: Engine, cut_short: anyio.CancelScope) -> None:
    """Stop in order: what is in flight has `STOP_GRACE_S` to be mined; the next start settles what was not."""
    await stop.wait()
    await engine.command(Stop(reason="asked to stop"))
    await anyio.sleep(STOP_GRACE_S)
    cut_short.cancel()


def _root_cause(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Unwrap the first error of ours in a group of errors, else the first there is."""
    flat: list[BaseException] = []
    pending: list[BaseException] = [group]
    while pending:
        error = pending.pop(0)
        if isinstance(error, BaseExceptionGroup):
            pending.extend(error.exceptions)
        else:
            flat.append(error)
    return next((error for error in flat if isinstance(error, KetchError)), flat[0])


async def initialise(
    settings: Settings, *, state: Path, secret: str, key_passphrase: Callable[[], str]
) -> dict[str, Any]:
    """Set up the state folder of a live profile; returns what was made and what to do next."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with hold_state(state):
        return await compose.initialise(settings, state=state, secret=secret, key_passphrase=key_passphrase)


def make_next_key(settings: Settings, *, state: Path, passphrase: Callable[[], str]) -> dict[str, Any]:
    """Make the hot key that is to follow; returns what the treasury must send. The engine may be running."""
    return next_key(settings, state=state, passphrase=passphrase)


async def top_up_float(settings: Settings, *, state: Path, target_wei: int | None) -> dict[str, Any]:
    """Say what the hot key's gas float lacks; on a local chain the faucet sends it. The engine may be running."""
    return await top_up(settings, state=state, target_wei=target_wei)


def offline_status(state: Path, rpc: str | None = None) -> dict[str, Any]:
    """Say what the journal knows when no engine runs; raises `JournalError` when there is no journal."""
    with Journal.read(state / JOURNAL_FILE) as journal:
        return status_of(rpc, journal, state) | {"running": False}


def offline_policy(state: Path) -> dict[str, Any]:
    """Show the policy in force when no engine runs."""
    with Journal.read(state / JOURNAL_FILE) as journal:
        return shown(version_in_force(journal))


def offline_policy_diff(state: Path, settings: Settings) -> dict[str, Any]:
    """Say what the settings would change of the policy in force when no engine runs."""
    with Journal.read(state / JOURNAL_FILE) as journal:
        held = version_in_force(journal)
    return {
        "version": held.number,
        "changes": [in_words(change) for change in changes(held.terms, settings.terms)],
    }


def offline_trades(state: Path) -> list[dict[str, Any]]:
    """List every submission from the journal when no engine runs."""
    with Journal.read(state / JOURNAL_FILE) as journal:
        return trades_in(journal)


def offline_misses(state: Path) -> dict[str, Any]:
    """Add up what others landed, from the journal when no engine runs."""
    with Journal.read(state / JOURNAL_FILE) as journal:
        return summary_of(journal)


async def offline_wallet(settings: Settings, operator: str) -> dict[str, Any]:
    """Show the hot key's balance on every chain when no engine runs."""
    return await wallet.offline_wallet(settings, Address(operator))
