"""How a chain orders transactions, as it says itself, and what the engine then bids and how long it waits.

Real here: the node, the calls and their encoding, the engine that trades by the answer. Not real: ArbOS and Timeboost's
auction, small Vyper stand-ins at their addresses (tests/devnet/contracts says what they leave out).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from engine.chains import endpoints
from engine.chains.endpoints import open_endpoint
from engine.chains.ordering import LANE_AUCTIONS, ROUND_S, ChainOrdering, read_ordering
from engine.devnet.calldata import call
from engine.domain.errors import ChainError
from engine.domain.ordering import ASSUMED, Lane
from engine.domain.units import BlockRef, ChainId
from engine.journal.journal import Entry
from tests.conftest import LocalChain
from tests.devnet.test_planning_l1_fee import stand_in
from tests.engine_on_chain import engine_on, head_ref, open_gap

pytestmark = pytest.mark.node

ARBITRUM = ChainId(42161)
ARB_OWNER_PUBLIC = "0x000000000000000000000000000000000000006b"
AUCTION = LANE_AUCTIONS[ARBITRUM]
HOLDER = "0x" + "aa" * 20


def tell(chain: LocalChain, to: str, data: bytes) -> None:
    sender = chain.rpc.call("eth_accounts")[7]
    fees = {"maxFeePerGas": hex(10**12), "maxPriorityFeePerGas": "0x1", "gas": hex(200_000)}
    tx_hash = chain.rpc.call("eth_sendTransaction", {"from": sender, "to": to, "data": "0x" + data.hex(), **fees})
    chain.mine()
    assert chain.rpc.call("eth_getTransactionReceipt", tx_hash)["status"] == "0x1"


def collect_tips(chain: LocalChain, yes: bool) -> None:
    stand_in(chain, "arb_owner_public", ARB_OWNER_PUBLIC)
    tell(chain, ARB_OWNER_PUBLIC, call("set_collects(bool)", yes))


def sell_lane(chain: LocalChain, *, settled_rounds_ago: int = 0) -> int:
    """Put the auction up with rounds of a minute from the epoch on; return the round of the head."""
    stand_in(chain, "express_lane_auction", AUCTION)
    tell(chain, AUCTION, call("set_timing(int64,uint64)", 0, ROUND_S))
    now = head_ref(chain).timestamp_s // ROUND_S
    tell(chain, AUCTION, call("settle(address,uint64)", HOLDER, now - settled_rounds_ago))
    return now


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "REQUEST_TIMEOUT_S", 2.0)


@asynccontextmanager
async def asked(
    chain: LocalChain, chain_id: ChainId = ARBITRUM, declared: Any = "auto"
) -> AsyncIterator[tuple[ChainOrdering, list[dict[str, Any]]]]:
    """Read the ordering as of the head; what it says later, and whom it tells of a change."""
    told: list[dict[str, Any]] = []
    head = head_ref(chain)
    async with open_endpoint(chain.node.ws_url) as endpoint:
        begins = await read_ordering(endpoint, chain_id, declared, head)
        yield ChainOrdering(endpoint, chain_id, declared, told.append, begins=begins, head=head), told


def later(chain: LocalChain, seconds: int) -> BlockRef:
    head = head_ref(chain)
    return replace(head, timestamp_s=head.timestamp_s + seconds)


def test_an_arbitrum_that_collects_tips_sells_its_places(chain: LocalChain) -> None:
    async def check() -> None:
        collect_tips(chain, True)
        async with asked(chain) as (ordering, _):
            found = await ordering.at(head_ref(chain))
            assert (found.kind, found.said_by) == ("priority_fee", "ArbOwnerPublic.getCollectTips")
            assert found.bid_share_ppm(100_000) == 100_000

    with chain.reverted():
        anyio.run(check)


def test_an_arbitrum_that_collects_none_and_sells_no_lane_is_first_come(chain: LocalChain) -> None:
    async def check() -> None:
        collect_tips(chain, False)
        async with asked(chain) as (ordering, _):
            found = await ordering.at(head_ref(chain))
            assert found.kind == "first_come"
            assert found.bid_share_ppm(100_000) == 0
            sell_lane(chain, settled_rounds_ago=61)  # the contract stands, and nobody has bought for an hour
            assert (await ordering.at(later(chain, ROUND_S))).kind == "first_come"

    with chain.reverted():
        anyio.run(check)


def test_the_holder_of_the_lane_is_known_for_its_round_and_no_longer(chain: LocalChain) -> None:
    async def check() -> None:
        now = sell_lane(chain)
        async with asked(chain) as (ordering, told):
            head = replace(head_ref(chain), timestamp_s=now * ROUND_S + 30)
            found = await ordering.at(head)
            assert found.kind == "express_lane"
            assert found.lane == Lane(round=now, holder=HOLDER, ends_s=(now + 1) * ROUND_S)
            assert found.lands_within_blocks == 2  # everybody else waits 200 ms
            assert found.bid_share_ppm(500_000) == 0
            next_round = replace(head, timestamp_s=(now + 1) * ROUND_S)
            after = await ordering.at(next_round)
            assert after.lane == Lane(round=now + 1, holder=None, ends_s=(now + 2) * ROUND_S)
            assert after.lands_within_blocks == 1
            assert told == []  # still the same policy

    with chain.reverted():
        anyio.run(check)


def test_a_vote_that_changes_the_policy_is_noticed_within_a_round_and_said(chain: LocalChain) -> None:
    async def check() -> None:
        collect_tips(chain, False)
        async with asked(chain) as (ordering, told):
            assert (await ordering.at(head_ref(chain))).kind == "first_come"
            tell(chain, ARB_OWNER_PUBLIC, call("set_collects(bool)", True))
            assert (await ordering.at(head_ref(chain))).kind == "first_come"  # asked once a round
            assert (await ordering.at(later(chain, ROUND_S))).kind == "priority_fee"
            assert [(event["event"], event["policy"]) for event in told] == [("ordering", "priority_fee")]

    with chain.reverted():
        anyio.run(check)


def test_an_endpoint_that_refuses_to_tell_again_or_is_gone_leaves_what_was_said(chain: LocalChain) -> None:
    async def check() -> None:
        collect_tips(chain, False)
        async with asked(chain) as (ordering, told):
            chain.rpc.call("anvil_setCode", ARB_OWNER_PUBLIC, "0xfe")  # every call reverts
            assert (await ordering.at(later(chain, ROUND_S))).kind == "first_come"
        assert (await ordering.at(later(chain, 3 * ROUND_S))).kind == "first_come"  # the connection is closed
        assert told == []

    with chain.reverted():
        anyio.run(check)


def test_what_no_chain_says_is_assumed_and_said_to_be(chain: LocalChain) -> None:
    async def check() -> None:
        async with asked(chain) as (ordering, _):
            assert await ordering.at(head_ref(chain)) is ASSUMED
        for known in (1, 10, 8453):
            async with asked(chain, ChainId(known)) as (ordering, _):
                found = await ordering.at(head_ref(chain))
                assert found.kind == "priority_fee"
                assert found.said_by.startswith("known of")

    anyio.run(check)


def test_a_declared_lane_without_an_auction_is_held_by_somebody(chain: LocalChain) -> None:
    async def check() -> None:
        async with asked(chain, declared="express_lane") as (ordering, _):
            found = await ordering.at(head_ref(chain))
            assert (found.kind, found.lane, found.lands_within_blocks) == ("express_lane", None, 2)

    anyio.run(check)


def test_a_chain_that_never_answered_is_an_error_and_no_policy(chain: LocalChain) -> None:
    async def check() -> None:
        async with open_endpoint(chain.node.ws_url) as endpoint:
            pass
        with pytest.raises(ChainError):
            await read_ordering(endpoint, ARBITRUM, "auto", head_ref(chain))

    anyio.run(check)


def bodies(entries: list[Entry]) -> list[dict[str, Any]]:
    return [entry.body for entry in entries]


@pytest.mark.parametrize(
    ("declared", "bids", "deadline_s", "blocks"),
    [("priority_fee", True, 30, 1), ("first_come", False, 10, 1), ("express_lane", False, 10, 2)],
)
def test_the_policy_decides_the_bid_and_the_deadline_of_what_is_sent(
    chain: LocalChain, tmp_path: Path, declared: str, bids: bool, deadline_s: int, blocks: int
) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path, ordering=declared) as engine:
            await engine.block()
            open_gap(chain)
            await engine.block()
            proofs = bodies(list(engine.journal.entries("proof")))
            assert proofs
            for proof in proofs:
                costs = proof["costs"]
                net_before = int(proof["gross_wei"]) - int(costs["gas_units"]) * int(costs["base_fee_wei"])
                share = net_before // 10 // int(costs["gas_units"])
                asked_for = int(costs["least_priority_wei"])
                assert int(costs["priority_fee_wei"]) == max(share if bids else 0, asked_for, 1)
                assert share > asked_for  # or the test could not tell
                block = proof["block"]
                assert int(proof["plan"]["deadline_s"]) == int(block["timestamp_s"]) + deadline_s
            for found in bodies(list(engine.journal.entries("opportunity"))):
                assert int(found["valid_until_block"]) == int(found["stamp"]["block"]["number"]) + blocks
            await engine.block(2)
            assert [trade.status for trade in engine.trades()] == ["filled"] * len(engine.trades())
            assert engine.trades()

    with chain.reverted():
        anyio.run(check)
