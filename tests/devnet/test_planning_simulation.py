"""A simulation says what the chain will do: the profit to the wei, the gas to the unit, the reason in its own words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from engine.chains.endpoints import open_endpoint
from engine.desk import Ask, MarketView
from engine.domain.errors import ChainError
from engine.domain.opportunity import Plan
from engine.domain.units import Address, BlockHash
from engine.execution.artifact import deploy_data, state_diff
from engine.planning.least_outs import swaps_of
from engine.planning.plan import make_plan, with_margin
from engine.planning.simulate import Simulator
from tests.conftest import LocalChain
from tests.devnet.test_planning_fills import gap, warm
from tests.engine_on_chain import EngineOnChain, engine_on, open_gap
from tests.older_node import older_node

pytestmark = pytest.mark.node

NOWHERE = Address("0x" + "5e" * 20)
LACKS = ("eth_simulateV1",)


@asynccontextmanager
async def with_gap(chain: LocalChain, state: Path) -> AsyncIterator[tuple[EngineOnChain, MarketView, Ask]]:
    async with engine_on(chain, state, fills=0) as engine:
        cycle = await gap(engine)
        view = await engine.view()
        yield engine, view, engine.ask(cycle, view)


def plan_of(engine: EngineOnChain, ask: Ask, view: MarketView, *, executor: Address | None = None) -> Plan:
    outs, _ = swaps_of(ask.request.route, ask.request.amount_in, view.pools)
    return make_plan(
        ask.request,
        ask.source,
        pools=view.pools,
        outs=outs,
        executor=executor or engine.executor,
        anchor="0x" + "00" * 32,
        gas_units=ask.gas_units,
    )


def smaller(engine: EngineOnChain, ask: Ask, view: MarketView, share: int, *, floor: int = 1) -> Ask:
    request = replace(ask.request, amount_in=ask.request.amount_in // share, min_profit=floor)
    return replace(ask, request=request)


def test_what_is_simulated_is_what_is_mined_to_the_wei_and_the_unit_of_gas(chain: LocalChain, tmp_path: Path) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path, fills=0) as engine:
            families: set[str] = set()
            for usd in (60_000, 30_000, 20_000):
                open_gap(chain, usd=usd, deployment="uniswap_v2" if usd > 20_000 else "sushi_v2")
                await engine.block()
                view = await engine.view()
                for cycle in engine.cycles(view)[:40:4]:
                    with chain.reverted():
                        plan = plan_of(engine, engine.ask(cycle, view), view)
                        (said,) = await Simulator(engine.parts.endpoint, engine.operator).simulate([plan], view.block)
                        assert said.ok, said.reason
                        before = engine.balance(cycle.route.token)
                        receipt = send(engine, replace(plan, gas_limit=with_margin(said.gas_used)))
                        assert engine.balance(cycle.route.token) - before == said.realised
                        assert int(receipt["gasUsed"], 16) == said.gas_used
                        families |= {view.pools[h.pool].family for h in cycle.route.hops}
            assert families >= {"constant_product", "concentrated", "weighted"}

    with chain.reverted():
        anyio.run(check)


def send(engine: EngineOnChain, *plans: Plan) -> dict[str, Any]:
    """Send plans as the operator, mine them together and return the last receipt."""
    rpc = engine.chain.rpc
    rpc.call("anvil_impersonateAccount", engine.operator)
    fees = {"maxFeePerGas": hex(10**11), "maxPriorityFeePerGas": "0x1"}
    sent = [
        rpc.call(
            "eth_sendTransaction",
            {"from": engine.operator, "to": p.to, "data": "0x" + p.calldata.hex(), "gas": hex(p.gas_limit), **fees},
        )
        for p in plans
    ]
    engine.chain.mine()
    return rpc.call("eth_getTransactionReceipt", sent[-1])


def test_each_plan_sees_what_the_ones_before_it_did(chain: LocalChain, tmp_path: Path) -> None:
    async def check() -> None:
        async with with_gap(chain, tmp_path) as (engine, view, ask):
            half = smaller(engine, ask, view, 2)
            plans = [plan_of(engine, half, view)] * 3
            simulator = Simulator(engine.parts.endpoint, engine.operator)
            first, second, third = await simulator.simulate(plans, view.block)
            assert first.realised > second.realised > 0
            assert not third.ok or third.realised < second.realised
            (alone,) = await simulator.simulate(plans[:1], view.block)
            assert alone == first
            token, before = ask.request.route.token, engine.balance(ask.request.route.token)
            send(engine, *plans[:2])
            assert engine.balance(token) - before == first.realised + second.realised

    with chain.reverted():
        anyio.run(check)


def test_two_dozen_plans_fit_one_simulation(chain: LocalChain, tmp_path: Path) -> None:
    async def check() -> None:
        async with with_gap(chain, tmp_path) as (engine, view, ask):
            plan = plan_of(engine, smaller(engine, ask, view, 40), view)
            found = await Simulator(engine.parts.endpoint, engine.operator).simulate([plan] * 24, view.block)
            assert all(one.ok for one in found)
            assert [one.realised for one in found] == sorted((one.realised for one in found), reverse=True)

    with chain.reverted():
        anyio.run(check)


@pytest.mark.parametrize("lacks", [(), LACKS], ids=["eth_simulateV1", "eth_call"])
def test_a_plan_that_fails_gives_the_contracts_reason(chain: LocalChain, tmp_path: Path, lacks: tuple[str]) -> None:
    async def check() -> None:
        async with (
            with_gap(chain, tmp_path) as (engine, view, ask),
            older_node(chain.node.ws_url, lacks=lacks) as url,
            open_endpoint(url) as endpoint,
        ):
            request = ask.request
            long_ago = replace(request.stamp, block=replace(view.block, timestamp_s=1_000_000_000))
            dear = replace(ask, request=replace(request, min_profit=10**24))
            late = replace(ask, request=replace(request, stamp=long_ago))
            fails = (
                (engine.operator, dear, "below floor"),
                (engine.operator, late, "late"),
                (NOWHERE, ask, "not operator"),
            )
            for sender, asked, reason in fails:
                (said,) = await Simulator(endpoint, sender).simulate([plan_of(engine, asked, view)], view.block)
                assert (said.ok, said.reason, said.realised) == (False, reason, 0)

    with chain.reverted():
        anyio.run(check)


@pytest.mark.parametrize("code", [-32601, -32600, -32004])
def test_without_simulate_v1_each_plan_is_called_alone(chain: LocalChain, tmp_path: Path, code: int) -> None:
    async def check() -> None:
        async with (
            with_gap(chain, tmp_path) as (engine, view, ask),
            older_node(chain.node.ws_url, lacks=LACKS, code=code) as url,
            open_endpoint(url) as endpoint,
        ):
            plan = plan_of(engine, ask, view)
            (whole,) = await Simulator(engine.parts.endpoint, engine.operator).simulate([plan], view.block)
            older = Simulator(endpoint, engine.operator)
            for _ in range(2):  # the second time it knows
                said, dependent = await older.simulate([plan, plan], view.block)
                assert (said.ok, said.realised) == (True, whole.realised)
                assert whole.gas_used <= said.gas_used <= whole.gas_used * 13 // 10
                assert not dependent.ok
                assert "eth_simulateV1" in dependent.reason

    with chain.reverted():
        anyio.run(check)


@pytest.mark.parametrize("lacks", [(), LACKS], ids=["eth_simulateV1", "eth_call"])
def test_nothing_need_be_deployed_to_simulate(chain: LocalChain, tmp_path: Path, lacks: tuple[str]) -> None:
    async def check() -> None:
        async with (
            with_gap(chain, tmp_path) as (engine, view, ask),
            older_node(chain.node.ws_url, lacks=lacks) as url,
            open_endpoint(url) as endpoint,
        ):
            lenders = engine.lenders
            assert lenders.balancer and lenders.aave and lenders.morpho
            creation = deploy_data(engine.treasury, engine.operator, lenders.balancer, lenders.aave, lenders.morpho)
            code = await endpoint.call("eth_call", {"data": "0x" + creation.hex()}, "latest")
            storage = state_diff(engine.operator, [ask.request.route.token])
            overrides = {NOWHERE: {"code": code, "stateDiff": storage}}
            deployed = Simulator(endpoint, engine.operator)
            nowhere = Simulator(endpoint, engine.operator, overrides)
            for capital in ("first_pool", "morpho", "aave", "balancer"):
                funded = engine.funded_by(ask, capital, view)
                (there,) = await deployed.simulate([plan_of(engine, funded, view)], view.block)
                (here,) = await nowhere.simulate([plan_of(engine, funded, view, executor=NOWHERE)], view.block)
                assert (here.ok, here.realised) == (True, there.realised), here.reason
            unlisted = {NOWHERE: {"code": code, "stateDiff": state_diff(engine.operator, [])}}
            (here,) = await Simulator(endpoint, engine.operator, unlisted).simulate(
                [plan_of(engine, ask, view, executor=NOWHERE)], view.block
            )
            assert (here.ok, here.reason) == (False, "not listed")

    with chain.reverted():
        anyio.run(check)


@pytest.mark.parametrize("lacks", [(), LACKS], ids=["eth_simulateV1", "eth_call"])
def test_a_block_that_the_node_left_proves_nothing(chain: LocalChain, tmp_path: Path, lacks: tuple[str]) -> None:
    async def check() -> None:
        async with (
            with_gap(chain, tmp_path) as (engine, view, ask),
            older_node(chain.node.ws_url, lacks=lacks) as url,
            open_endpoint(url) as endpoint,
        ):
            gone = replace(view.block, hash=BlockHash("0x" + "ab" * 32))
            with pytest.raises(ChainError):
                await Simulator(endpoint, engine.operator).simulate([plan_of(engine, ask, view)], gone)

    with chain.reverted():
        anyio.run(check)


def test_a_gas_limit_with_its_margin_is_enough_though_refunds_come_last(chain: LocalChain, tmp_path: Path) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path, fills=0) as engine:
            open_gap(chain)
            await engine.block()
            view = await engine.view()
            spare: list[float] = []
            for cycle in engine.cycles(view)[:40:4]:
                ask = engine.ask(cycle, view)
                plan = plan_of(engine, ask, view)
                (said,) = await Simulator(engine.parts.endpoint, engine.operator).simulate([plan], view.block)
                call = {"from": engine.operator, "to": plan.to, "data": "0x" + plan.calldata.hex()}
                least = int(await engine.parts.endpoint.call("eth_estimateGas", call, "latest"), 16)
                spare.append(with_margin(said.gas_used) / least)
            assert min(spare) > 1.1, spare

    with chain.reverted():
        warm(chain)
        anyio.run(check)


def test_aaves_premium_is_foreseen_to_the_wei(chain: LocalChain, tmp_path: Path) -> None:
    async def check() -> None:
        async with with_gap(chain, tmp_path) as (engine, view, ask):
            simulator = Simulator(engine.parts.endpoint, engine.operator)
            for odd in (1, 999, 12_345, 10**9 + 7):
                request = replace(ask.request, amount_in=ask.request.amount_in // 3 + odd, min_profit=1)
                asked = replace(ask, request=request)
                aave, free = engine.funded_by(asked, "aave", view), engine.funded_by(asked, "morpho", view)
                (dear,) = await simulator.simulate([plan_of(engine, aave, view)], view.block)
                (cheap,) = await simulator.simulate([plan_of(engine, free, view)], view.block)
                assert cheap.realised - dear.realised == aave.source.fee > 0

    with chain.reverted():
        anyio.run(check)
