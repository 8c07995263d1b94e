"""The L1 data fee by each chain's own model.

Real here: the node, the calls and their encoding, choosing a model, the engine that pays by it. Not real: the
oracles, small Vyper stand-ins put at the predeploys' addresses (tests/devnet/contracts says what they leave out); no
fee is taken by the local chain, which has no L1.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from vyper import compile_code

from engine.chains.endpoints import Endpoint, open_endpoint
from engine.domain.errors import ChainError
from engine.domain.units import Address, ChainId
from engine.planning.costs import SAMPLE_CALLDATA, ArbitrumNodeInterface, NoL1Fee, OpStackOracle, choose_l1_model
from tests.conftest import LocalChain
from tests.devnet.test_planning_fills import gap
from tests.engine_on_chain import GENEROUS, engine_on

pytestmark = pytest.mark.node

CONTRACTS = Path(__file__).with_name("contracts")
ORACLES = {
    ChainId(10): ("gas_price_oracle", "0x420000000000000000000000000000000000000f", OpStackOracle),
    ChainId(8453): ("gas_price_oracle", "0x420000000000000000000000000000000000000f", OpStackOracle),
    ChainId(42161): ("node_interface", "0x00000000000000000000000000000000000000c8", ArbitrumNodeInterface),
}
EXECUTOR = Address("0x" + "ee" * 20)


def stand_in(chain: LocalChain, name: str, at: str) -> None:
    runtime = compile_code((CONTRACTS / f"{name}.vy").read_text(encoding="utf-8"), output_formats=["bytecode_runtime"])
    chain.rpc.call("anvil_setCode", at, runtime["bytecode_runtime"])


@asynccontextmanager
async def endpoint_of(chain: LocalChain) -> AsyncIterator[Endpoint]:
    async with open_endpoint(chain.node.ws_url) as endpoint:
        yield endpoint


@pytest.mark.parametrize("chain_id", ORACLES)
def test_picks_the_model_whose_oracle_answers(chain: LocalChain, chain_id: ChainId) -> None:
    name, at, model = ORACLES[chain_id]

    async def check() -> None:
        async with endpoint_of(chain) as endpoint:
            stand_in(chain, name, at)
            for local in (True, False):
                assert isinstance(await choose_l1_model(endpoint, chain_id, local=local), model)

    with chain.reverted():
        anyio.run(check)


@pytest.mark.parametrize("chain_id", ORACLES)
def test_a_live_rollup_without_its_oracle_is_refused_and_a_local_one_says_so(
    chain: LocalChain, chain_id: ChainId
) -> None:
    async def check() -> None:
        async with endpoint_of(chain) as endpoint:
            with pytest.raises(ChainError, match="no L1 fee oracle answers"):
                await choose_l1_model(endpoint, chain_id, local=False)
            model = await choose_l1_model(endpoint, chain_id, local=True)
            assert isinstance(model, NoL1Fee)
            assert ORACLES[chain_id][1] in model.name

    anyio.run(check)


@pytest.mark.parametrize("chain_id", ORACLES)
def test_an_oracle_that_answers_rubbish_is_as_good_as_none(chain: LocalChain, chain_id: ChainId) -> None:
    _, at, model = ORACLES[chain_id]

    async def check() -> None:
        async with endpoint_of(chain) as endpoint:
            chain.rpc.call("anvil_setCode", at, "0x60016000f3")  # returns one byte
            with pytest.raises(ChainError, match="no L1 fee oracle answers"):
                await choose_l1_model(endpoint, chain_id, local=False)
            with pytest.raises(ChainError, match="gives no fee"):
                await model().fee(endpoint, EXECUTOR, SAMPLE_CALLDATA)

    with chain.reverted():
        anyio.run(check)


def test_ethereum_posts_nowhere_else(chain: LocalChain) -> None:
    async def check() -> None:
        async with endpoint_of(chain) as endpoint:
            model = await choose_l1_model(endpoint, ChainId(1), local=False)
            assert (await model.fee(endpoint, EXECUTOR, SAMPLE_CALLDATA)).wei == 0

    anyio.run(check)


def test_the_op_stack_is_asked_for_the_calldata_and_what_goes_around_it(chain: LocalChain) -> None:
    async def check() -> None:
        async with endpoint_of(chain) as endpoint:
            stand_in(chain, *ORACLES[ChainId(10)][:2])
            fee = await OpStackOracle().fee(endpoint, EXECUTOR, SAMPLE_CALLDATA)
            size = len(SAMPLE_CALLDATA) + 52 + 68
            scaled = 16 * 5227 * 10**10 + 1014213 * 10**6
            assert fee.wei == (836_500 * size - 42_585_600) * scaled // 10**12
            assert fee.gas_units == 0
            assert (await OpStackOracle().fee(endpoint, EXECUTOR, b"")).wei == 100_000_000 * scaled // 10**12

    with chain.reverted():
        anyio.run(check)


def test_arbitrums_data_is_paid_in_the_transactions_own_gas(chain: LocalChain) -> None:
    async def check() -> None:
        async with endpoint_of(chain) as endpoint:
            stand_in(chain, *ORACLES[ChainId(42161)][:2])
            fee = await ArbitrumNodeInterface().fee(endpoint, EXECUTOR, SAMPLE_CALLDATA)
            assert fee.gas_units == 48 * len(SAMPLE_CALLDATA)
            assert fee.wei == fee.gas_units * 20_000_000

    with chain.reverted():
        anyio.run(check)


@pytest.mark.parametrize("chain_id", [42161, 10])
def test_what_the_oracle_asks_is_in_proof_floor_reservation_and_gas_limit(
    own_chain: Callable[[int], LocalChain], tmp_path: Path, chain_id: int
) -> None:
    chain = own_chain(chain_id)
    name, at, model = ORACLES[ChainId(chain_id)]

    async def check() -> None:
        risk = GENEROUS.model_copy(update={"floor_share_ppm": 0})  # the floor is what gas and the least net need
        async with engine_on(chain, tmp_path, risk=risk, fills=0) as free:
            cycle = await gap(free)
            view = await free.view()
            cheap = free.ask(cycle, view).request.min_profit
        stand_in(chain, name, at)
        async with engine_on(chain, tmp_path, risk=risk) as engine:
            expected = (await engine.desk.priced(await engine.view())).l1_fee.wei
            await engine.block()  # the gap is as it was, and the engine takes it
            (entry,) = engine.journal.entries("proof")
            proof, costs = entry.body, entry.body["costs"]
            fee_wei = int(costs["l1_fee_wei"])
            assert costs["l1_model"] == model().name
            assert abs(fee_wei - expected) * 5 < fee_wei  # two hops here, three in the sample
            gas_wei = int(costs["gas_units"]) * (int(costs["base_fee_wei"]) + int(costs["priority_fee_wei"]))
            assert int(proof["net_wei"]) == int(proof["gross_wei"]) - gas_wei - fee_wei
            (reserved,) = engine.journal.entries("reservation")
            (intent,) = engine.journal.entries("intent")
            worst = int(intent.body["gas_limit"]) * int(intent.body["max_fee_wei"]) + 2 * fee_wei
            assert int(reserved.body["worst_wei"]) == worst
            in_gas = fee_wei // 20_000_000 if chain_id == 42161 else 0
            assert int(intent.body["gas_limit"]) >= int(costs["gas_units"]) * 14 // 10 + in_gas
            (request,) = engine.journal.entries("request")
            assert int(request.body["min_profit"]) > cheap
            await engine.block()
            assert [trade.status for trade in engine.trades()] == ["filled"]

    anyio.run(check)


def test_a_live_engine_does_not_start_on_a_rollup_without_its_oracle(
    chain: LocalChain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path, fills=0):
            pass
        monkeypatch.setattr("engine.compose.choose_l1_model", live)
        with pytest.raises(ChainError, match="overstated"):
            async with engine_on(chain, tmp_path, fills=0):
                pass

    async def live(endpoint: Endpoint, chain_id: ChainId, *, local: bool) -> object:
        assert local
        return await choose_l1_model(endpoint, chain_id, local=False)

    with chain.reverted():
        anyio.run(check)
