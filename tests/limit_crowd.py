"""Many principals in several processes on one journal: each asks, ends, takes back and misdates trades at random.

Run as a program it is one of the processes; it writes a byte for each call, and may be killed at any of them.
"""

import os
import random
import selectors
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.domain.outcome import Filled, Outcome, Reorged, Replaced, Reverted
from engine.domain.units import BlockRef
from engine.journal.journal import Journal
from engine.journal.records import record_state
from engine.risk.halt import lift_halt, trading_state
from engine.risk.limits import LimitLedger
from engine.risk.policy import Policy
from engine.risk.review import review
from engine.verify.history import read_history
from engine.verify.intents import check_tables
from engine.verify.limits import check_limits
from engine.verify.lineage import trace
from engine.verify.report import Report
from tests.unit import journal_stubs as stub

POLICY = Policy(
    max_notional_wei=2 * 10**18,
    gas_budget_per_day_wei=9 * 10**15,
    max_loss_per_day_wei=5 * 10**15,
    max_open_intents=24,
    max_notional_per_day_wei=60 * 10**18,
    max_notional_per_token_per_day_wei=45 * 10**18,
    max_notional_per_venue_per_day_wei=40 * 10**18,
    max_exposure_wei=4 * 10**18,
    halt_at_loss_share_ppm=900_000,
    halt_at_losses_in_a_row=9,
    max_trades_per_minute=40,
    agent_trades_per_minute=5,
    agent_notional_per_day_wei=6 * 10**18,
    agent_gas_per_day_wei=10**15,
    agents_gas_per_day_wei=7 * 10**15,
)
GENESIS: dict[str, Any] = stub.GENESIS | {"policy": POLICY.model_dump(), "policy_hash": POLICY.digest()}
VENUES = ("uniswap_v2", "uniswap_v3", "balancer_v2", "sushiswap")
SILENCE_S = 30.0


class Caller:
    """One process: a few principals on the shared journal, and dice."""

    def __init__(self, path: Path, dice: random.Random, principals: list[str]) -> None:
        self.dice = dice
        self.principals = principals
        self.journal = Journal.open(path)
        self.ledger = LimitLedger(self.journal)

    def block(self) -> BlockRef:
        """The chain goes on from the ledger's time; now and then its timestamp lies."""
        known = dict(self.journal.rows("SELECT name, value FROM ledger"))
        number, time_s = known.get("block", 10**6), known.get("time_s", 1_800_000_000)
        step = self.dice.choice((0, 1, 2, 15, 30, 30)) if self.dice.random() < 0.96 else 30_000
        lie = self.dice.choice((-86_400, -500, 86_400, 10**9)) if self.dice.random() < 0.05 else 0
        return stub.block(number + step, time_s + step + lie)

    def ask(self) -> str:
        dice, who, at = self.dice, self.dice.choice(self.principals), self.block()
        origin = "engine" if who == "engine" else "agent"
        request = replace(stub.request(), principal=who, origin=origin, route=stub.ROUTE)
        venues = tuple(dice.sample(VENUES, 2))
        plan = replace(stub.proof().plan, request=request, capital=dice.choice(("own", "balancer")), deployments=venues)
        proof = stub.proof(plan=plan, block=at, notional_wei=dice.randrange(2 * 10**18 + 2))
        proof = replace(proof, costs=replace(proof.costs, base_fee_wei=dice.randrange(10**8, 10**9)))
        state = trading_state(self.journal, self.journal.path.parent)
        decision = review(
            proof, policy=POLICY, ledger=self.ledger, state=state, head=at, stamp=stub.stamp("d", "p", at=at)
        )
        return getattr(decision, "rule", "approved")

    def end(self) -> str:
        marks = ",".join("?" * len(self.principals))
        query = f"SELECT id, worst_wei FROM reservations WHERE held = 1 AND principal IN ({marks}) ORDER BY seq"
        held = self.journal.rows(query, *self.principals)
        if not held:
            return "nothing to end"
        name, worst = self.dice.choice(held)
        gas, at = self.dice.randrange(int(worst) + 1), self.block()
        how = self.dice.choice("fffrxu")
        if how == "u":
            self.ledger.release_unused(name, block=at)
            return "unused"
        outcome: Outcome = Replaced(intent_id="i", by=None)
        if how == "f":
            realised = self.dice.randrange(10**14)
            outcome = Filled(intent_id="i", block=at, token=stub.WETH, realised=realised, gas_used=1, gas_paid_wei=gas)
        elif how == "r":
            outcome = Reverted(intent_id="i", block=at, reason="", gas_used=1, gas_paid_wei=gas)
        self.ledger.release(name, outcome)
        return type(outcome).__name__

    def take_back(self) -> str:
        marks = ",".join("?" * len(self.principals))
        query = f"SELECT id FROM reservations WHERE how IN ('filled', 'reverted') AND principal IN ({marks})"
        ended = self.journal.rows(f"{query} ORDER BY ended_seq DESC LIMIT 4", *self.principals)
        if not ended:
            return "nothing to take back"
        self.ledger.release(self.dice.choice(ended)[0], Reorged(intent_id="i", block=self.block()))
        return "Reorged"

    def resume(self) -> str:
        folder = self.journal.path.parent
        if trading_state(self.journal, folder) != "HALTED":
            return "nothing to resume"
        record_state(self.journal, "ACTIVE", principal="cli", reason="test", block=self.block())
        lift_halt(folder)
        return "resumed"

    def look(self) -> str:
        _ = self.ledger.book(self.block())
        return "looked"

    def call(self) -> str:
        does = self.dice.choices((self.ask, self.end, self.take_back, self.look, self.resume), (48, 34, 2, 6, 10))[0]
        return does()


def main(path: str, seed: str, first: str, count: str) -> None:
    """Call until killed; a byte on stdout for each call, the first letter of what became of it."""
    names = [f"mcp-{number}" if number else "engine" for number in range(int(first), int(first) + int(count))]
    caller = Caller(Path(path), random.Random(seed), names)
    while True:
        said = caller.call()
        os.write(1, b"A" if said == "approved" else b"h" if said == "trading state" else b".")


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """What a run came to."""

    calls: int
    approved: int
    kills: int
    seconds: float
    report: Report
    ends: Counter[str]


def run(folder: Path, *, calls: int, processes: int, each: int, kills: int, seed: int) -> Crowd:
    """Let the processes make `calls` calls in all, killing one at a time at random moments; then check the journal."""
    path, dice, began = folder / "journal.sqlite", random.Random(seed), time.monotonic()
    with Journal.open(path, genesis=GENESIS) as journal:
        record_state(journal, "ACTIVE", principal="local", reason="test", block=stub.block())
    made: Counter[str] = Counter()
    killed = 0
    at = sorted(dice.randrange(calls) for _ in range(kills))
    with selectors.DefaultSelector() as ready:
        for number in range(processes):
            _start(path, number, each, seed, ready)
        try:
            while made.total() < calls:
                heard = ready.select(timeout=SILENCE_S)
                assert heard, f"no call in {SILENCE_S} s"
                for key, _ in heard:
                    said = os.read(key.fd, 4096)
                    assert said, f"process {key.data[0]} ended by itself: {key.data[1].wait()}"
                    made.update(said.decode())
                if at and made.total() >= at[0]:
                    at.pop(0)
                    killed += 1
                    key = dice.choice(list(ready.get_map().values()))
                    ready.unregister(key.fileobj)
                    _kill(key.data[1])
                    _start(path, key.data[0], each, seed + 1_000 * killed, ready)
        finally:
            for key in list(ready.get_map().values()):
                _kill(key.data[1])
    seconds = time.monotonic() - began
    report, ends = check(path)
    return Crowd(calls=made.total(), approved=made["A"], kills=killed, seconds=seconds, report=report, ends=ends)


def check(path: Path) -> tuple[Report, Counter[str]]:
    """Hold a journal against its caps with the checker's own code; also count how its reservations ended."""
    report = Report()
    history = read_history(path, report)
    lineage = trace(history, Report())  # these reservations have no intents
    check_tables(history, lineage, report)
    check_limits(history, lineage.genesis, report)
    ends = Counter(row.body["how"] for row in history.rows if row.kind == "release")
    ends.update(f"{row.body['state']}" for row in history.rows if row.kind == "state")
    ends["days"] = len({row.body["day"] for row in history.rows if row.kind == "reservation"})
    ends["principals"] = len({row.body["principal"] for row in history.rows if row.kind == "reservation"})
    return report, ends


def _start(path: Path, number: int, each: int, seed: int, ready: selectors.BaseSelector) -> None:
    command = [sys.executable, "-m", "tests.limit_crowd", str(path), str(seed + number), str(number * each), str(each)]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[1], stdout=subprocess.PIPE)
    assert process.stdout is not None
    ready.register(process.stdout, selectors.EVENT_READ, (number, process))


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        main(*sys.argv[1:5])
