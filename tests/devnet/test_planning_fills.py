"""Every source of capital fills a trade on a real chain, for the profit and about the gas that were planned."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from engine.domain.opportunity import Capital, SizedCycle
from engine.planning.capital import EXTRA_GAS
from tests.conftest import LocalChain
from tests.engine_on_chain import EngineOnChain, engine_on, open_gap, token_of
from tests.market_moves import swap

pytestmark = pytest.mark.node

TOLERANCE_PPM = 150_000


def warm(chain: LocalChain) -> None:
    """Swap in every pool: the first swap of a pool's life writes its accumulators at four times the price."""
    for _ in range(2):
        for pool in chain.deployment.pools:
            swap(chain, pool, amount_in=10_000)
        chain.mine()


async def gap(engine: EngineOnChain) -> SizedCycle:
    """Open a gap between two pools that call back, and name the best cycle through WETH and no vault."""
    open_gap(engine.chain)
    await engine.block()
    view = await engine.view()
    calls_back = {"constant_product", "concentrated"}
    weth = token_of(engine.chain, "WETH")
    return next(
        cycle
        for cycle in engine.cycles(view)
        if cycle.route.token == weth and {view.pools[h.pool].family for h in cycle.route.hops} <= calls_back
    )


@pytest.mark.parametrize("capital", EXTRA_GAS)
def test_fills_with(chain: LocalChain, tmp_path: Path, capital: Capital) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path, fills=0) as engine:
            cycle = await gap(engine)
            view = await engine.view(only=capital)
            amount = engine.balance(cycle.route.token) if capital == "own" else None
            ask = engine.funded_by(engine.ask(cycle, view, amount=amount), capital, view)
            before = engine.balance(cycle.route.token)
            traded = await engine.desk.trade([ask], view, "ACTIVE")
            await engine.block()
            (trade,) = engine.trades()
            assert (trade.status, trade.capital) == ("filled", capital), traded
            assert trade.realised == engine.balance(cycle.route.token) - before > 0
            assert trade.realised >= ask.request.min_profit
            receipt = chain.rpc.call("eth_getTransactionReceipt", trade.tx_hash)
            used = int(receipt["gasUsed"], 16)
            assert abs(ask.gas_units - used) * 1_000_000 <= used * TOLERANCE_PPM, (capital, ask.gas_units, used)

    with chain.reverted():
        warm(chain)
        anyio.run(check)


def test_the_engine_takes_the_cheapest_source_that_has_the_funds(chain: LocalChain, tmp_path: Path) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path, fills=0) as engine:
            cycle = await gap(engine)
            view = await engine.view()
            own = engine.balance(cycle.route.token)
            assert engine.ask(cycle, view, amount=own).source.capital == "own"
            assert engine.ask(cycle, view, amount=own + 1).source.capital == "first_pool"
            costs = {s.capital: s.cost_wei for s in engine.usable(engine.ask(cycle, view).request, view)}
            assert list(costs) == ["first_pool", "morpho", "balancer", "aave"]

    with chain.reverted():
        anyio.run(check)


def test_reads_what_each_lender_holds_at_the_block(chain: LocalChain, tmp_path: Path) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path, fills=0) as engine:
            funds = (await engine.view()).funds
            weth, link = token_of(chain, "WETH"), token_of(chain, "LINK")
            assert funds.available["own"][weth] == engine.balance(weth) == 2 * 10**17
            for capital in ("balancer", "morpho"):
                assert funds.available[capital][weth] == engine.balance(weth, engine.lenders.of(capital)) > 0
            assert funds.available["aave"][weth] == 10_000 * 10**18  # LENDING_USD at the table's price
            assert link not in funds.available["aave"]
            assert funds.available["morpho"][link] == 0
            assert funds.aave_premium_bps == 5
            assert funds.gas_float_wei == int(chain.rpc.call("eth_getBalance", engine.operator, "latest"), 16) > 0

    with chain.reverted():
        anyio.run(check)
