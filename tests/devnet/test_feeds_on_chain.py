"""A pool that the block being built has touched is left alone until that block is there: a miss that costs nothing.

Real here: the chain, the engine, the pending transaction and what it logs, the WebSocket and the format. Not real: who
tells of it, a server on this machine that took the logs from a block which was then undone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from engine.chains.feeds.feed import Feed
from engine.chains.heads import decode_logs
from engine.config import FeedTerms
from engine.replay.cassette import unpack
from engine.replay.cutting import cassette_of
from engine.replayed import played
from engine.steering import feed_now
from tests.conftest import LocalChain
from tests.engine_on_chain import EngineOnChain, close_gap, engine_on, head_ref, open_gap
from tests.feed_formats import flashblock, receipt
from tests.feed_server import FeedServer, eventually, feed_server

pytestmark = pytest.mark.node


@asynccontextmanager
async def engine_that_hears(
    chain: LocalChain, state: Path, server: FeedServer, *, hold_back: bool = True
) -> AsyncIterator[tuple[EngineOnChain, Feed]]:
    terms = FeedTerms(kind="flashblocks", url=server.url, hold_back=hold_back)
    async with engine_on(chain, state, feed=terms) as engine:
        follow = engine.parts.follow_feed
        assert follow is not None
        task = asyncio.create_task(follow())
        try:
            await eventually(lambda: bool(server.connections))
            await engine.block()
            yield engine, engine.parts.loop.feed
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def next_block_as_flashblock(chain: LocalChain, payload: str) -> dict[str, Any]:
    """Write what the next block will hold of the mempool, by mining it and undoing that."""
    parent = head_ref(chain)
    snapshot = chain.rpc.call("evm_snapshot")
    number = chain.mine().number
    block = chain.rpc.call("eth_getBlockByNumber", hex(number), False)
    raws: list[bytes] = []
    receipts: dict[str, Any] = {}
    for tx_hash in block["transactions"]:
        raws.append(bytes.fromhex(chain.rpc.call("eth_getRawTransactionByHash", tx_hash)[2:]))
        logs = decode_logs(chain.rpc.call("eth_getTransactionReceipt", tx_hash)["logs"])
        receipts[tx_hash] = receipt(logs)
    assert chain.rpc.call("evm_revert", snapshot) is True
    assert raws
    return flashblock(payload, 0, number, parent_hash=parent.hash, transactions=raws, receipts=receipts)


async def replays_alike(engine: EngineOnChain, *, since: int) -> None:
    """Play what the engine took in once more, where no feed is: what it was told is on the tape."""
    recorder = engine.parts.recorder
    taken = None if recorder is None else recorder.since(since)
    assert taken is not None
    data = cassette_of(taken, journal_file=engine.state / "journal.sqlite", settings=engine.settings)
    cassette = unpack(data, "one")
    assert "feed" not in cassette.settings  # its URL may hold a key
    assert any(logs for item in cassette.items for logs in item.pending) == (engine.parts.loop.held_back > 0)
    result = await played(cassette)
    assert [step.block.number for step in result.steps if not step.identical] == []


@pytest.mark.parametrize("hold_back", [True, False])
def test_an_opportunity_that_a_pending_swap_takes_is_not_traded(
    chain: LocalChain, tmp_path: Path, hold_back: bool
) -> None:
    async def check() -> None:
        async with (
            feed_server() as server,
            engine_that_hears(chain, tmp_path, server, hold_back=hold_back) as (
                engine,
                feed,
            ),
        ):
            open_gap(chain)
            chain.mine()  # the engine has not looked at it yet
            close_gap(chain)
            await server.say(next_block_as_flashblock(chain, "0x01"))
            await eventually(lambda: feed.told.events == 1)
            if chain.rpc.call("txpool_status")["pending"] == "0x0":  # undoing a block may have emptied the pool
                close_gap(chain)
            await engine.catch_up()
            sent = len(engine.trades())
            assert (engine.parts.loop.held_back > 0, sent > 0) == (hold_back, not hold_back)
            await engine.block(2)
            # who did not hear of it was beaten to it, and paid for that
            assert {trade.status for trade in engine.trades()} == (set() if hold_back else {"reverted"})
            shown = feed_now(engine.parts.loop)
            assert (shown["untrue_blocks"], shown["believed"], shown["connected"]) == (0, True, True)
            assert shown["blocks_told"] == 1
            assert shown["lead_ms"]["p50"] > 0
            assert server.url not in str(shown)
            await replays_alike(engine, since=head_ref(chain).number - 2)

    with chain.reverted():
        anyio.run(check)


def test_an_opportunity_that_nothing_pending_touches_is_traded_as_ever(chain: LocalChain, tmp_path: Path) -> None:
    async def check() -> None:
        async with feed_server() as server, engine_that_hears(chain, tmp_path, server) as (engine, feed):
            open_gap(chain)
            await server.say(next_block_as_flashblock(chain, "0x01"))  # the block that opens it, not the one after
            await eventually(lambda: feed.told.events == 1)
            if chain.rpc.call("txpool_status")["pending"] == "0x0":
                open_gap(chain)
            await engine.block(3)
            assert engine.parts.loop.held_back == 0
            assert {trade.status for trade in engine.trades()} == {"filled"}

    with chain.reverted():
        anyio.run(check)


def test_a_feed_that_is_gone_leaves_the_engine_to_its_heads(chain: LocalChain, tmp_path: Path) -> None:
    async def check() -> None:
        async with feed_server() as server, engine_that_hears(chain, tmp_path, server) as (engine, feed):
            open_gap(chain)
            chain.mine()
            await server.say(
                flashblock("0x01", 0, head_ref(chain).number + 1, parent_hash=head_ref(chain).hash, receipts={}),
                "this is no flashblock",
            )
            await eventually(lambda: feed.told.refused == 1)
            await engine.catch_up()
            await engine.block(2)
            assert {trade.status for trade in engine.trades()} == {"filled"}
            assert engine.published("feed")[0]["state"] == "connected"

    with chain.reverted():
        anyio.run(check)
