"""The facade: run an engine, ask it, steer it. Server, tools, resources and the CLI come in here and nowhere else."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import anyio
from anyio.streams.memory import MemoryObjectSendStream

from engine import compose, control
from engine.compose import Composition, composed
from engine.config import Settings
from engine.domain.commands import Command, Halt, Resume, Stop, Sweep
from engine.domain.errors import ChainError, ControlError, KetchError
from engine.domain.events import ChainEvent
from engine.domain.units import Address
from engine.journal.journal import JOURNAL_FILE, Journal
from engine.journal.lock import hold_state
from engine.journal.trades import trades as journal_trades
from engine.loop import Asked, Event
from engine.market.snapshot import compare
from engine.market.sync import read_pools
from engine.risk.halt import halt_reason, trading_state
from engine.summary import summary, totals_of

INBOX_EVENTS = 1024
STOP_GRACE_S = 4.0
RESUME_VALID_S = 300
RECONNECT_DELAYS_S = (1.0, 2.0, 5.0, 10.0, 30.0)  # the last repeats

OnEvent = Callable[[Event], None]


class Engine:
    """A running engine as its clients see it."""

    def __init__(self, settings: Settings, state: Path, composition: Composition, inbox: "_InboxSend") -> None:
        self._settings = settings
        self._state = state
        self._composition = composition
        self._inbox = inbox

    async def handle(self, method: str, params: dict[str, Any], principal: str) -> dict[str, Any]:
        """Answer one request of the control socket; raises `ControlError` for one that it does not know."""
        match method, params:
            case "status", _:
                return self.status()
            case "trades", _:
                return {"trades": trades_in(self._composition.journal)}
            case "venues", _:
                return self.venues()
            case "drift", _:
                return await self.drift()
            case "halt", {"reason": str(reason), "reducing": bool(reducing)}:
                return await self.command(Halt(principal=principal, reason=reason, reducing=reducing))
            case "resume_challenge", _:
                return self.resume_challenge()
            case "resume", {"policy_hash": str(policy), "expires_s": int(until), "nonce": str(n), "signature": str(s)}:
                resume = Resume(principal=principal, policy_hash=policy, expires_s=until, nonce=n, signature=s)
                return await self.command(resume)
            case "sweep", {"token": str(token)}:
                return await self.command(Sweep(principal=principal, token=Address(token.lower())))
            case _:
                raise ControlError(
                    f"no such command, or not with these parameters: {method!r}",
                    next_step="see ketch --help for what the engine takes",
                )

    async def command(self, command: Command) -> dict[str, Any]:
        """Put a command into the inbox and wait for its answer; raises what the loop says of it."""
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        await self._inbox.send(Asked(command, answer))
        return await answer

    def status(self) -> dict[str, Any]:
        """Say where the engine is, in whose name it trades, and what it came to so far."""
        engine = self._composition
        return status_of(self._settings.rpc, engine.journal, self._state) | {
            "running": True,
            "profile": self._settings.profile,
            "block": engine.loop.market.head.number,
            "pools": len(engine.loop.market.pools),
            "blocks": engine.loop.measured.blocks,
        }

    def venues(self) -> dict[str, Any]:
        """Count the pools by deployment and family."""
        counts: dict[tuple[str, str], int] = {}
        for pool in self._composition.loop.market.pools.values():
            key = (pool.deployment, pool.family)
            counts[key] = counts.get(key, 0) + 1
        rows = [{"deployment": d, "family": f, "pools": n} for (d, f), n in sorted(counts.items())]
        return {"venues": rows, "pools": sum(counts.values())}

    async def drift(self) -> dict[str, Any]:
        """Read every pool again at the market's own block and list each field that differs."""
        loop = self._composition.loop
        head, ours = loop.market.head, dict(loop.market.pools)
        found = [f for pool_id, f in loop.found.items() if pool_id in ours]
        theirs = await read_pools(self._composition.endpoint, found, head.hash)
        differences = compare(ours, theirs)
        return {
            "block": head.number,
            "block_hash": head.hash,
            "pools": len(ours),
            "differences": [asdict(difference) for difference in differences],
            "ok": not differences,
        }

    def resume_challenge(self) -> dict[str, Any]:
        """Say what the operator would sign to resume: this policy, this journal, until then, once."""
        engine = self._composition
        return {
            "journal": next(engine.journal.entries(limit=1)).hash,
            "policy_hash": self._settings.risk.digest(),
            "expires_s": engine.loop.market.head.timestamp_s + RESUME_VALID_S,
            "nonce": secrets.token_hex(16),
        }


_InboxSend = MemoryObjectSendStream[ChainEvent | Asked]


async def run_engine(
    settings: Settings,
    *,
    state: Path,
    trades: int | None,
    on_event: OnEvent,
    stop: anyio.Event,
    passphrase: Callable[[], str],
) -> dict[str, Any]:
    """Run the engine of a state folder until `stop`, or until `trades` fills; returns the run's summary.

    A lost chain is waited for and everything is read anew, but for a local one that is gone for good. Raises
    `JournalError` when another engine owns the folder, and what `composed` raises when it cannot start.
    """
    with hold_state(state):
        losses = 0
        while True:
            try:
                return await _run_once(
                    settings, state=state, trades=trades, on_event=on_event, stop=stop, passphrase=passphrase
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
) -> dict[str, Any]:
    feed = control.Feed()

    def publish(event: Event) -> None:
        on_event(event)
        feed.publish(event)

    async with composed(
        settings, state=state, passphrase=passphrase, publish=publish, fills_wanted=trades
    ) as composition:
        send, receive = anyio.create_memory_object_stream[ChainEvent | Asked](INBOX_EVENTS)
        engine = Engine(settings, state, composition, send)
        reason = "asked to stop, with transactions still open: the next start settles them"
        try:
            async with send, receive, anyio.create_task_group() as tasks:
                await tasks.start(control.serve, state / control.SOCKET_NAME, engine.handle, feed)
                tasks.start_soon(_pump, composition, send)
                tasks.start_soon(_stop_when_told, stop, engine, tasks.cancel_scope)
                publish({"event": "started", **engine.status()})
                reason = await composition.loop.run(receive)
                tasks.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            raise _root_cause(group) from group
        publish({"event": "stopped", "why": reason})
        return await summary(settings, state, composition)
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


async def initialise(settings: Settings, *, state: Path, secret: str, key_passphrase: str) -> dict[str, Any]:
    """Set up the state folder of a live profile; returns what was made and what to do next."""
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with hold_state(state):
        return await compose.initialise(settings, state=state, secret=secret, key_passphrase=key_passphrase)


def offline_status(state: Path, rpc: str | None = None) -> dict[str, Any]:
    """Say what the journal knows when no engine runs; raises `JournalError` when there is no journal."""
    with Journal.read(state / JOURNAL_FILE) as journal:
        return status_of(rpc, journal, state) | {"running": False}


def offline_trades(state: Path) -> list[dict[str, Any]]:
    """List every submission from the journal when no engine runs."""
    with Journal.read(state / JOURNAL_FILE) as journal:
        return trades_in(journal)


def status_of(rpc: str | None, journal: Journal, state: Path) -> dict[str, Any]:
    """Say who trades where, so that a stranger can check the books with nothing but RPC, and what it came to."""
    genesis = journal.genesis
    named = ("executor", "treasury", "operator", "operator_secret", "policy_hash", "native_wrapped")
    return {
        "rpc": rpc,
        "chain_id": int(genesis["chain_id"]),
        **{name: genesis[name] for name in named},
        "tokens": [{**token, "decimals": int(token["decimals"])} for token in genesis["tokens"]],
        "start_block": int(genesis["start_block"]),
        "state": trading_state(journal, state),
        "halted": halt_reason(state),
        "journal_head": dict(zip(("seq", "hash"), journal.head, strict=True)),
        "totals": _as_text(totals_of(journal)),
    }


def trades_in(journal: Journal) -> list[dict[str, Any]]:
    """List every submission: `id, tx_hash, nonce, block, status, token, realised, gas_paid_wei` and its route."""
    return [_as_text(asdict(trade)) for trade in journal_trades(journal)]


_COUNTS = frozenset(
    ("seq", "nonce", "block", "hops", "opportunities", "submitted", "filled", "reverted", "replaced", "open", "refused")
)


def _as_text(body: dict[str, Any]) -> dict[str, Any]:
    """Write amounts as decimal strings: readers of JSON lose precision past 2^53. Counts stay numbers."""

    def one(name: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {k: str(v) if name == "realised" else v for k, v in value.items()}
        return str(value) if isinstance(value, int) and name not in _COUNTS else value

    return {name: one(name, value) for name, value in body.items()}
