"""A fork server for engines that are to be killed: `python -m tests.engine_nursery STATE`.

It imports and compiles once. For each line on its stdin it forks a process that runs the whole, unmodified engine of
the state folder, says its pid, and says how it ended. Its lines are stamped with the machine's monotonic clock.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import anyio

from engine.app import run_engine
from engine.config import load
from engine.domain.errors import KetchError
from engine.scanning.kernel import warm_up

PR_SET_PDEATHSIG = 1
SHOWN = ("event", "number", "open", "why")


def say(what: dict[str, Any]) -> None:
    """Write one line at once: short enough that a kill never leaves half of it."""
    os.write(1, json.dumps(what).encode() + b"\n")


async def run(state: Path) -> None:
    """Run the engine as `ketch up` does; SIGTERM stops it in order."""
    stop = anyio.Event()

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
            on_event=lambda event: say({n: event[n] for n in SHOWN if n in event} | {"at_ns": time.monotonic_ns()}),
            stop=stop,
            passphrase=lambda: "",
        )
        tasks.cancel_scope.cancel()


def be_the_engine(state: Path) -> None:
    """Run an engine in this process to its end; ends with whoever forked it."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    try:
        anyio.run(run, state)
    except* KetchError as group:
        say({"event": "failed", "why": str(group.exceptions[0])})
        os._exit(1)
    os._exit(0)


def serve(state: Path) -> None:
    """Fork an engine for each line, one at a time."""
    warm_up()
    gc.freeze()
    say({"event": "ready"})
    while sys.stdin.readline():
        pid = os.fork()
        if pid == 0:
            be_the_engine(state)
        say({"event": "forked", "pid": pid, "at_ns": time.monotonic_ns()})
        _, status = os.waitpid(pid, 0)
        say({"event": "ended", "pid": pid, "code": os.waitstatus_to_exitcode(status)})


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
