"""A fork server for engines that are to be killed: `python -m tests.engine_nursery STATE`.

It imports and compiles once. For each line on its stdin it forks a process that runs the whole, unmodified engine of
the state folder, says its pid, and says how it ended. Its lines are stamped with the machine's monotonic clock.
A line that names a fault, `{"fault": "full", "after": 20}`, has the journal's disk fail once that engine trades.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio

from engine.app import run_engine
from engine.config import load
from engine.domain.errors import KetchError
from engine.execution.wallet import Signer
from engine.journal.journal import JOURNAL_FILE, Journal
from engine.scanning.kernel import warm_up
from tests.disk_faults import FailingDisk, Fault

PR_SET_PDEATHSIG = 1
SHOWN = ("event", "number", "open", "settled", "why")


def say(what: dict[str, Any]) -> None:
    """Write one line at once: short enough that a kill never leaves half of it."""
    os.write(1, json.dumps(what).encode() + b"\n")


def ends_on_a_failing_disk(fault: Fault, after: int) -> Callable[[dict[str, Any]], None]:
    """Have signatures told, and the disk fail from the first block on."""
    opened: list[Journal] = []
    open_journal, sign = Journal.open.__func__, Signer._signed

    def opening(cls: type[Journal], *given: Any, **named: Any) -> Journal:
        opened.append(open_journal(cls, *given, **named))
        return opened[-1]

    def signed(self: Signer, *given: Any, **named: Any) -> bytes:
        made = sign(self, *given, **named)
        say({"event": "signed"})
        return made

    Journal.open, Signer._signed = classmethod(opening), signed
    disk = FailingDisk(fault, after, name=f"{JOURNAL_FILE}-wal", fired=lambda: say({"event": "fault"}))

    def on_event(event: dict[str, Any]) -> None:
        if event["event"] == "block" and opened:
            disk.install(opened.pop().db)

    return on_event


async def run(state: Path, on_event: Callable[[dict[str, Any]], None]) -> None:
    """Run the engine as `ketch up` does; SIGTERM stops it in order."""
    stop = anyio.Event()

    def seen(event: dict[str, Any]) -> None:
        say({n: event[n] for n in SHOWN if n in event} | {"at_ns": time.monotonic_ns()})
        on_event(event)

    async def stop_on_signal() -> None:
        with anyio.open_signal_receiver(signal.SIGTERM) as signals:
            async for _ in signals:
                stop.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stop_on_signal)
        await run_engine(
            load(state, environ={}, given={"profile": "devnet"}),
            state=state,
            trades=None,
            on_event=seen,
            stop=stop,
            passphrase=lambda: "",
        )
        tasks.cancel_scope.cancel()


def be_the_engine(state: Path, plan: dict[str, Any] | None) -> None:
    """Run an engine in this process to its end; ends with whoever forked it."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    on_event = ends_on_a_failing_disk(**plan) if plan else lambda _event: None
    try:
        anyio.run(run, state, on_event)
    except* KetchError as group:
        say({"event": "failed", "why": flat(group)})
        os._exit(1)
    os._exit(0)


def flat(group: BaseExceptionGroup[KetchError]) -> str:
    """Say what failed first, in its one line."""
    first: BaseException = group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    assert isinstance(first, KetchError)
    return first.line()


def serve(state: Path) -> None:
    """Fork an engine for each line, one at a time."""
    warm_up()
    gc.freeze()
    say({"event": "ready"})
    while line := sys.stdin.readline():
        pid = os.fork()
        if pid == 0:
            be_the_engine(state, json.loads(line))
        say({"event": "forked", "pid": pid, "at_ns": time.monotonic_ns()})
        _, status = os.waitpid(pid, 0)
        say({"event": "ended", "pid": pid, "code": os.waitstatus_to_exitcode(status)})


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
