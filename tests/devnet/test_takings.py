"""What bots took of what there was, as the chain tells it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import pytest

from engine.chains.endpoints import open_endpoint
from engine.devnet import accounts
from engine.devnet.calldata import created_address
from engine.devnet.rival_policies import RIVALS
from engine.devnet.takings import Takings, takings
from engine.domain.units import Address, BlockHash
from engine.market.discovery import discover
from engine.market.sync import read_pools
from engine.scanning.available import Available
from engine.venues.deployments import deployments_in
from tests.devnet.rival_ring import Ring

if TYPE_CHECKING:
    from tests.conftest import LocalChain

pytestmark = pytest.mark.node

FLOOR_WEI = 10**13
EAGER = replace(RIVALS[0], notice_ppm=1_000_000, own_usd=500_000)


def _bots(ring: Ring, count: int) -> dict[Address, Address]:
    of = [ring.holders[index] for index in accounts.RIVALS[:count]]
    return {Address(account.lower()): created_address(account, 0) for account in of}


async def _takings(chain: LocalChain, first: int, last: int, bots: dict[Address, Address]) -> Takings:
    deployment = chain.deployment
    async with open_endpoint(chain.node.ws_url) as endpoint:
        before = await endpoint.call("eth_getBlockByNumber", hex(first - 1), False)
        found = await discover(endpoint, deployments_in(deployment.contracts), deployment.start_block, first - 1)
        market = Available(
            await read_pools(endpoint, found, BlockHash(before["hash"])),
            base_tokens=[token.address for token in deployment.tokens],
            max_hops=3,
            native=deployment.native_wrapped,
            gas_price_wei=chain.profile.base_fee_wei,
            floor_wei=FLOOR_WEI,
        )
        return await takings(endpoint, market, native=deployment.native_wrapped, first=first, last=last, bots=bots)


@pytest.fixture
def ring(own_chain: Callable[[int], LocalChain], tmp_path: Path) -> Callable[[Sequence[object]], Ring]:
    return lambda chosen: Ring(own_chain(42161), tmp_path, chosen)  # pyright: ignore[reportArgumentType]


def test_fills_misses_and_bids_are_those_of_the_rivals_own_log_and_nobody_takes_what_was_not_there(
    ring: Callable[[Sequence[object]], Ring],
) -> None:
    mean, generous = (replace(EAGER, name=n, bid_share_ppm=b) for n, b in (("mean", 300_000), ("generous", 600_000)))
    one = ring([mean, generous])
    first = one.head.number + 1
    one.open_gap()
    one.turn()
    entries = {entry["rival"]: entry for entry in one.entries()}
    bots = _bots(one, 2)
    found = anyio.run(partial(_takings, one.chain, first, one.head.number, bots))
    beaten, winner = (found.by_account[account] for account in bots)
    assert (winner.submissions, winner.fills, winner.missed_wei) == (1, 1, 0)
    assert winner.kept_wei == int(entries["generous"]["net_wei"]) > 0
    assert winner.bids_wei > winner.taken_wei // 2
    assert (beaten.submissions, beaten.fills, beaten.taken_wei, beaten.bids_wei) == (1, 0, 0, 0)
    assert beaten.missed_wei == int(entries["mean"]["gas_paid_wei"]) == -beaten.kept_wei
    assert found.stood_wei == 0, "all pools agree at the start"
    assert winner.taken_wei <= found.available_wei == found.risen_wei
    assert winner.taken_wei + found.left_wei >= found.available_wei * 9 // 10, "this gap is two pools' business"


def test_what_nobody_takes_is_left_and_was_available_once(ring: Callable[[Sequence[object]], Ring]) -> None:
    one = ring([])
    first = one.head.number + 1
    one.open_gap()
    for _ in range(3):
        one.turn()
    found = anyio.run(partial(_takings, one.chain, first, one.head.number, {}))
    assert found.blocks == 4
    assert found.left_wei == found.available_wei > 0
    later = anyio.run(partial(_takings, one.chain, first + 1, one.head.number, {}))
    assert (later.stood_wei, later.risen_wei) == (found.left_wei, 0)
