"""A trade is simulated without deploying anything: code and storage of the executor are overrides of one call."""

import pytest

from engine.chains.executor_calls import encode_execute
from engine.devnet.rpc import hex_of
from engine.domain.hops import FlashKind
from engine.domain.units import Address
from engine.execution.artifact import state_diff
from tests.devnet.executor.trades import ROUTES, profit_of_call, trade
from tests.devnet.executor.world import World

pytestmark = pytest.mark.node

NOWHERE = Address("0x" + "5e" * 20)


def test_an_executor_that_is_not_there_earns_what_a_deployed_one_would(world: World) -> None:
    code = world.rpc.call("eth_call", {"data": hex_of(world.executor.creation(world.artifact))}, "latest")
    listed = [world.tokens["USDC"]]
    storage = state_diff(world.operator, listed, artifact=world.artifact)
    override = {NOWHERE: {"code": code, "stateDiff": storage}}
    for kind in (FlashKind.MORPHO, FlashKind.AAVE, FlashKind.FIRST_POOL):
        wanted = trade(world, ROUTES["V2-V3-Balancer"], kind)
        body = {"from": world.operator, "to": NOWHERE, "data": hex_of(encode_execute(wanted))}
        answer = world.rpc.call("eth_call", body, "latest", override)
        assert int(answer, 16) == profit_of_call(world, wanted)
