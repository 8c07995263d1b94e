"""Estimates learn from receipts: what the journal saw sets them, within bounds, the same after every restart."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest

from engine.domain.units import ChainId
from engine.execution import monitor
from engine.execution.gas_paid import paid_by
from engine.gas_seen import LEAST_SAMPLES, MOST_TIMES, GasSample, GasSeen, L1Sample, Shape
from engine.planning.capital import EXTRA_GAS
from engine.planning.costs import L1Fee
from engine.planning.plan import GAS_MARGIN_PPM
from engine.scanning.ranking import gas_units
from tests.conftest import LocalChain
from tests.devnet.test_planning_l1_fee import ORACLES, stand_in
from tests.engine_on_chain import engine_on, open_gap, pool_between, rival_swap, token_of

pytestmark = pytest.mark.node


def test_fills_set_the_estimates_and_a_restart_reads_the_same_from_the_journal(
    chain: LocalChain, tmp_path: Path
) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            seen = engine.parts.loop.gas_seen
            assert seen.errors()["table"].mean is None
            for turn in range(LEAST_SAMPLES + 2):
                open_gap(chain, deployment="uniswap_v2" if turn % 2 else "sushi_v2")
                await engine.block(3)
            fills = [e for e in engine.journal.entries("outcome") if e.body["type"] == "Filled"]
            assert len(seen.samples) == len(fills) >= LEAST_SAMPLES
            assert [one.used for one in seen.samples] == [int(e.body["gas_used"]) for e in fills]
            again = GasSeen(engine.journal)
            again.read(engine.parts.loop.market.pools)
            assert again.errors() == seen.errors()
            assert list(again.samples) == list(seen.samples)
            simulation = seen.errors()["simulation"]
            assert simulation.p95 is not None
            assert simulation.p95 <= max(one.used for one in seen.samples) // 50  # within 2 % of the receipt

    with chain.reverted():
        anyio.run(check)


def test_no_receipt_moves_an_estimate_out_of_its_bounds(chain: LocalChain, tmp_path: Path) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            seen = engine.parts.loop.gas_seen
            shape: Shape = ("constant_product", "concentrated")
            table = gas_units(shape)
            for burnt, bound in ((0, table), (10**9, MOST_TIMES * table), (table + 1_000, table + 1_000)):
                seen._burnt[shape].clear()
                seen._burnt[shape].extend([burnt] * (LEAST_SAMPLES - 1))
                assert seen.units(shape) == table  # too few to believe
                seen._burnt[shape].append(burnt)
                assert seen.units(shape) == bound

    with chain.reverted():
        anyio.run(check)


def test_what_a_shape_burnt_with_a_capital_is_its_own_estimate(chain: LocalChain, tmp_path: Path) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            seen = engine.parts.loop.gas_seen
            shape: Shape = ("constant_product", "concentrated")
            assert seen.whole(shape, "aave") == gas_units(shape) + EXTRA_GAS["aave"]
            seen._burnt[shape].extend([gas_units(shape) + 5_000] * LEAST_SAMPLES)
            assert seen.whole(shape, "aave") == gas_units(shape) + 5_000 + EXTRA_GAS["aave"]
            seen._burnt[shape, "aave"].extend([gas_units(shape) + EXTRA_GAS["aave"] + 9_000] * LEAST_SAMPLES)
            assert seen.whole(shape, "aave") == gas_units(shape) + EXTRA_GAS["aave"] + 9_000
            assert seen.whole(shape, "own") == gas_units(shape) + 5_000
            for turn in range(2):
                open_gap(chain, deployment="uniswap_v2" if turn % 2 else "sushi_v2")
                await engine.block(3)
            view = await engine.desk.priced(engine.parts.loop.view())
            for cycle in engine.cycles(view)[:1]:  # an ask counts with what was learned, an agent's as the engine's
                families = tuple(view.pools[hop.pool].family for hop in cycle.route.hops)
                ask = engine.ask(cycle, view)
                assert ask.gas_units == seen.whole(families, ask.source.capital)

    with chain.reverted():
        anyio.run(check)


@pytest.mark.parametrize(
    ("used", "margin_ppm"),
    [
        (100_000, GAS_MARGIN_PPM),  # as simulated: the fixed margin
        (50_000, GAS_MARGIN_PPM),  # never below it
        (130_000, 625_000),  # 1.3 × 1.25, since refunds come at the end
        (900_000, MOST_TIMES * GAS_MARGIN_PPM),  # never beyond its bound
    ],
)
def test_the_gas_limits_margin_follows_what_receipts_were_over_the_simulation(
    chain: LocalChain, tmp_path: Path, used: int, margin_ppm: int
) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            seen = engine.parts.loop.gas_seen
            sample = GasSample(table=100_000, estimated=100_000, simulated=100_000, used=used)
            seen.samples.extend([sample] * (LEAST_SAMPLES - 1))
            assert seen.margin_ppm() == GAS_MARGIN_PPM
            seen.samples.append(sample)
            assert seen.margin_ppm() == margin_ppm
            open_gap(chain)
            await engine.block()
            (intent,), (proof,) = engine.journal.entries("intent"), engine.journal.entries("proof")
            simulated = int(proof.body["gas_used"])
            assert int(intent.body["gas_limit"]) >= simulated + simulated * margin_ppm // 10**6

    with chain.reverted():
        anyio.run(check)


def test_a_revert_is_sampled_and_one_that_stopped_early_teaches_nothing(chain: LocalChain, tmp_path: Path) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            seen = engine.parts.loop.gas_seen
            open_gap(chain)
            await engine.block()
            pool, weth = pool_between(chain, "uniswap_v2", "WETH", "USDC"), token_of(chain, "WETH")
            rival_swap(chain, pool, weth, 20 * 10**18, tip_wei=10**12)  # the gap is gone ahead of ours
            await engine.block()
            (outcome,) = engine.journal.entries("outcome")
            assert outcome.body["type"] == "Reverted"
            (sample,) = seen.reverted
            assert sample.used == int(outcome.body["gas_used"])
            assert seen.errors()["reverted"].samples == 1
            assert (len(seen.samples) == 1) == (sample.used >= sample.simulated)

    with chain.reverted():
        anyio.run(check)


@pytest.mark.parametrize(
    ("share_ppm", "learned_ppm"), [(1_300_000, 1_300_000), (500_000, 10**6), (9 * 10**6, 2 * 10**6)]
)
def test_receipts_l1_fees_are_recorded_and_raise_the_quotes_within_bounds(
    chain: LocalChain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share_ppm: int, learned_ppm: int
) -> None:
    """The oracle is a stand-in, and the gas for L1 is put into receipts here: the local chain has no L1."""
    quotes: list[L1Fee] = []

    def receipt_of_a_rollup(receipt: Mapping[str, Any]) -> Any:
        price_wei, gas = int(receipt["effectiveGasPrice"], 16), int(receipt["gasUsed"], 16)
        l1_gas = quotes[-1].wei * share_ppm // 10**6 // price_wei
        return paid_by({**receipt, "gasUsedForL1": hex(min(l1_gas, gas))})

    monkeypatch.setattr(monitor, "paid_by", receipt_of_a_rollup)

    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            seen = engine.parts.loop.gas_seen
            quotes.append(L1Fee(wei=40_000 * chain.profile.base_fee_wei))
            open_gap(chain)
            await engine.block(2)
            (outcome,), (proof,) = engine.journal.entries("outcome"), engine.journal.entries("proof")
            assert int(outcome.body["l1_fee_wei"]) > 0
            (sample,) = seen.l1
            assert sample.paid_wei == int(outcome.body["l1_fee_wei"])
            assert sample.estimated_wei == int(proof.body["costs"]["l1_fee_wei"])
            assert sample.quoted_wei == int(proof.body["costs"]["l1_quoted_wei"])
            assert seen.errors()["l1"].mean == abs(sample.paid_wei - sample.estimated_wei)
            whole = L1Sample(quoted_wei=10**12, estimated_wei=10**12, paid_wei=10**6 * share_ppm)
            seen.l1.clear()
            before = (await engine.desk.priced(await engine.view())).l1_fee
            seen.l1.extend([whole] * (LEAST_SAMPLES - 1))
            assert seen.l1_ppm() == 10**6  # too few to believe
            seen.l1.append(whole)
            after = (await engine.desk.priced(await engine.view())).l1_fee
            assert after.quoted_wei == before.quoted_wei == before.wei
            assert after.wei == -(-before.wei * learned_ppm // 10**6)
            assert after.gas_units == -(-before.gas_units * learned_ppm // 10**6)

    with chain.reverted():
        stand_in(chain, *ORACLES[ChainId(42161)][:2])
        anyio.run(check)
