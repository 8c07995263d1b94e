"""Pools are found by what was swapped lately, and believed when their factory says so."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.chain_actions import head_of
from engine.chains.endpoints import open_endpoint
from engine.chains.public import open_public
from engine.devnet.calldata import call
from engine.domain.errors import ChainError
from engine.domain.units import ChainId
from engine.market.discovery import Found, discover
from engine.market.pools_in_use import in_use
from engine.venues.deployments import Deployment, deployments_in
from tests.conftest import LocalChain
from tests.engine_on_chain import open_gap
from tests.market_moves import pool_of_kind, swap
from tests.paper_on_chain import paper_folder, paper_on, stand_in_for_arbitrum
from tests.public_node import Weather, public_node

pytestmark = pytest.mark.node

KINDS = ("constant_product", "concentrated", "weighted", "stable")
NOWHERE = "0x" + "5e" * 20


@pytest.fixture
def busy(chain: LocalChain) -> Iterator[LocalChain]:
    """The shared chain with a swap in one pool of each family, undone at the end."""
    with chain.reverted():
        for kind in KINDS:
            pool = pool_of_kind(chain, kind)
            decimals = {token.address: token.decimals for token in chain.deployment.tokens}[pool.tokens[0]]
            swap(chain, pool, amount_in=10**decimals // 100)
            chain.mine()
        yield chain


def found_on(chain: LocalChain, *, window: int = len(KINDS), most: int = 40) -> list[Found]:
    """Look for pools in use over an endpoint that gives logs of two blocks at once."""

    async def ask(url: str) -> list[Found]:
        async with open_public(url) as endpoint:
            head = await head_of(endpoint, ChainId(chain.manifest.chain_id))
            known = deployments_in(chain.manifest.deployments)
            return await in_use(endpoint, known, head, window_blocks=window, max_pools=most)

    with public_node(chain.node.rpc_url, Weather(most_log_blocks=2)) as node:
        return asyncio.run(ask(node.http))


def announced(chain: LocalChain) -> dict[str, Found]:
    """List what the factories announced, by address."""

    async def ask() -> list[Found]:
        async with open_endpoint(chain.node.ws_url) as endpoint:
            head = await head_of(endpoint, ChainId(chain.manifest.chain_id))
            return await discover(endpoint, deployments_in(chain.manifest.deployments), 0, head.number)

    return {one.address: one for one in asyncio.run(ask())}


def test_what_was_swapped_lately_is_found_as_its_factory_announced_it(busy: LocalChain) -> None:
    found = {one.address: one for one in found_on(busy)}
    assert found.keys() == {pool_of_kind(busy, kind).address for kind in KINDS}
    known = announced(busy)
    assert found == {address: known[address] for address in found}


def test_a_window_that_is_too_short_finds_nothing_and_says_what_to_do(busy: LocalChain) -> None:
    busy.mine(3)
    with pytest.raises(ChainError, match="no pool of a known factory") as refusal:
        found_on(busy, window=2)
    assert "pools.window_blocks" in refusal.value.next_step


def test_the_busiest_come_first_and_no_more_than_wanted(busy: LocalChain) -> None:
    pool = pool_of_kind(busy, "concentrated")
    swap(busy, pool, amount_in=10**15)
    busy.mine()
    (found,) = found_on(busy, window=len(KINDS) + 1, most=1)
    assert found.address == pool.address


def test_a_contract_that_claims_to_be_our_factorys_is_not_believed(busy: LocalChain) -> None:
    """A pair's own code at another address, its factory and tokens copied: it emits what a pair does."""
    pair = pool_of_kind(busy, "constant_product").address
    rpc = busy.rpc
    rpc.call("anvil_setCode", NOWHERE, rpc.call("eth_getCode", pair, "latest"))
    for slot in range(13):
        rpc.call("anvil_setStorageAt", NOWHERE, hex(slot), rpc.call("eth_getStorageAt", pair, hex(slot), "latest"))
    sender = rpc.call("eth_accounts")[1]
    fees = {"maxFeePerGas": hex(10**11), "maxPriorityFeePerGas": "0x1", "gas": hex(200_000)}
    rpc.call("eth_sendTransaction", {"from": sender, "to": NOWHERE, "data": "0x" + call("sync()").hex(), **fees})
    busy.mine()
    receipts = rpc.call("eth_getBlockReceipts", "latest")
    assert [log["address"] for receipt in receipts for log in receipt["logs"]] == [NOWHERE]
    assert NOWHERE not in {one.address for one in found_on(busy, window=len(KINDS) + 1)}


def test_a_paper_engine_without_a_start_block_trades_what_is_in_use(busy: LocalChain, tmp_path: Path) -> None:
    stand_in_for_arbitrum(busy.rpc)
    state = paper_folder(tmp_path, busy.manifest_path, rpc=busy.node.rpc_url)
    file = state / "ketch.toml"
    file.write_text(file.read_text().replace("start_block = 1", "pools.window_blocks = 10"))
    open_gap(busy)
    busy.mine()

    async def run() -> None:
        async with paper_on(busy, state) as engine:
            assert set(engine.parts.loop.market.pools) < set(announced_pools)
            await engine.block(2)
            assert [trade.status for trade in engine.trades()] == ["filled"]

    announced_pools = announced(busy)
    asyncio.run(run())


def test_only_factories_that_are_named_count(busy: LocalChain) -> None:
    others: list[Deployment] = [
        replace(one, factory=one.factory[:-2] + "00")  # pyright: ignore[reportArgumentType]
        for one in deployments_in(busy.manifest.deployments)
        if one.kind == "uniswap_v2"
    ]

    async def ask() -> None:
        async with open_endpoint(busy.node.ws_url) as endpoint:
            head = await head_of(endpoint, ChainId(busy.manifest.chain_id))
            await in_use(endpoint, others, head, window_blocks=10, max_pools=10)

    with pytest.raises(ChainError, match="no pool of a known factory"):
        asyncio.run(ask())
