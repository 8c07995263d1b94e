"""The rivals: they take what is there, the highest bid is first, and their log is what the chain says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.devnet import accounts
from engine.devnet.calldata import call
from engine.devnet.rival_policies import RIVALS, RivalPolicy, policies
from engine.devnet.traders import Traders
from engine.domain.errors import DevnetError
from engine.domain.units import Address
from tests.devnet.rival_ring import BLOCK_MS, Ring

if TYPE_CHECKING:
    from tests.conftest import LocalChain

pytestmark = pytest.mark.node

BLOCKS = 60
EAGER = replace(RIVALS[0], notice_ppm=1_000_000, own_usd=500_000)
"""The first rival, awake at every block and rich."""


@pytest.fixture
def ring(own_chain: Callable[[int], LocalChain], tmp_path: Path) -> Callable[..., Ring]:
    """Provide `ring(chosen, seed=7)`: a fresh chain with these rivals on it."""

    def start(chosen: Sequence[RivalPolicy], seed: int = 7) -> Ring:
        folder = tmp_path / f"ring-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        return Ring(own_chain(42161), folder, chosen, seed)

    return start


def traders_on(chain: LocalChain, seed: int) -> Traders:
    holders = [Address(address) for address in chain.rpc.call("eth_accounts")]
    return Traders(
        chain.rpc,
        chain.deployment,
        [holders[index] for index in accounts.TRADERS],
        seed=seed,
        block_time_ms=BLOCK_MS,
        base_fee_wei=chain.profile.base_fee_wei,
    )


def test_a_rival_takes_an_opened_gap_in_the_next_block(ring: Callable[..., Ring]) -> None:
    one = ring([EAGER])
    pool = one.open_gap()
    opened = one.head.number
    one.turn()
    (entry,) = one.entries()
    assert (entry["rival"], entry["status"]) == (EAGER.name, "filled")
    assert (int(entry["seen_block"]), int(entry["block"])) == (opened, opened + 1)
    assert int(entry["net_wei"]) > 0
    assert pool.address in {hop[0] for hop in entry["route"]}
    assert len(entry["route"]) == 2
    one.turn()
    assert len(one.entries()) == 1  # nothing is left of the gap


def test_nothing_is_sent_into_a_market_without_a_gap(ring: Callable[..., Ring]) -> None:
    one = ring([EAGER])
    for _ in range(3):
        one.turn()
    assert one.entries() == []


def test_the_highest_bid_is_first_and_who_is_beaten_pays_for_a_revert(ring: Callable[..., Ring]) -> None:
    mean, generous = (replace(EAGER, name=n, bid_share_ppm=b) for n, b in (("mean", 300_000), ("generous", 600_000)))
    one = ring([mean, generous])  # the mean one's transaction arrives first
    one.open_gap()
    one.turn()
    entries = {entry["rival"]: entry for entry in one.entries()}
    assert (entries["generous"]["status"], entries["mean"]["status"]) == ("filled", "reverted")
    places = {name: int(one.receipt(entry)["transactionIndex"], 16) for name, entry in entries.items()}
    assert places == {"generous": 0, "mean": 1}
    assert int(entries["mean"]["realised"]) == 0
    assert int(entries["mean"]["net_wei"]) == -int(entries["mean"]["gas_paid_wei"]) < 0


def test_who_is_a_block_late_acts_on_what_it_saw_then(ring: Callable[..., Ring]) -> None:
    late = replace(EAGER, name="late", latency_ms=BLOCK_MS + 50)
    one = ring([late])
    one.open_gap()
    opened = one.head.number
    one.turn()
    assert one.entries() == []
    one.turn()
    (entry,) = one.entries()
    assert (int(entry["seen_block"]), int(entry["block"])) == (opened, opened + 2)
    one.turn()  # it has not seen its own trade yet, and does not send it twice
    assert len(one.entries()) == 1


def test_who_has_little_and_borrows_nothing_leaves_large_gaps(ring: Callable[..., Ring]) -> None:
    poor, borrower = replace(EAGER, own_usd=100), replace(EAGER, own_usd=100, borrows=True)
    one = ring([poor])
    one.open_gap()
    one.turn()
    assert one.entries() == []
    other = ring([borrower])
    other.open_gap()
    other.turn()
    assert [entry["status"] for entry in other.entries()] == ["filled"]


def test_the_log_is_what_the_chain_says_to_the_wei(ring: Callable[..., Ring]) -> None:
    one = ring([replace(policy, notice_ppm=1_000_000) for policy in policies(3)])
    rpc, traders = one.chain.rpc, traders_on(one.chain, 7)
    ours = one.holders[accounts.RIVALS[0] : accounts.RIVALS[0] + 3]
    tokens = [t.address for t in one.chain.deployment.tokens if t.symbol in ("WETH", "USDC")]
    start = one.head.number

    def books() -> dict[tuple[str, str], int]:
        gas = {(account, "gas"): int(rpc.call("eth_getBalance", account, "latest"), 16) for account in ours}
        return gas | {
            (account, token): int.from_bytes(rpc.eth_call(token, call("balanceOf(address)", executor)))
            for account, executor in zip(ours, executors, strict=True)
            for token in tokens
        }

    executors = [_executor(one, account) for account in ours]
    before = books()
    for _ in range(BLOCKS):
        one.turn(traders.act)
    entries = one.entries()
    assert {entry["status"] for entry in entries} == {"filled", "reverted"}
    expected = dict(before)
    for entry in entries:
        receipt = one.receipt(entry)
        assert int(entry["gas_paid_wei"]) == int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
        assert int(entry["block"]) == int(receipt["blockNumber"], 16) == int(entry["seen_block"]) + 1
        assert (entry["status"] == "filled") == (receipt["status"] == "0x1")
        expected[receipt["from"], "gas"] -= int(entry["gas_paid_wei"])
        expected[receipt["from"], entry["token"]] += int(entry["realised"])
    assert books() == expected
    mined = [r for n in range(start + 1, one.head.number + 1) for r in rpc.call("eth_getBlockReceipts", hex(n))]
    assert {entry["tx_hash"] for entry in entries} == {r["transactionHash"] for r in mined if r["from"] in ours}
    assert len({(entry["rival"], entry["block"]) for entry in entries}) == len(entries)  # one a block at most


def _executor(one: Ring, account: Address) -> Address:
    receipts = one.chain.rpc.call("eth_getBlockReceipts", hex(one.head.number))
    return next(Address(r["contractAddress"]) for r in receipts if r["from"] == account and r["contractAddress"])


def test_one_seed_gives_one_log_and_another_seed_another(ring: Callable[..., Ring]) -> None:
    def log(seed: int) -> str:
        one = ring(policies(2), seed)
        traders = traders_on(one.chain, 7)  # the same flow: what differs is what the rivals notice
        for _ in range(BLOCKS):
            one.turn(traders.act)
        assert one.entries()
        return one.log.read_text(encoding="utf-8")

    assert log(7) == log(7) != log(8)


def test_refuses_more_rivals_than_there_are_accounts(ring: Callable[..., Ring]) -> None:
    assert len({policy.name for policy in policies(12)}) == 12
    with pytest.raises(DevnetError, match=r"measured 13, limit 12"):
        ring(policies(13))


def test_rivals_of_one_latency_and_keen_ones_keep_their_other_ways() -> None:
    usual, quick, keen = policies(3), policies(3, 100), policies(3, 100, keen=True)
    assert [policy.latency_ms for policy in quick] == [100] * 3
    assert [replace(q, latency_ms=u.latency_ms) for q, u in zip(quick, usual, strict=True)] == usual
    assert all(policy.notice_ppm == 1_000_000 and policy.borrows for policy in keen)
    assert [(k.hops, k.families, k.bid_share_ppm) for k in keen] == [
        (u.hops, u.families, u.bid_share_ppm) for u in usual
    ]
