"""A history rewritten whole and consistently, in a folder of the attacker's: the chain alone gives it away."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from random import Random

import anyio
import pytest

from engine.domain.commands import Sweep
from engine.journal.journal import JOURNAL_FILE, Entry, Journal
from engine.verify.report import Report
from engine.verify.verify import verify_state
from tests.agent_engine import AGENT, OPERATOR, engine_on
from tests.conftest import LocalChain
from tests.journal_rewrites import REWRITES, edited, lines_of, place_of, rewritten

pytestmark = pytest.mark.node

Chains = Callable[[int], LocalChain]
REWRITINGS = 60
TRADES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A true state: its folder, its chain, and the index of the last entry that a mined trade's calldata names."""

    state: Path
    rpc: str
    entries: tuple[Entry, ...]
    anchored: int


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Run an engine whose agents trade, one of them with the operator's consent, and sweep."""
    from tests.conftest import local_chain

    chains = local_chain(42161, tmp_path_factory.mktemp("rewrites"))
    chain = next(chains)
    state = chain.manifest_path.parent

    async def trade() -> None:
        names = (f"trade-{number}" for number in count())
        async with engine_on(chain, risk__approval_above_wei=10**24) as here:
            for _ in range(TRADES - 1):
                done = await here.execute(await here.ticket(await here.cycle()), next(names))
                assert done["status"] == "submitted"
                await here.mine(2)
            token = here.composition.journal.genesis["native_wrapped"]
            await here.engine.command(Sweep(principal="cli", token=token))
            await here.mine(2)
        async with engine_on(chain, risk__approval_above_wei=0) as here:
            held = await here.execute(await here.ticket(await here.cycle()), next(names))
            assert held["status"] == "waiting"
            await here.ask("gas")
            approved = await here.ask("approve", await here.signed(held["approval"]), OPERATOR)
            assert approved["status"] == "submitted"
            await here.mine(2)
            await here.ask("halt", {"reason": "the day is done"}, AGENT)

    anyio.run(trade)
    with Journal.read(state / JOURNAL_FILE) as journal:
        entries = tuple(journal.entries())
        (*_, last) = (entry for entry in entries if entry.kind == "intent")
    yield Run(
        state=state,
        rpc=chain.manifest.rpc,
        entries=entries,
        anchored=place_of(entries, last.body["calldata_anchor"]),
    )
    next(chains, None)


def faults(report: Report) -> list[str]:
    return [finding.what for finding in report.findings if finding.level == "fault"]


def told_by_the_chain(report: Report) -> bool:
    """Say whether the chain gave it away, not a mistake of the attacker's."""
    words = (
        "the anchor in the calldata",
        "was used by a transaction that the journal",
        "that the journal does not hold",
    )
    return any(word in fault for fault in faults(report) for word in words)


def test_a_run_with_agents_an_approval_a_sweep_and_calls_is_true_and_anchored_up_to_its_last_trade(run: Run) -> None:
    report = verify_state(run.state, run.rpc)
    assert report.findings == []
    assert report.anchored == run.entries[run.anchored].seq
    assert report.checked["settlements"] == TRADES
    executor = run.entries[0].body["executor"]
    assert verify_state(run.state, run.rpc, executor=executor).ok
    assert "the journal is of another executor" in faults(verify_state(run.state, run.rpc, executor="0x" + "77" * 20))
    assert {"calls", "command", "answer", "intent", "outcome"} <= {entry.kind for entry in run.entries}
    before = {entry.kind for entry in run.entries[: run.anchored + 1]}
    assert {"calls", "command", "answer"} <= before  # calls, approvals and refusals are under the last anchor


def test_every_consistent_rewriting_at_or_before_the_last_anchor_is_found_from_the_chain_alone(
    run: Run, tmp_path: Path
) -> None:
    chance, done = Random(4), Counter[str]()
    lines = lines_of(run.state)
    for number in count():
        name = list(REWRITES)[number % len(REWRITES)]
        at = chance.randint(1 if name != "edited" else 0, run.anchored - (name == "swapped"))
        forged = REWRITES[name](lines, at, chance)
        folder = tmp_path / str(number)
        folder.mkdir()
        if forged is None or forged == lines or not rewritten(folder, forged):
            continue
        report = verify_state(folder, run.rpc)
        assert not report.ok, (name, at)
        assert told_by_the_chain(report) or at == 0, (name, at, run.entries[at].kind, faults(report))
        shutil.rmtree(folder)
        done[name] += 1
        if done.total() >= REWRITINGS:
            break
    assert set(done) == set(REWRITES)


def test_a_history_thrown_away_and_begun_anew_is_found(run: Run, tmp_path: Path) -> None:
    lines = lines_of(run.state)
    for changes in ({}, {"start_block": "1"}, {"start_block": _last_block(run)}, {"operator": "0x" + "77" * 20}):
        folder = tmp_path / repr(changes)[:12].replace("/", "")
        folder.mkdir(exist_ok=True)
        (folder / JOURNAL_FILE).unlink(missing_ok=True)
        assert rewritten(folder, [("genesis", lines[0][1] | changes)])
        found = faults(verify_state(folder, run.rpc))
        assert sum("the executor settled a trade" in fault for fault in found) == TRADES, changes


def test_what_came_after_the_last_anchor_is_not_held_by_the_chain(run: Run, tmp_path: Path) -> None:
    """This is the limit that docs/security.md states."""
    lines = lines_of(run.state)
    at = next(
        n for n, (kind, body) in enumerate(lines) if kind == "command" and body.get("reason") == "the day is done"
    )
    assert at > run.anchored
    for seed in range(100):
        forged = edited(lines, at, Random(seed))
        if forged is not None and forged[at][1]["reason"] != "the day is done":
            break
    else:
        pytest.fail("the reason was never edited")
    assert rewritten(tmp_path, forged)
    report = verify_state(tmp_path, run.rpc)
    assert report.ok
    assert report.anchored < at


def _last_block(run: Run) -> str:
    return max((e.body["block"]["number"] for e in run.entries if e.kind == "outcome"), key=int)
