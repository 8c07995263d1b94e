"""The signer as a process of its own: it holds the key, decodes what it signs, knows the caps and the halt itself."""

import logging
import os
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import SocketAttribute, SocketListener, SocketStream, TaskStatus
from anyio.streams.buffered import BufferedByteReceiveStream

from engine.clocks import SystemClock
from engine.config import Settings
from engine.control_path import bind_private, peer_of
from engine.domain.errors import ConfigError, JournalError, SigningRefused
from engine.domain.ports import Signs
from engine.domain.units import Address
from engine.execution.following_signer import FollowingSigner
from engine.execution.gas_day import GAS_DAY_FILE, CappedSigner, GasDay
from engine.execution.signer_wire import (
    MAX_LINE_BYTES,
    SIGNER_SOCKET_NAME,
    Asked,
    SignBump,
    SignCancel,
    SignSweep,
    SignTrade,
    read_asked,
    refused_line,
    signed_line,
)
from engine.execution.wallet import Signer
from engine.journal.journal import JOURNAL_FILE, Journal
from engine.journal.operators import OperatorTerm, operator_now
from engine.key_sources import hot_key, key_held
from engine.risk.halt import halt_reason, signing_halted
from engine.risk.versions import version_in_force

MAX_CLIENTS = 16
IDLE_S = 5.0
GAS_DAYS_OF_BUDGET = 5
"""The signer counts every signature at its worst, some multiple of what gas then costs."""

_log = logging.getLogger(__name__)


async def run_signer(
    settings: Settings,
    *,
    state: Path,
    passphrase: Callable[[], str],
    ready: Callable[[Address], None],
    stop: anyio.Event,
) -> None:
    """Sign for the engine of a state folder until `stop`; `ready` is told the key's address once the socket is open.

    Raises `ConfigError` for a folder without a journal, a key that is not the journal's, or one that is held elsewhere.
    """
    day = GasDay(state / GAS_DAY_FILE, limit_wei=gas_per_day_wei(settings), now_ns=SystemClock().now_ns)
    with ExitStack() as held:
        signer = FollowingSigner(
            term=partial(_term_now, state),
            signer_of=partial(_signer_of, settings=settings, state=state, passphrase=cache(passphrase), day=day),
            hold=lambda address: held.enter_context(key_held(settings, address, state=state, role="signer")),
        )
        async with anyio.create_task_group() as tasks:
            await tasks.start(serve_signer, state / SIGNER_SOCKET_NAME, signer)
            ready(signer.address)
            await stop.wait()
            tasks.cancel_scope.cancel()


def _term_now(state: Path) -> OperatorTerm:
    with Journal.read(state / JOURNAL_FILE) as journal:
        return operator_now(journal)


def _signer_of(
    term: OperatorTerm, *, settings: Settings, state: Path, passphrase: Callable[[], str], day: GasDay
) -> Signs:
    """Unlock the key of a term; raises `ConfigError` when what is found is another's."""
    with Journal.read(state / JOURNAL_FILE) as journal:
        genesis = journal.genesis
    max_gas = partial(max_gas_now, state)
    signer = CappedSigner(
        Signer(
            hot_key(settings, state=state, passphrase=passphrase, term=term),
            chain=settings.chain_id,
            executor=Address(genesis["executor"]),
            max_gas_wei=max_gas,
            halted=partial(halted_now, state),
        ),
        day=day,
        max_gas_wei=max_gas,
    )
    if signer.address != term.address or settings.chain_id != int(genesis["chain_id"]):
        raise ConfigError(
            "the hot key is not the one of this journal",
            measured=f"{signer.address} on chain {settings.chain_id}",
            limit=f"{term.address} on chain {genesis['chain_id']}",
            next_step="restore the hot key that the journal signs with",
        )
    return signer


def gas_per_day_wei(settings: Settings) -> int:
    """Say how much gas the signer signs for in a day, in wei at its worst."""
    set_wei = settings.wallet.signer_gas_per_day_wei
    return GAS_DAYS_OF_BUDGET * settings.risk.gas_budget_per_day_wei if set_wei is None else set_wei


def halted_now(state: Path) -> str | None:
    """Say why nothing may be signed: the halt file, or the newest state in the journal, read anew each time."""
    if (why := halt_reason(state)) is not None:
        return why
    try:
        with Journal.read(state / JOURNAL_FILE) as journal:
            return signing_halted(journal, state)
    except JournalError as unreadable:
        return f"the journal's last state cannot be read: {unreadable.what}"


def max_gas_now(state: Path) -> int:
    """Say what one transaction's gas may cost by the policy in force, read anew each time; raises `SigningRefused`.

    A loosening among its versions is the operator's, or the journal is not read: no setting counts beside it.
    """
    try:
        with Journal.read(state / JOURNAL_FILE) as journal:
            return version_in_force(journal).terms.risk.max_gas_wei
    except JournalError as unreadable:
        raise SigningRefused("the policy in force cannot be read", measured=unreadable.what) from unreadable


async def serve_signer(
    path: Path, signer: Signs, *, uid: int | None = None, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
) -> None:
    """Answer processes of user `uid` (our own) on `path` until cancelled; raises `ControlError` if it cannot bind."""
    bound = bind_private(path, backlog=MAX_CLIENTS, who="signer")
    inode = path.stat().st_ino
    limit = anyio.CapacityLimiter(MAX_CLIENTS)
    try:
        async with await SocketListener.from_socket(bound) as listener, anyio.create_task_group() as clients:
            task_status.started()
            while True:
                stream = await listener.accept()
                clients.start_soon(_attend, stream, signer, os.geteuid() if uid is None else uid, limit)
    finally:
        if path.exists() and path.stat().st_ino == inode:
            path.unlink()


async def _attend(stream: SocketStream, signer: Signs, uid: int, limit: anyio.CapacityLimiter) -> None:
    """Serve one client, a line at a time, until it leaves, errs or is silent too long."""
    async with stream:
        peer = peer_of(stream.extra(SocketAttribute.raw_socket))  # noqa: S610 - anyio's, not Django's
        if peer is not None and peer[1] != uid:
            _log.warning("signer: turned away pid %s of another user, uid %s", *peer)
            return
        try:
            limit.acquire_on_behalf_of_nowait(stream)
        except anyio.WouldBlock:
            return
        lines = BufferedByteReceiveStream(stream)
        try:
            while True:
                with anyio.fail_after(IDLE_S):
                    line = await lines.receive_until(b"\n", MAX_LINE_BYTES)
                with anyio.fail_after(IDLE_S):
                    await stream.send(_answer(line, signer))
        except anyio.DelimiterNotFound:
            await _say_too_long(stream)
        except (
            TimeoutError,
            anyio.BrokenResourceError,
            anyio.ClosedResourceError,
            anyio.IncompleteRead,
            anyio.EndOfStream,
        ):
            _log.debug("a client of the signer left")
        finally:
            limit.release_on_behalf_of(stream)


async def _say_too_long(stream: SocketStream) -> None:
    try:
        await stream.send(refused_line(SigningRefused("the request is too long", limit=f"{MAX_LINE_BYTES} bytes")))
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        _log.debug("a client of the signer left")


def _answer(line: bytes, signer: Signs) -> bytes:
    try:
        return signed_line(_sign(read_asked(line), signer))
    except SigningRefused as refusal:
        _log.warning("signer: refused: %s", refusal.cause())
        return refused_line(refusal)
    except Exception as error:  # noqa: BLE001 - bytes that no decoder foresaw are refused, and never end the signer
        _log.warning("signer: refused what cannot be read: %s", type(error).__name__)
        return refused_line(SigningRefused("the request cannot be read", measured=type(error).__name__))


def _sign(asked: Asked, signer: Signs) -> Any:
    match asked:
        case SignTrade():
            return signer.sign_trade(asked.approved, intent_id=asked.intent_id, nonce=asked.nonce)
        case SignSweep():
            return signer.sign_sweep(
                asked.token,
                asked.amount,
                fees=asked.fees,
                intent_id=asked.intent_id,
                command_id=asked.command_id,
                nonce=asked.nonce,
                block_number=asked.block_number,
            )
        case SignBump():
            return signer.sign_bump(
                asked.raw_tx,
                max_fee_wei=asked.max_fee_wei,
                priority_fee_wei=asked.priority_fee_wei,
                worst_wei=asked.worst_wei,
            )
        case SignCancel():
            return signer.sign_cancel(
                asked.nonce, max_fee_wei=asked.max_fee_wei, priority_fee_wei=asked.priority_fee_wei
            )
