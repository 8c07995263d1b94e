"""A live engine and one on paper, on one local chain with rivals; the one on paper behind an endpoint in foul weather.

What is compared, and why. Paper moves no market and the live engine does, so both watch the same chain, on which the
live one's trades land. (1) Every trade that the live engine sent is decided on paper too: its very bytes, against the
block that mined it. (2) The trades that both made of their own, of the same block and route, are held side by side.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.chains.overlay import Overlay
from engine.chains.public import open_public
from engine.config_sources import LOCAL_LIMITS
from engine.devnet.rpc import Rpc
from engine.domain.decision import Outstanding
from engine.domain.outcome import Filled, Reverted
from engine.domain.units import Address, ChainId
from engine.execution.simulated import PaperMonitor
from engine.journal.canonical import Body
from engine.journal.journal import JOURNAL_FILE, Journal
from engine.journal.papered import ENDS
from engine.journal.records import read_attempts, read_outcome, read_submission
from engine.journal.trades import trades
from engine.planning.costs import choose_l1_model
from tests.devnet.processes import eventually
from tests.paper_on_chain import paper_folder, stand_in_for_arbitrum
from tests.public_node import Weather, public_node
from tests.scenario.ketch_processes import result, started, wait_for_engine

PPM = 1_000_000
END_S = 120.0
ALONE = {"KETCH_ARCHIVE__RUN": "false"}
"""Two engines on one machine are enough."""
FOUL = Weather(
    latency_s=0.01, jitter_s=0.02, per_second=25, burst=25, drop_ppm=10_000, behind_ppm=20_000, most_log_blocks=2
)
"""10 to 30 ms, 25 requests a second, a message in 100 lost, a question in 50 to a node behind, logs by two blocks."""

Money = Counter[str]
"""Raw units by token."""


@dataclass(slots=True, kw_only=True)
class Beside:
    """What a run came to. `blocks` are the numbers that the engine on paper took in, `weather` what it met.

    `earned` is what the live engine's trades realised, `on_paper` what paper says of those very trades, by end; `agree`
    of `mined` have the same status where its fee puts them. `both_*` are of trades that both engines made.
    """

    blocks: list[int] = field(default_factory=list[int])
    reorgs: int = 0
    drift: dict[str, Any] = field(default_factory=dict[str, Any])
    verify: dict[str, Any] = field(default_factory=dict[str, Any])
    weather: Counter[str] = field(default_factory=Counter[str])
    live: dict[str, Any] = field(default_factory=dict[str, Any])
    paper: dict[str, Any] = field(default_factory=dict[str, Any])
    mined: int = 0
    agree: int = 0
    earned: Money = field(default_factory=Money)
    on_paper: dict[str, Money] = field(default_factory=lambda: {end: Money() for end in ENDS})
    both: int = 0
    both_earned: Money = field(default_factory=Money)
    both_on_paper: Money = field(default_factory=Money)

    def figures(self) -> dict[str, Any]:
        """Give the figures that a run is reported by."""
        return {
            "blocks": len(self.blocks),
            "weather": dict(self.weather),
            "live": {n: self.live[n] for n in ("submitted", "filled", "reverted", "net_profit_wei")},
            "paper": {n: self.paper[n] for n in ("submitted", "filled", "reverted")},
            "paper_ends": self.paper["on_paper"],
            "own trades on paper": {"mined": self.mined, "agree": self.agree}
            | {f"{end} off ppm": most_off_ppm(self.on_paper[end], self.earned) for end in ENDS},
            "made by both": {"trades": self.both, "off ppm": most_off_ppm(self.both_on_paper, self.both_earned)},
        }


def most_off_ppm(found: Mapping[str, int], earned: Mapping[str, int]) -> int:
    """Return the largest difference of any token, in millionths of what was earned of it."""
    off = [abs(found.get(t, 0) - earned.get(t, 0)) * PPM // max(earned.get(t, 0), 1) for t in {*found, *earned}]
    return max(off, default=0)


def run_beside(
    folder: Path, *, seconds: float, seed: int, rivals: int, block_ms: int, weather: Weather = FOUL
) -> Beside:
    """Run chain, live engine and paper engine for so long, then hold one against the other."""
    live, paper, manifest = folder / "live", folder / "paper", folder / "live" / "devnet.json"
    pace = ("--block-time-ms", str(block_ms), "--rivals", str(rivals), "--seed", str(seed))
    with started("devnet", "--chain", "arbitrum", *pace, "--state", live):
        assert eventually(manifest.exists, END_S)
        url: str = json.loads(manifest.read_text())["rpc"]
        with Rpc(url) as rpc:
            stand_in_for_arbitrum(rpc)
        with (
            public_node(url, weather) as node,
            started("up", "--profile", "devnet", "--no-mcp", "--json", "--state", live, environment=ALONE) as live_up,
        ):
            wait_for_engine(live, live_up)
            paper_folder(paper, manifest, rpc=node.http, risk=LOCAL_LIMITS)
            watched = ("--no-mcp", "--events", "--json", "--state", paper)
            with started("up", "--profile", "paper", *watched, environment=ALONE) as paper_up:
                said = Listening(paper_up)
                wait_for_engine(paper, paper_up)
                time.sleep(seconds)
                drift = result("doctor", "--drift", "--state", paper)
                paper_up.terminate()
                events = said.all()
            found = Beside(drift=drift, weather=node.did, paper=events[-1])
            found.live = result("status", "--state", live)["totals"]
            found.blocks = [event["number"] for event in events if event.get("event") == "block"]
            found.reorgs = sum(event.get("event") in ("reorg", "chain lost") for event in events)
            found.verify = result("verify", "--rpc", url, "--state", paper)
            asyncio.run(
                _decide_the_live(url, live, folder / "decided.sqlite", found)
            )  # while the node keeps its states
            _hold_side_by_side(live, paper, found)
    return found


class Listening:
    """Everything that a process prints as JSON, a line each, read while it runs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lines: list[str] = []
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def all(self) -> list[dict[str, Any]]:
        """Wait for the end, and return what was printed."""
        self._thread.join(END_S)
        assert not self._thread.is_alive()
        return [json.loads(line) for line in self._lines]

    def _read(self) -> None:
        assert self._process.stdout is not None
        self._lines.extend(self._process.stdout)


async def _decide_the_live(url: str, live: Path, scratch: Path, found: Beside) -> None:
    """Decide each mined trade of the live engine on paper, by its own executor on the chain, and add both up."""
    async with open_public(url) as endpoint:
        with Journal.read(live / JOURNAL_FILE) as journal:
            operator, executor = Address(journal.genesis["operator"]), Address(journal.genesis["executor"])
            chain = ChainId(int(journal.genesis["chain_id"]))
            ends = _ends(journal)
        with Journal.open(scratch, genesis={**_IDENTITY, "paper": True}) as decided:
            overlay = Overlay(endpoint, accounts={}, operator=operator, count=lambda: 0)
            monitor = PaperMonitor(
                overlay,
                chain=chain,
                executor=executor,
                operator=operator,
                journal=decided,
                l1=await choose_l1_model(endpoint, chain, local=True),
                counts="placed",
                places_sold=True,
            )
            for outcome, group in _by_block(ends):
                await monitor.outcomes(group, outcome.block)
            said = {entry.body["intent_id"]: entry.body for entry in decided.entries("paper")}
    _add_up(ends, said, found)


def _add_up(ends: Sequence[tuple[Outstanding, Filled | Reverted]], said: Mapping[str, Body], found: Beside) -> None:
    for one, outcome in ends:
        body = said[one.submission.intent_id]
        assert not body["undecided"], body
        found.mined += 1
        found.agree += body["placed"]["ok"] is isinstance(outcome, Filled)
        if isinstance(outcome, Filled):
            found.earned[outcome.token] += outcome.realised
        for end in ENDS:
            if body[end]["ok"]:
                found.on_paper[end][body["token"]] += int(body[end]["realised"])


def _ends(journal: Journal) -> list[tuple[Outstanding, Filled | Reverted]]:
    """List the live engine's trades that were mined, each as the bytes that were mined, sent for that very block."""
    attempts = read_attempts(journal)
    routed = {trade.id for trade in trades(journal) if trade.route}
    sent = {e.body["intent_id"]: read_submission(e) for e in journal.entries("intent")}
    ends: list[tuple[Outstanding, Filled | Reverted]] = []
    for entry in journal.entries("outcome"):
        outcome = read_outcome(entry)
        if not isinstance(outcome, Filled | Reverted) or outcome.intent_id not in routed:
            continue
        first = sent[outcome.intent_id]
        raws = {first.tx_hash: first.raw_tx} | {a.tx_hash: a.raw_tx for a in attempts.get(first.intent_id, ())}
        tx_hash = outcome.tx_hash or first.tx_hash
        before = outcome.block.number - 1
        mined = replace(first, raw_tx=raws[tx_hash], tx_hash=tx_hash, submitted_block=before)
        ends.append((Outstanding(submission=mined), outcome))
    return ends


def _by_block(
    ends: Sequence[tuple[Outstanding, Filled | Reverted]],
) -> list[tuple[Filled | Reverted, list[Outstanding]]]:
    """Group trades by the block that mined them."""
    blocks: dict[int, tuple[Filled | Reverted, list[Outstanding]]] = {}
    for one, outcome in ends:
        blocks.setdefault(outcome.block.number, (outcome, []))[1].append(one)
    return [blocks[number] for number in sorted(blocks)]


def _hold_side_by_side(live: Path, paper: Path, found: Beside) -> None:
    """Pair the trades that both engines sent after the same block over the same route, where the live one's filled."""
    made: list[dict[tuple[int, Any], Any]] = []
    for folder in (live, paper):
        with Journal.read(folder / JOURNAL_FILE) as journal:
            after = {e.body["intent_id"]: int(e.body["submitted_block"]) for e in journal.entries("intent")}
            made.append({(after[trade.id], trade.route): trade for trade in trades(journal) if trade.route})
            said = {e.body["intent_id"]: e.body for e in journal.entries("paper")}
    of_live, of_paper = made
    for key in of_live.keys() & of_paper.keys():
        real, body = of_live[key], said.get(of_paper[key].id)
        if real.status == "filled" and body is not None and not body["undecided"]:
            found.both += 1
            found.both_earned[real.token] += real.realised
            found.both_on_paper[real.token] += int(body["optimistic"]["realised"])


_IDENTITY = dict.fromkeys(("executor", "treasury", "operator", "operator_secret"), "0x" + "00" * 20) | {
    "chain_id": "42161"
}
