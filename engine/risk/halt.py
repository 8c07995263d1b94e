"""The halt file: the one thing that is written around the inbox, so that anyone can stop signing at any moment."""

import json
import os
from contextlib import suppress
from pathlib import Path

from engine.domain.commands import Halt, TradingState
from engine.domain.errors import ControlError, JournalError
from engine.domain.units import BlockRef
from engine.journal.journal import Journal
from engine.journal.records import record_command, record_state

HALT_FILE = "HALT"
_MAX_BYTES = 4_096


def write_halt(state: Path, *, principal: str, reason: str) -> None:
    """Stop all signing from this moment, whoever runs; raises `ControlError` when the file cannot be written.

    A halt that stands already is left as it is: the first reason is the one that counts.
    """
    file = state / HALT_FILE
    try:
        halt = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    except FileExistsError:
        return
    except OSError as fault:
        raise ControlError(
            f"the halt file {file} cannot be written", measured=fault.strerror, next_step="stop the engine's process"
        ) from fault
    try:
        os.write(halt, json.dumps({"principal": principal, "reason": reason}).encode("ascii")[:_MAX_BYTES])
        os.fsync(halt)
    finally:
        os.close(halt)
    _force_names(state)


def _force_names(folder: Path) -> None:
    """Force a folder's list of names to the disk: a file whose name is lost with the power halts nobody."""
    with suppress(OSError):  # a folder that may not be read: the halt stands all the same
        names = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(names)
        finally:
            os.close(names)


def halt_reason(state: Path) -> str | None:
    """Say why signing is halted, or None when it is not. Whatever cannot be told apart from a halt is one."""
    file = state / HALT_FILE
    try:
        os.lstat(file)
    except FileNotFoundError:
        return None if state.is_dir() else f"the state folder {state} is gone"
    except OSError as fault:
        return f"the halt file cannot be looked for: {fault.strerror}"
    try:
        with file.open("rb") as halt:
            said = json.loads(halt.read(_MAX_BYTES))
        return f"{said['reason']} (by {said['principal']})"
    except (OSError, ValueError, TypeError, KeyError):
        return "a halt file stands in the state folder"


def lift_halt(state: Path) -> None:
    """Take the halt file away. Only for a resume whose signature was verified; raises `ControlError` if it stays."""
    file = state / HALT_FILE
    try:
        file.unlink(missing_ok=True)
    except OSError as fault:
        raise ControlError(
            f"the halt file {file} cannot be removed", measured=fault.strerror, next_step="remove it by hand"
        ) from fault


def trading_state(journal: Journal, state: Path) -> TradingState:
    """Read the trading state: HALTED while the halt file stands, else the journal's last word, HALTED without one."""
    last = journal.last("state")
    if last is None or halt_reason(state) is not None:
        return "HALTED"
    match last.body.get("state"):
        case "ACTIVE" | "REDUCING" as known:
            return known
        case _:
            return "HALTED"


def signing_halted(journal: Journal, state: Path) -> str | None:
    """Say why nothing may be signed now, or None: the halt file, else the journal's last word. What a signer asks."""
    if (why := halt_reason(state)) is not None:
        return why
    try:
        last = journal.last("state")
    except JournalError as unreadable:
        return f"the journal's last state cannot be read: {unreadable.what}"
    if last is None:
        return "the journal says nothing of trading yet"
    if last.body.get("state") in ("ACTIVE", "REDUCING"):
        return None
    return f"{last.body.get('reason')} (by {last.body.get('principal')}, in the journal)"


def hold_halt(journal: Journal, state: Path, block: BlockRef) -> None:
    """Write down a halt that was made around the inbox: taking its file away then lifts nothing."""
    reason, last = halt_reason(state), journal.last("state")
    if reason is not None and last is not None and last.body.get("state") != "HALTED":
        record_state(journal, "HALTED", principal="halt file", reason=reason, block=block)


def take_halt(halt: Halt, *, journal: Journal, state: Path, block: BlockRef) -> TradingState:
    """Stop, or reduce, for whoever asks, and return the state after it. A halted engine is not loosened by reducing."""
    if not halt.reducing:
        write_halt(state, principal=halt.principal, reason=halt.reason)
    reduces = halt.reducing and trading_state(journal, state) != "HALTED"
    after: TradingState = "REDUCING" if reduces else "HALTED"
    with journal.transaction():
        record_command(journal, halt)
        record_state(journal, after, principal=halt.principal, reason=halt.reason, block=block)
    return after
