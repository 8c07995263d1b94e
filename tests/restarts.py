"""From kill -9 to trading, by the real command: `python -m tests.restarts [COUNT]` prints what it measured.

An engine trades again once it has taken in a block: what it finds in it, it sends.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.kill_points import living_chain
from tests.scenario.ketch_processes import argv, clean_env


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """One start: seconds from exec to "started" and to the first block, and what of a processor it took until then.

    `waited_s` is how long its main thread was ready and others had the processors, by the kernel's count.
    """

    started_s: float
    trading_s: float
    cpu_s: float
    waited_s: float


@contextmanager
def up(state: Path) -> Iterator[subprocess.Popen[str]]:
    """Run `ketch up` until it is killed."""
    with subprocess.Popen(
        argv("up", "--events", "--profile", "devnet", "--state", state),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env=clean_env(),
    ) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGKILL)


def restart(state: Path) -> Restart:
    """Start, wait for the first block, kill."""
    began, started_s = time.monotonic(), 0.0
    with up(state) as process:
        assert process.stdout is not None
        for line in process.stdout:
            event = json.loads(line)["event"]
            if event == "started":
                started_s = time.monotonic() - began
            elif event == "block":
                trading_s = time.monotonic() - began
                used = psutil.Process(process.pid).cpu_times()
                waited_s = int(Path(f"/proc/{process.pid}/schedstat").read_text("ascii").split()[1]) / 1e9
                cpu_s = used.user + used.system
                return Restart(started_s=started_s, trading_s=trading_s, cpu_s=cpu_s, waited_s=waited_s)
    raise AssertionError("the engine ended before it traded")


def measured(state: Path, count: int, *, seed: int = 7, rivals: int = 2) -> list[Restart]:
    """Begin a state folder on a living chain, and start its engine again as often as asked."""
    with living_chain(state, seed=seed, rivals=rivals):
        restart(state)  # makes the journal, and compiles where that was never done
        return [restart(state) for _ in range(count)]


def told(restarts: list[Restart]) -> str:
    """Say in a line what was measured: p50 and p99 by nearest rank."""

    def ranked(figures: list[float]) -> str:
        ordered = sorted(figures)
        return f"p50 {ordered[(len(ordered) - 1) // 2]:.2f} s, p99 {ordered[-(-len(ordered) * 99 // 100) - 1]:.2f} s"

    return (
        f"{len(restarts)} restarts: exec to trading {ranked([r.trading_s for r in restarts])};"
        f" less its waits for a processor {ranked([r.trading_s - r.waited_s for r in restarts])};"
        f" to started {ranked([r.started_s for r in restarts])}; processor {ranked([r.cpu_s for r in restarts])};"
        f" load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(told(measured(Path(folder), int((sys.argv[1:] or ["20"])[0]))))
