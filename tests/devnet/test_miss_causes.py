"""A rival takes what the engine, with one cause planted, does not: the cause is named and the value is to the wei."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from engine.config import Misses, Scan
from engine.devnet.rival_policies import RIVALS
from engine.misses.explain import Miss, Reason
from engine.misses.ledger import by_reason, recorded
from engine.risk.halt import write_halt
from engine.verify.verify import verify_state
from tests.devnet.rival_ring import Ring
from tests.engine_on_chain import GENEROUS, EngineOnChain, engine_on, token_of

if TYPE_CHECKING:
    from tests.conftest import LocalChain

pytestmark = pytest.mark.node

ROUNDS = 5
RIVAL = replace(RIVALS[0], notice_ppm=1_000_000, own_usd=500_000, bid_share_ppm=700_000)
LIFTED = {"max_gas_wei": 10**19, "gas_budget_per_day_wei": 10**20, "max_loss_per_day_wei": 10**20}
"""Caps under which there is room for a bid of ethers."""
MEAN = LIFTED | {"bid_share_ppm": 10_000}
"""What the engine bids, so that the rival is first."""
CAPPED = LIFTED | {"bid_share_ppm": 900_000, "max_gas_wei": 10**14}
"""It would bid more than the rival, and may not."""


@dataclass(frozen=True)
class Plant:
    """One cause: limits and settings that differ, and what the engine does late or not at all.

    With `venue` it is the cause of what passes through that venue; in the rest the engine competes, and is outbid.
    `bid_held_by` is the limit that forbids the bid which would have won.
    """

    reason: Reason
    risk: Mapping[str, Any] = field(default_factory=dict[str, Any])
    settings: Callable[[LocalChain], Mapping[str, Any]] = lambda chain: {}
    bought: str = "WETH"
    venue: str | None = None
    late: bool = False
    halted: bool = False
    bid_held_by: str = ""


def without_uniswap_v2(chain: LocalChain) -> Mapping[str, Any]:
    book = chain.manifest.deployments
    return {"deployments": {name: roles for name, roles in book.items() if name != "uniswap_v2"}}


def only_weth(chain: LocalChain) -> Mapping[str, Any]:
    """Begin in WETH, and look no further than pairs: longer cycles would reach the gap."""
    return {"base_tokens": (token_of(chain, "WETH"),), "scan": Scan(max_hops=2)}


PLANTS = (
    Plant("unknown venue", settings=without_uniswap_v2, venue="uniswap_v2"),
    Plant("base tokens", settings=only_weth, bought="USDT"),
    Plant("refused", risk={"max_notional_wei": 10**15}),
    Plant("below floor", risk={"min_net_profit_wei": 10**21}),
    Plant("outbid", risk=MEAN, bid_held_by="risk.bid_share_ppm"),
    Plant("outbid", risk=CAPPED, bid_held_by="risk.max_gas_wei"),
    Plant("seen late", late=True),
    Plant("halted", halted=True),
)


def touches(chain: LocalChain, miss: Miss, venue: str) -> bool:
    pools = {pool.address for pool in chain.deployment.pools if pool.deployment == venue}
    return any(swap.pool in pools for swap in miss.arbitrage.swaps)


async def rounds(engine: EngineOnChain, ring: Ring, plant: Plant) -> None:
    """Open a gap, let both look at it, mine, and let the engine see what came of it."""
    ring.open_gap(usd=1)  # the first block after a start is not looked at: nothing is remembered from before it
    for number in range(ROUNDS):
        await engine.catch_up()
        ring.open_gap(usd=60_000 + 7_000 * number, bought=plant.bought)
        if not plant.late:
            await engine.catch_up()
        ring.turn()
        if not plant.late:
            await engine.catch_up()
        ring.turn()
    await engine.catch_up()


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.reason)
def test_the_planted_cause_is_named_with_the_value_to_the_wei(
    plant: Plant, own_chain: Callable[[], LocalChain], tmp_path: Path
) -> None:
    chain = own_chain()
    state = tmp_path / "state"
    state.mkdir()
    ring = Ring(chain, tmp_path, [RIVAL])

    async def scenario() -> tuple[list[Miss], list[dict[str, Any]]]:
        risk = GENEROUS.model_copy(update=dict(plant.risk))
        async with engine_on(chain, state, risk=risk, **plant.settings(chain)) as engine:
            if plant.halted:
                write_halt(state, principal="test", reason="planted")
            await rounds(engine, ring, plant)
            assert len(engine.published("missed")) == len(recorded(engine.journal))
            return recorded(engine.journal), ring.entries()

    misses, entries = anyio.run(scenario)
    landed = {entry["tx_hash"]: entry for entry in entries if entry["status"] == "filled"}
    seen = {miss.arbitrage.tx_hash: miss for miss in misses}
    assert len(landed) >= ROUNDS - 1
    assert seen.keys() == landed.keys()
    for tx_hash, miss in seen.items():
        entry = landed[tx_hash]
        assert (miss.arbitrage.profit, miss.arbitrage.gas_wei) == (int(entry["realised"]), int(entry["gas_paid_wei"]))
        assert miss.measured
    caused = [miss for miss in misses if plant.venue is None or touches(chain, miss, plant.venue)]
    right = [miss for miss in caused if miss.reason == plant.reason]
    assert len(caused) >= ROUNDS - 1
    assert len(right) >= 0.95 * len(caused), [(m.reason, m.measured, m.limit) for m in caused]
    first = by_reason(misses)[0]
    assert first.reason == plant.reason
    if plant.bid_held_by:
        assert_held(plant, right, first.what_would_help, ring)
    report = verify_state(state, chain.node.rpc_url)
    assert report.ok, report.findings


def assert_held(plant: Plant, misses: list[Miss], what_would_help: str, ring: Ring) -> None:
    """The bid that was needed is one wei above what the rival paid, and the planted limit alone forbade it."""
    for miss in misses:
        assert miss.short is not None
        paid_wei = int(ring.receipt({"tx_hash": miss.arbitrage.tx_hash})["effectiveGasPrice"], 16)
        assert miss.short.needed_wei == paid_wei - ring.chain.profile.base_fee_wei + 1
        (held,) = miss.short.forbidden_by
        assert (held.setting, held.value) == (plant.bid_held_by, plant.risk[plant.bid_held_by.removeprefix("risk.")])
        assert held.needed > held.value
        assert f"{held.setting} = {held.value} allowed no more" in miss.measured
    most = max(miss.short.forbidden_by[0].needed for miss in misses if miss.short)
    value = misses[0].short.forbidden_by[0].value  # type: ignore[union-attr]
    assert what_would_help == f"raise {plant.bid_held_by} from {value} to {most} ({len(misses)} of {len(misses)})"


def test_nothing_is_looked_for_when_the_watch_is_off(own_chain: Callable[[], LocalChain], tmp_path: Path) -> None:
    chain = own_chain()
    state = tmp_path / "state"
    state.mkdir()
    ring = Ring(chain, tmp_path, [RIVAL])

    async def scenario() -> int:
        async with engine_on(chain, state, misses=Misses(watch=False)) as engine:
            write_halt(state, principal="test", reason="planted")
            await rounds(engine, ring, Plant("halted"))
            assert [entry for entry in ring.entries() if entry["status"] == "filled"]
            return engine.journal.count("miss")

    assert anyio.run(scenario) == 0
