"""The prior on a real chain: what a rival always takes is left alone for an hour, and a cassette decides the same."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from engine.config import Scan
from engine.config_sources import Source
from engine.devnet.mining import mine
from engine.knowledge.prior import COUNTS_S, Experience
from engine.replay.cassette import Cassette, unpack
from engine.replay.cutting import cassette_of
from engine.replay.recorder import SEGMENT_BLOCKS
from engine.replayed import played
from tests.conftest import LocalChain
from tests.engine_on_chain import GENEROUS, EngineOnChain, close_gap, engine_on, open_gap

pytestmark = pytest.mark.node

ROUNDS = 13
USD = 10_000
BIDS_MUCH = GENEROUS.model_copy(update={"bid_share_ppm": 700_000})


async def beaten(engine: EngineOnChain) -> None:
    """Open a gap, let the engine bid for it, and let a rival close it ahead of everybody."""
    open_gap(engine.chain, usd=USD)
    await engine.block()
    close_gap(engine.chain, usd=USD)
    await engine.block()


def test_what_a_rival_always_takes_is_left_alone_and_a_cassette_from_the_middle_decides_the_same(
    chain: LocalChain, tmp_path: Path
) -> None:
    async def record() -> Cassette:
        async with engine_on(chain, tmp_path, risk=BIDS_MUCH, scan=Scan(prior=True)) as engine:
            loop, sent = engine.parts.loop, 0
            await engine.block(SEGMENT_BLOCKS // 2)  # the tape's second part begins while the prior still learns
            for _ in range(ROUNDS):
                await beaten(engine)
                if loop.measured.left_alone == 0:
                    sent = len(engine.trades())
            assert loop.measured.left_alone > 0, loop.prior.shown()
            assert len(engine.trades()) - sent < sent
            again = Experience(engine.journal)
            again.learn(loop.market.pools)
            assert isinstance(loop.prior, Experience)
            assert again.shown() == loop.prior.shown()
            recorder = engine.parts.recorder
            assert recorder is not None
            taken = recorder.since(loop.market.head.number - 4)
            assert taken is not None
            data = cassette_of(taken, journal_file=engine.state / "journal.sqlite", settings=engine.settings)
            before, alone = len(engine.trades()), loop.measured.left_alone
            later_s = loop.market.head.timestamp_s + COUNTS_S + 1
            mine(chain.rpc, base_fee_wei=chain.profile.base_fee_wei, timestamp_s=later_s)
            await engine.catch_up()
            await beaten(engine)
            assert len(engine.trades()) > before  # evidence that is an hour old does not count
            assert loop.measured.left_alone == alone
            return unpack(data, "a cassette")

    with chain.reverted():
        cassette = anyio.run(record)
    result = anyio.run(played, cassette)
    assert [step.block.number for step in result.steps if not step.identical] == []
    assert result.hash == cassette.recorded[-1].hash
    without = anyio.run(played, cassette, [Source("a try", {"scan": {"prior": False}})])
    assert [step for step in without.steps if len(step.now) > len(step.then)]  # it was the prior that left them alone
