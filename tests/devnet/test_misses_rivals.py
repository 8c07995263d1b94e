"""The classifier reads the receipts of a living chain: every arbitrage of the rivals' own log, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.devnet import accounts
from engine.devnet.rival_policies import policies
from engine.devnet.traders import Traders
from engine.domain.units import Address
from engine.misses.classify import Arbitrage, arbitrages
from engine.misses.logs import read_receipts
from tests.devnet.rival_ring import BLOCK_MS, Ring

if TYPE_CHECKING:
    from tests.conftest import LocalChain

pytestmark = pytest.mark.node

BLOCKS = 120


def test_every_arbitrage_of_the_rivals_log_is_found_to_the_wei_and_no_other(
    own_chain: Callable[[int], LocalChain], tmp_path: Path
) -> None:
    chain = own_chain(42161)
    ring = Ring(chain, tmp_path, policies(3), seed=11)
    holders = [Address(address) for address in chain.rpc.call("eth_accounts")]
    traders = Traders(
        chain.rpc,
        chain.deployment,
        [holders[index] for index in accounts.TRADERS],
        seed=11,
        block_time_ms=BLOCK_MS,
        base_fee_wei=chain.profile.base_fee_wei,
    )
    first = ring.head.number + 1
    for _ in range(BLOCKS):
        ring.turn(traders.act)
    landed = [entry for entry in ring.entries() if entry["status"] == "filled"]
    assert len(landed) >= 5
    assert max(len(entry["route"]) for entry in landed) >= 3
    found: list[Arbitrage] = []
    for number in range(first, ring.head.number + 1):
        found += arbitrages(read_receipts(chain.rpc.call("eth_getBlockReceipts", hex(number))))
    assert {
        (entry["tx_hash"], entry["token"], int(entry["realised"]), tuple(hop[0] for hop in entry["route"]))
        for entry in landed
    } == {(one.tx_hash, one.token, one.profit, tuple(s.pool for s in one.swaps)) for one in found}
    costs = {one.tx_hash: one for one in found}
    for entry in landed:
        assert costs[entry["tx_hash"]].gas_wei == int(entry["gas_paid_wei"])
