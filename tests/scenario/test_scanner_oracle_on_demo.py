"""A run as the demo has it, block by block: what the scanner finds is what plain enumeration finds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from engine.devnet import accounts
from engine.devnet.mining import head
from engine.devnet.traders import Traders
from engine.domain.units import Address
from engine.scanning.oracle import oracle_profit_wei
from engine.scanning.scan import build_universe, greedy_rounds
from tests.conftest import SEED, LocalChain
from tests.engine_on_chain import EngineOnChain, engine_on
from tests.property.random_universes import Market
from tests.property.test_scanning_oracle import brute_force, check_that_the_pools_pay, compare, scanned

pytestmark = pytest.mark.node

BLOCKS = 30
ROUNDS = 4
FLOOR_WEI = 10**13
GREEDY_SHARE_PPM = 980_000
"""Nearly equal choices in one round lead to different rounds after it; none is better by more than this leaves."""


@asynccontextmanager
async def traded(chain: LocalChain, state: Path) -> AsyncIterator[tuple[EngineOnChain, Callable[[], None]]]:
    """Run an engine among the demo's traders, whose turn it is at each call."""
    holders = [Address(address) for address in chain.rpc.call("eth_accounts")]
    traders = Traders(
        chain.rpc,
        chain.deployment,
        [holders[index] for index in accounts.TRADERS],
        seed=SEED,
        block_time_ms=1_000,
        base_fee_wei=chain.profile.base_fee_wei,
    )
    async with engine_on(chain, state) as engine:
        yield engine, lambda: traders.act(head(chain.rpc))


async def market_of(engine: EngineOnChain) -> Market:
    view = await engine.view()
    return Market(
        pools=dict(view.pools),
        base_tokens=engine.settings.base_tokens,
        prices=dict(view.prices),
        gas_price_wei=view.base_fee_wei,
        floor_wei=FLOOR_WEI,
    )


def greedy_total_wei(market: Market) -> int:
    taken = greedy_rounds(
        build_universe(market.pools, market.base_tokens),
        market.pools,
        prices=market.prices,
        gas_price_wei=market.gas_price_wei,
        floor_wei=market.floor_wei,
        max_rounds=ROUNDS,
    )
    return sum(cycle.net_wei for cycle in taken)


def test_on_every_block_of_a_run_nothing_is_missed_and_nothing_invented(
    own_chain: Callable[[], LocalChain], tmp_path: Path
) -> None:
    chain = own_chain()
    seen: list[int] = []

    async def check() -> None:
        async with traded(chain, tmp_path) as (engine, trade):
            for number in range(BLOCKS):
                trade()
                await engine.block()
                market = await market_of(engine)
                found, truth = scanned(market), brute_force(market)
                compare(number, market, found, truth)
                for cycle in found:
                    check_that_the_pools_pay(market, cycle)
                most = oracle_profit_wei(
                    market.pools,
                    market.base_tokens,
                    market.prices,
                    market.gas_price_wei,
                    market.floor_wei,
                    max_rounds=ROUNDS,
                )
                total = greedy_total_wei(market)
                assert total * 1_000_000 >= most * GREEDY_SHARE_PPM, (number, total, most)
                seen.append(len(found))
            assert {trade.status for trade in engine.trades()} <= {"filled", "reverted", "open"}
            assert sum(trade.status == "filled" for trade in engine.trades()) >= BLOCKS // 3

    anyio.run(check)
    assert sum(1 for cycles in seen if cycles) >= BLOCKS // 2
