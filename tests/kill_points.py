"""kill -9 at points drawn by lot: an engine of its own process beside a chain that lives, started again each time.

Some kills come at any moment, some while it starts, some as soon as an observer of the journal's file sees an intent.
"""

from __future__ import annotations

import json
import os
import queue
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

from engine.devnet.rpc import Rpc
from engine.verify.report import Report
from engine.verify.verify import verify_state
from tests.chain_and_journal import Accounted, account
from tests.devnet.processes import manifest_in, start_devnet

ROOT = Path(__file__).parents[1]
JOURNAL = "journal.sqlite"
WAIT_S = 60.0
LOOK_S = 0.0002
"""How often the observer looks at the journal's file."""
CHECK_EVERY = 20

Point = Literal["start", "any", "intent"]
POINTS: tuple[tuple[Point, float], ...] = (("start", 0.2), ("any", 0.3), ("intent", 0.5))
"""(when to kill, share of kills). An intent on disk is awaited in half of them; where that lands is measured."""
START_S, ANY_S = 0.8, 1.2
AFTER_INTENT_S = (0.0, 0.002, 0.2)
"""Longest waits after an intent is seen: none, about the time of sending, about a block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """One kill: what it waited for, the open intents on disk after it, and what the chain knew of them then.

    `ready_s` is the time from the fork to the first block taken in; None when it was killed before.
    """

    point: Point
    open: int
    unsent: int
    mined: int
    ready_s: float | None


@dataclass(slots=True, kw_only=True)
class Run:
    """A finished run: every kill, what both checkers say at the end, and how long it took."""

    kills: list[Kill] = field(default_factory=lambda: list[Kill]())
    reports: list[Report] = field(default_factory=lambda: list[Report]())
    accounted: Accounted | None = None
    seconds: float = 0.0

    @property
    def mid_intent(self) -> int:
        """Count the kills that left an intent between its commit and its outcome."""
        return sum(1 for kill in self.kills if kill.open)

    @property
    def unsent(self) -> int:
        """Count the kills that left an intent on disk whose bytes no node had seen."""
        return sum(1 for kill in self.kills if kill.unsent)

    @property
    def findings(self) -> list[str]:
        """List what both checkers found, in words."""
        said = [f"{f.seq} {f.what}: {f.measured}, not {f.expected}" for r in self.reports for f in r.findings]
        return said + list(self.accounted.faults if self.accounted else ())

    def figures(self) -> dict[str, Any]:
        """Say in figures what happened."""
        points = Counter(kill.point for kill in self.kills)
        ready = sorted(kill.ready_s for kill in self.kills if kill.ready_s is not None)
        return {
            "kills": len(self.kills),
            "mid_intent": self.mid_intent,
            "unsent": self.unsent,
            "mined_unwritten": sum(1 for kill in self.kills if kill.mined),
            "points": dict(points),
            "intents": self.accounted.intents if self.accounted else 0,
            "filled": self.accounted.filled if self.accounted else 0,
            "mined": self.accounted.mined if self.accounted else 0,
            "left_open": self.accounted.open if self.accounted else 0,
            "findings": len(self.findings),
            "ready_p50_s": round(ready[len(ready) // 2], 2) if ready else None,
            "seconds": round(self.seconds),
        }


class Nursery:
    """The fork server of one state folder, and the engine that it forked last."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._said: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.pid = 0
        self.forked_ns = 0
        assert process.stdout is not None
        threading.Thread(target=self._read, args=(process.stdout,), daemon=True).start()
        self.await_event("ready")

    def fork(self, fault: dict[str, Any] | None = None) -> None:
        """Start an engine, on a disk that will fail if a fault is given."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(fault) + "\n")
        self._process.stdin.flush()
        said = self.await_event("forked")
        self.pid, self.forked_ns = said["pid"], said["at_ns"]

    def signal(self, number: signal.Signals) -> tuple[int, list[dict[str, Any]]]:
        """Send the engine a signal and wait for its end; return how it ended and what it had said meanwhile."""
        os.kill(self.pid, number)
        return self.ended()

    def ended(self, *, within_s: float = WAIT_S) -> tuple[int, list[dict[str, Any]]]:
        """Wait for the engine's end; return how it ended and what it had said until then."""
        said: list[dict[str, Any]] = []
        deadline = time.monotonic() + within_s
        while not said or said[-1]["event"] != "ended":
            said.append(self._next(deadline - time.monotonic()))
        return said[-1]["code"], said

    def await_event(self, *names: str) -> dict[str, Any]:
        """Wait until one of these is said; fails when the engine ends before."""
        while True:
            said = self._next(WAIT_S)
            if said["event"] in names:
                return said
            assert said["event"] not in ("ended", "failed"), said

    def _next(self, within_s: float) -> dict[str, Any]:
        try:
            return self._said.get(timeout=max(within_s, 0.001))
        except queue.Empty:
            raise AssertionError(f"nothing was said within {within_s:g} s; pid {self.pid}") from None

    def _read(self, lines: IO[str]) -> None:
        for line in lines:
            self._said.put(json.loads(line))


@contextmanager
def living_chain(state: Path, *, seed: int, rivals: int) -> Iterator[Rpc]:
    """Run a local chain with traders and rivals in the state folder."""
    process = start_devnet(state, "--seed", str(seed), "--rivals", str(rivals), "--with-parent")
    try:
        with Rpc(manifest_in(state, process)["rpc"]) as rpc:
            yield rpc
    finally:
        process.terminate()
        process.communicate(timeout=30)


@contextmanager
def nursery(state: Path) -> Iterator[Nursery]:
    """Run a fork server; what it forked ends with it."""
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "tests.engine_nursery", str(state)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Nursery(process)
        finally:
            process.kill()


def run(state: Path, *, kills: int, seed: int, rivals: int = 2) -> Run:
    """Kill an engine as often as asked, start it each time, and have everything checked now and at the end."""
    began, dice, done = time.monotonic(), random.Random(seed), Run()
    state.mkdir(parents=True, exist_ok=True)
    with living_chain(state, seed=seed, rivals=rivals) as rpc, nursery(state) as engines:
        engines.fork()
        engines.await_event("started")
        _, said = engines.signal(signal.SIGKILL)  # not counted: the first start makes the journal
        for number in range(1, kills + 1):
            engines.fork()
            done.kills.append(_kill(state, engines, rpc, dice))
            if number % CHECK_EVERY == 0 and number < kills:
                done.reports.append(_checked_while_it_runs(state, engines, rpc))
        engines.fork()
        engines.await_event("block")
        code, said = engines.signal(signal.SIGTERM)
        assert code == 0, said
        done.reports.append(verify_state(state, rpc.url))
        done.accounted = account(state / JOURNAL, rpc)
    done.seconds = time.monotonic() - began
    return done


def _kill(state: Path, engines: Nursery, rpc: Rpc, dice: random.Random) -> Kill:
    point = dice.choices([name for name, _ in POINTS], [share for _, share in POINTS])[0]
    ready: float | None = None
    if point == "start":
        time.sleep(dice.uniform(0, START_S))
    else:
        first = engines.await_event("block")
        ready = (first["at_ns"] - engines.forked_ns) / 1e9
    if point == "any":
        time.sleep(dice.uniform(0, ANY_S))
    elif point == "intent":
        _await_intent(state / JOURNAL)
        time.sleep(dice.uniform(0, dice.choice(AFTER_INTENT_S)))
    code, said = engines.signal(signal.SIGKILL)
    assert code == -signal.SIGKILL, said
    if not (state / JOURNAL).exists():
        return Kill(point=point, open=0, unsent=0, mined=0, ready_s=ready)
    left = _left_open(state / JOURNAL)
    known = rpc.batch([("eth_getTransactionByHash", [tx_hash]) for tx_hash in left])
    return Kill(
        point=point,
        open=len(left),
        unsent=sum(1 for found in known if found is None),
        mined=sum(1 for found in known if found is not None and found["blockNumber"] is not None),
        ready_s=ready,
    )


def _await_intent(journal: Path) -> None:
    """Watch the file as a stranger until a commit leaves an intent that was not there."""
    newest = "SELECT MAX(seq) FROM intents"
    with closing(sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True, isolation_level=None)) as db:
        before = db.execute(newest).fetchone()
        version, deadline = None, time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            now = db.execute("PRAGMA data_version").fetchone()
            if now != version and db.execute(newest).fetchone() != before:
                return
            version = now
            time.sleep(LOOK_S)
    raise AssertionError(f"no intent within {WAIT_S:g} s")


def _left_open(journal: Path) -> list[str]:
    """Name the first bytes of every intent that has no outcome."""
    with closing(sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True)) as db:
        return [tx_hash for (tx_hash,) in db.execute("SELECT tx_hash FROM intents WHERE status = 'open'")]


def _checked_while_it_runs(state: Path, engines: Nursery, rpc: Rpc) -> Report:
    """Start an engine, check its journal up to the block that it has accounted for, and kill it."""
    engines.fork()
    settled = int(engines.await_event("block")["settled"])
    report = verify_state(state, rpc.url, at_block=settled)
    engines.signal(signal.SIGKILL)
    return report
