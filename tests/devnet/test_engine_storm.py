"""Whatever happens to an engine, in whatever order, its books are the chain's when it is over.

Gaps that open and are taken by others, transactions that the node drops, reorgs, halts, sweeps, and restarts between
and in the middle of all of them, drawn from a seed.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import anyio
import pytest

from engine.domain.commands import Halt, Resume, Sweep
from engine.domain.errors import ChainError, ControlError
from engine.initialise import LOCAL_PASSPHRASE
from engine.journal.records import open_submissions
from engine.risk.operator import sign_resume
from engine.verify.verify import verify_state
from tests.conftest import LocalChain
from tests.engine_on_chain import EngineOnChain, close_gap, engine_on, open_gap, prepare, settings_of, token_of

pytestmark = pytest.mark.node

LIVES = 5
STEPS_OF_A_LIFE = 9
SETTLED_BLOCKS = 20
"""Between the executor's deployment and the storm: no reorg takes that back."""
DEPLOYMENTS = ("uniswap_v2", "sushi_v2")


class Storm:
    """Everything that can happen, drawn from one seed. `happened` counts what did."""

    def __init__(self, chain: LocalChain, rng: Random) -> None:
        self.chain = chain
        self.rng = rng
        self.happened: Counter[str] = Counter()

    async def step(self, engine: EngineOnChain) -> None:
        """Let one thing happen, and a block after it."""
        what = self.rng.choice((self._gap, self._gap, self._gap, self._rival, self._drop, self._reorg, self._command))
        await what(engine)
        await engine.block()

    def while_nobody_looks(self) -> None:
        """Let the chain go on, or back, between two lives."""
        match self.rng.randrange(3):
            case 0:
                self.chain.mine(self.rng.randint(1, 3))
            case 1:
                self.chain.rpc.call("anvil_reorg", self.rng.randint(1, 2), [])
            case _:
                pass

    async def _gap(self, engine: EngineOnChain) -> None:
        usd = self.rng.randint(20, 70) * 1_000
        open_gap(self.chain, deployment=self.rng.choice(DEPLOYMENTS), usd=usd, trader=self.rng.randint(1, 4))
        self.happened["gap"] += 1

    async def _rival(self, engine: EngineOnChain) -> None:
        close_gap(self.chain, usd=self.rng.randint(10, 60) * 1_000)
        self.happened["rival"] += 1

    async def _drop(self, engine: EngineOnChain) -> None:
        for trade in list(engine.desk.open.values()):
            self.chain.rpc.call("anvil_dropTransaction", trade.submission.tx_hash)
            self.happened["drop"] += 1

    async def _reorg(self, engine: EngineOnChain) -> None:
        self.chain.rpc.call("anvil_reorg", self.rng.randint(1, 3), [])
        self.happened["reorg"] += 1

    async def _command(self, engine: EngineOnChain) -> None:
        commands, head, view = engine.parts.commands, engine.parts.loop.market.head, engine.parts.loop.view
        match self.rng.randrange(4):
            case 0:
                token = token_of(self.chain, self.rng.choice(("WETH", "USDC")))
                try:
                    await commands.take(Sweep(principal="storm", token=token), engine.desk, head, view)
                    self.happened["sweep"] += 1
                except ControlError:
                    self.happened["nothing to sweep"] += 1
            case 1:
                await commands.take(
                    Halt(principal="storm", reason="", reducing=self.rng.random() < 0.7), engine.desk, head, view
                )
                self.happened["halt"] += 1
            case _:
                await commands.take(resume(engine), engine.desk, head, view)
                self.happened["resume"] += 1


def resume(engine: EngineOnChain) -> Resume:
    asked = {
        "journal": next(engine.journal.entries(limit=1)).hash,
        "policy_hash": engine.settings.risk.digest(),
        "expires_s": engine.parts.loop.market.head.timestamp_s + 300,
        "nonce": secrets.token_hex(16),
    }
    return sign_resume(engine.state, LOCAL_PASSPHRASE, principal="storm", **asked)


def check(engine: EngineOnChain) -> None:
    """Hold desk, journal and ledger against each other."""
    on_disk = {s.intent_id: s for s in open_submissions(engine.journal)}
    assert {name: trade.submission for name, trade in engine.desk.open.items()} == on_disk
    held = {name for (name,) in engine.journal.db.execute("SELECT id FROM reservations WHERE held = 1")}
    assert held == {trade.reservation for trade in engine.desk.open.values()} - {None}
    nonces = [int(entry.body["nonce"]) for entry in engine.journal.entries("intent")]
    assert nonces == list(range(len(nonces)))
    assert engine.desk.next_nonce == len(nonces)


async def settle_everything(engine: EngineOnChain) -> None:
    """Halt, and wait until nothing is open."""
    await engine.parts.commands.take(
        Halt(principal="storm", reason="the end"), engine.desk, engine.parts.loop.market.head, engine.parts.loop.view
    )
    with anyio.fail_after(30):
        while engine.desk.open:
            await engine.block()


@pytest.mark.parametrize("seed", range(4))
def test_after_a_storm_the_books_are_the_chains(own_chain: Callable[[], LocalChain], tmp_path: Path, seed: int) -> None:
    chain = own_chain()
    storm = Storm(chain, Random(f"storm {seed}"))

    async def weather() -> None:
        await prepare(chain, tmp_path, settings_of(chain, tmp_path))
        chain.mine(SETTLED_BLOCKS)
        for _ in range(LIVES):
            async with engine_on(chain, tmp_path) as engine:
                check(engine)
                for _ in range(STEPS_OF_A_LIFE):
                    try:
                        await storm.step(engine)
                    except ChainError:  # a reorg past this engine's first block: its daemon would start anew
                        storm.happened["deep reorg"] += 1
                        break
                    check(engine)
            storm.while_nobody_looks()
        async with engine_on(chain, tmp_path) as engine:
            await settle_everything(engine)
            check(engine)
            storm.happened.update(trade.status for trade in engine.trades())

    anyio.run(weather)
    report = verify_state(tmp_path, chain.node.rpc_url)
    assert report.ok, (storm.happened, report.findings)
    assert {"reorg", "gap", "filled"} <= set(storm.happened), storm.happened
