"""Estimates learn from receipts: what the journal saw sets them, within bounds, the same after every restart."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from engine.gas_seen import LEAST_SAMPLES, MOST_TIMES, GasSeen, Shape
from engine.scanning.ranking import gas_units
from tests.conftest import LocalChain
from tests.engine_on_chain import engine_on, open_gap

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
