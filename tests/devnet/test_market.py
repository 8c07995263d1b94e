"""The engine's market against a real chain: discovery, following, gaps, reorgs, and no drift after any of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import anyio
import pytest

from engine.domain.errors import ChainError
from engine.domain.events import BlockSeen, RolledBack
from engine.market.prices import price_tokens
from engine.market.snapshot import Snapshot, compare, load, save
from tests.conftest import LocalChain
from tests.market_moves import followed, pool_of_kind, swap

pytestmark = pytest.mark.node

KINDS = ("constant_product", "concentrated", "weighted", "stable")


def raw(chain: LocalChain, token: str, whole: int) -> int:
    decimals = {t.address: t.decimals for t in chain.deployment.tokens}
    return whole * 10 ** decimals[token]  # type: ignore[index]


def move_all_families(chain: LocalChain, *, forward: bool = True) -> None:
    for trader, kind in enumerate(KINDS, start=1):
        pool = pool_of_kind(chain, kind)
        swap(chain, pool, amount_in=raw(chain, pool.tokens[0 if forward else 1], 1), forward=forward, trader=trader)


def test_discovery_finds_every_pool_that_was_deployed(chain: LocalChain):
    async def found() -> set[str]:
        async with followed(chain) as here:
            assert not await here.drift()
            return set(here.market.pools)

    assert anyio.run(found) == {pool.address for pool in chain.deployment.pools}


def test_follows_swaps_in_every_family_without_drift(chain: LocalChain):
    async def check() -> None:
        async with followed(chain) as here:
            before = dict(here.market.pools)
            move_all_families(chain)
            chain.mine()
            await here.catch_up()
            moved = {d.pool for d in compare(before, here.market.pools)}
            assert moved == {pool_of_kind(chain, kind).address for kind in KINDS}
            assert await here.drift() == []

    with chain.reverted():
        anyio.run(check)


def test_a_dropped_range_of_heads_is_filled_from_the_chain(chain: LocalChain):
    async def check() -> None:
        async with followed(chain) as here:
            for forward in (True, False, True, True, False):
                move_all_families(chain, forward=forward)
                chain.mine()
            events = await here.catch_up()
            numbers = [event.block.number for event in events if isinstance(event, BlockSeen)]
            assert numbers == list(range(numbers[0], numbers[0] + 5))
            assert await here.drift() == []

    with chain.reverted():
        anyio.run(check)


def test_a_header_seen_twice_means_nothing(chain: LocalChain):
    async def check() -> None:
        async with followed(chain) as here:
            assert await here.catch_up() == []
            chain.mine()
            assert len(await here.catch_up()) == 1
            assert await here.catch_up() == []

    with chain.reverted():
        anyio.run(check)


def test_a_reorg_rolls_the_market_back_by_block_hash(own_chain: Callable[[], LocalChain]):
    chain = own_chain()

    async def check() -> None:
        async with followed(chain) as here:
            for forward in (True, True, False):
                move_all_families(chain, forward=forward)
                chain.mine()
                await here.catch_up()
            old = here.market.head
            chain.rpc.call("anvil_reorg", 2, [])
            chain.mine()
            events = await here.catch_up()
            (rolled,) = [event for event in events if isinstance(event, RolledBack)]
            assert [block.number for block in rolled.dropped] == [old.number - 1, old.number]
            assert rolled.dropped[-1] == old
            assert await here.drift() == []

    anyio.run(check)


def test_a_block_that_does_not_follow_is_refused(chain: LocalChain):
    async def check() -> None:
        async with followed(chain) as here:
            chain.mine(2)
            header = await here.endpoint.call("eth_getBlockByNumber", "latest", False)
            events = await here.follower.advance(header)
            with pytest.raises(ChainError, match="does not follow"):
                here.market.apply([event for event in events if isinstance(event, BlockSeen)][-1])

    with chain.reverted():
        anyio.run(check)


def test_a_snapshot_comes_back_as_it_was_saved(chain: LocalChain, tmp_path: Path):
    async def check() -> None:
        async with followed(chain) as here:
            snapshot = Snapshot(here.market.head, dict(here.market.pools))
            save(snapshot, tmp_path / "market.json")
            again = load(tmp_path / "market.json")
            assert again.block == snapshot.block
            assert compare(snapshot.pools, again.pools) == []
            assert again.pools == snapshot.pools

    anyio.run(check)


def test_prices_every_token_near_its_price_at_the_start(chain: LocalChain):
    async def check() -> None:
        async with followed(chain) as here:
            prices = price_tokens(here.market.pools.values(), chain.deployment.native_wrapped)
            native = next(t for t in chain.deployment.tokens if t.address == chain.deployment.native_wrapped)
            for token in chain.deployment.tokens:
                expected = 10**18 * token.usd_cents // native.usd_cents
                assert abs(prices[token.address].wei(10**token.decimals) - expected) <= expected // 50, token.symbol

    anyio.run(check)


@pytest.mark.parametrize("blocks", [1, 3])
def test_a_head_stream_gives_each_block_once_in_order(own_chain: Callable[[], LocalChain], blocks: int):
    chain = own_chain()

    async def check() -> None:
        async with followed(chain) as here:
            first = here.market.head.number
            seen: list[int] = []
            with anyio.fail_after(20):
                async with anyio.create_task_group() as tasks:

                    async def watch() -> None:
                        async for event in here.follower.events():
                            seen.append(event.block.number)  # type: ignore[union-attr]
                            if len(seen) == blocks:
                                tasks.cancel_scope.cancel()

                    tasks.start_soon(watch)
                    await anyio.to_thread.run_sync(partial(chain.mine, blocks))
            assert seen == list(range(first + 1, first + 1 + blocks))

    anyio.run(check)
