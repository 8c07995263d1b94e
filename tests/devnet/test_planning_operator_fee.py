"""The OP Stack's operator fee: by its oracle, with the formula as a check, in costs, floor and worst loss.

Real here: the node, the calls, the engine that counts with the fee. Not real: oracle and L1Block, small Vyper
stand-ins at the predeploys' addresses; the local chain takes no such fee.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from engine.chains.endpoints import open_endpoint
from engine.devnet.calldata import call
from engine.domain.errors import ChainError
from engine.domain.units import ChainId
from engine.planning.operator_fee import MEGA, NO_OPERATOR_FEE, OperatorFee, operator_fee
from tests.conftest import LocalChain
from tests.devnet.test_planning_fills import gap
from tests.devnet.test_planning_l1_fee import ORACLES, stand_in
from tests.engine_on_chain import GENEROUS, engine_on

pytestmark = pytest.mark.node

ORACLE = ORACLES[ChainId(10)][1]
L1_BLOCK = "0x4200000000000000000000000000000000000015"
SCALAR, CONSTANT = 2_000_000, 3 * 10**11


def charge(chain: LocalChain, *, jovian: bool, scalar: int = SCALAR, said_scalar: int = SCALAR) -> None:
    """Put both stand-ins up with an operator's terms."""
    stand_in(chain, "gas_price_oracle_isthmus", ORACLE)
    stand_in(chain, "l1_block", L1_BLOCK)
    sender = chain.rpc.call("eth_accounts")[4]
    for to, data in (
        (ORACLE, call("set_terms(uint256,uint256,bool)", scalar, CONSTANT, jovian)),
        (L1_BLOCK, call("set_terms(uint32,uint64)", said_scalar, CONSTANT)),
    ):
        fees = {"maxFeePerGas": hex(10**12), "maxPriorityFeePerGas": "0x1", "gas": hex(200_000)}
        chain.rpc.call("eth_sendTransaction", {"from": sender, "to": to, "data": "0x" + data.hex(), **fees})
    chain.mine()


async def ask(chain: LocalChain) -> OperatorFee:
    async with open_endpoint(chain.node.ws_url) as endpoint:
        return await operator_fee(endpoint)


@pytest.mark.parametrize(("jovian", "mega_gas_wei"), [(False, SCALAR), (True, SCALAR * 100 * MEGA)])
def test_the_oracle_is_believed_when_a_forks_formula_gives_the_same(
    chain: LocalChain, jovian: bool, mega_gas_wei: int
) -> None:
    with chain.reverted():
        charge(chain, jovian=jovian)
        fee = anyio.run(ask, chain)
        assert fee == OperatorFee(mega_gas_wei=mega_gas_wei, constant_wei=CONSTANT)
        gas = 234_567
        by_formula = gas * SCALAR * 100 + CONSTANT if jovian else -(-gas * SCALAR // 10**6) + CONSTANT
        assert fee.of(gas) == by_formula


def test_an_oracle_that_neither_formula_bears_out_is_not_traded_by(chain: LocalChain) -> None:
    with chain.reverted():
        charge(chain, jovian=False, said_scalar=SCALAR + 1)
        with pytest.raises(ChainError, match="its formula differ"):
            anyio.run(ask, chain)


def test_before_isthmus_there_is_none(chain: LocalChain) -> None:
    with chain.reverted():
        stand_in(chain, "gas_price_oracle", ORACLE)  # it has no such function
        assert anyio.run(ask, chain) == NO_OPERATOR_FEE


def test_what_the_operator_takes_is_in_proof_floor_and_reservation(
    own_chain: Callable[[int], LocalChain], tmp_path: Path
) -> None:
    chain = own_chain(10)
    charge(chain, jovian=True)

    async def check() -> None:
        risk = GENEROUS.model_copy(update={"floor_share_ppm": 0})
        async with engine_on(chain, tmp_path, risk=risk) as engine:
            cycle = await gap(engine)
            bare = engine.ask(cycle, await engine.view()).request.min_profit
            priced = await engine.desk.priced(await engine.view())
            assert engine.ask(cycle, priced).request.min_profit > bare
            assert priced.l1_fee.operator.constant_wei == CONSTANT
            await engine.block()
            (entry,) = engine.journal.entries("proof")
            proof, costs = entry.body, entry.body["costs"]
            gas, fee_wei = int(costs["gas_units"]), int(costs["operator_fee_wei"])
            assert fee_wei == gas * SCALAR * 100 + CONSTANT
            gas_wei = gas * (int(costs["base_fee_wei"]) + int(costs["priority_fee_wei"]))
            apart_wei = fee_wei + int(costs["l1_fee_wei"])
            assert int(proof["net_wei"]) == int(proof["gross_wei"]) - gas_wei - apart_wei
            (reserved,) = engine.journal.entries("reservation")
            (intent,) = engine.journal.entries("intent")
            gas_limit = int(intent.body["gas_limit"])
            at_most = 2 * (gas_limit * SCALAR * 100 + CONSTANT + int(costs["l1_fee_wei"]))
            assert int(reserved.body["worst_wei"]) >= gas_limit * int(intent.body["max_fee_wei"]) + at_most
            await engine.block()
            assert [trade.status for trade in engine.trades()] == ["filled"]

    anyio.run(check)
