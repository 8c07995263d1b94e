"""A node that is further away than a block takes: it is followed all the same, and traded on."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from engine.chains.endpoints import open_endpoint
from engine.chains.heads import HeadFollower
from engine.clocks import SystemClock
from engine.devnet.delaying import HOST, distant
from engine.domain.events import BlockSeen
from tests.engine_on_chain import engine_on, open_gap
from tests.market_moves import followed

if TYPE_CHECKING:
    from tests.conftest import LocalChain

pytestmark = pytest.mark.node

ROUND_TRIP_S = 1.0
BLOCKS = 16


def test_blocks_that_come_faster_than_a_round_trip_are_followed_without_falling_behind(
    own_chain: Callable[[], LocalChain],
) -> None:
    chain = own_chain()
    seen: list[int] = []

    async def check() -> float:
        async with followed(chain) as here, distant(chain.node.port) as distance:
            first = here.market.head
            async with open_endpoint(f"ws://{HOST}:{distance.port}") as endpoint:
                far = HeadFollower(endpoint, SystemClock(), first, ())
                began = time.monotonic()
                with anyio.fail_after(60):
                    async with anyio.create_task_group() as tasks:

                        async def watch() -> None:
                            async for event in far.events():
                                assert isinstance(event, BlockSeen)
                                seen.append(event.block.number - first.number)
                                if len(seen) == 1:  # it is subscribed: from here on the node is far away
                                    distance.round_trip_s = ROUND_TRIP_S
                                    tasks.start_soon(partial(anyio.to_thread.run_sync, chain.mine, BLOCKS))
                                if len(seen) == 1 + BLOCKS:
                                    tasks.cancel_scope.cancel()

                        tasks.start_soon(watch)
                        await anyio.sleep(0)
                        while not seen:
                            await anyio.to_thread.run_sync(chain.mine)
                return time.monotonic() - began

    took_s = anyio.run(check)
    assert seen[: 1 + BLOCKS] == list(range(1, 2 + BLOCKS))
    assert took_s < BLOCKS * ROUND_TRIP_S / 2, "a round trip for each block, one after the other"


def test_an_engine_that_is_behind_asks_the_node_once_it_has_reached_the_newest_block_and_settles_all_of_it(
    chain: LocalChain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            asked: list[str] = []
            exchange = engine.parts.endpoint._exchange

            async def counted(requests: Sequence[tuple[str, Sequence[Any]]]) -> Any:
                asked.extend(method for method, _ in requests)
                return await exchange(requests)

            open_gap(chain)
            await engine.block()
            (trade,) = engine.trades()
            assert trade.status == "open"
            chain.mine(4)
            header = await engine.parts.endpoint.call("eth_getBlockByNumber", "latest", False)
            *earlier, newest = await engine.parts.follower.advance(header)
            assert len(earlier) == 3
            monkeypatch.setattr(engine.parts.endpoint, "_exchange", counted)
            for event in earlier:
                await engine.parts.loop.process(event)
            assert asked == []
            await engine.parts.loop.process(newest)
            assert {"eth_getTransactionReceipt", "eth_getTransactionCount"} <= set(asked)
            (trade,) = engine.trades()
            assert trade.status == "filled"

    with chain.reverted():
        anyio.run(check)
