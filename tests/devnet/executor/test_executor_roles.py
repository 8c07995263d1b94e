"""Who may do what: the operator trades and sweeps to the treasury, the treasury lists and replaces, others nothing."""

import pytest

from engine.chains.abi import Function, event_topic
from engine.chains.executor_calls import (
    OPERATOR,
    PROFIT_TOKENS,
    TREASURY,
    ExecuteCall,
    encode_execute,
    encode_list_profit_token,
    encode_set_operator,
    encode_sweep,
)
from engine.domain.hops import FlashKind
from engine.domain.units import ZERO_ADDRESS, Address
from engine.execution.artifact import deploy_data
from tests.devnet.executor.trades import ROUTES, ask, profit_of_call, refusal, refused, trade
from tests.devnet.executor.world import World, balance, fund, logs_of, transact

pytestmark = pytest.mark.node

TRANSFER_TOPIC = event_topic("Transfer(address,address,uint256)")
LENDERS = ("BALANCER_VAULT", "AAVE_POOL", "MORPHO")


def a_trade(world: World) -> ExecuteCall:
    """Make a trade that would settle."""
    return trade(world, ROUTES["V2-V2"], FlashKind.FIRST_POOL)


def by_treasury(world: World, data: bytes) -> None:
    """Have the treasury send `data` to the executor."""
    assert transact(world.rpc, world.treasury, world.executor.address, data)["status"] == "0x1"


def test_nobody_but_the_operator_executes(world: World) -> None:
    data = encode_execute(a_trade(world))
    assert int.from_bytes(ask(world, world.operator, world.executor.address, data)) > 0
    for other in (world.stranger, world.treasury, world.deployer, world.executor.address):
        assert refusal(world, other, world.executor.address, data) == "not operator"


def test_a_revoked_operator_neither_executes_nor_sweeps(world: World) -> None:
    fund(world, "USDC", world.executor.address, 100)
    by_treasury(world, encode_set_operator(ZERO_ADDRESS))
    assert refused(world, a_trade(world)) == "not operator"
    sweep = encode_sweep(world.tokens["USDC"], 100)
    assert refusal(world, world.operator, world.executor.address, sweep) == "not allowed"


def test_the_treasury_replaces_the_operator(world: World) -> None:
    by_treasury(world, encode_set_operator(world.stranger))
    at, data = world.executor.address, encode_execute(a_trade(world))
    assert OPERATOR.decode(world.rpc.eth_call(at, OPERATOR.encode())) == (world.stranger,)
    assert int.from_bytes(ask(world, world.stranger, at, data)) > 0
    assert refusal(world, world.operator, at, data) == "not operator"


def test_nobody_but_the_treasury_replaces_the_operator(world: World) -> None:
    for other in (world.operator, world.stranger, world.executor.address):
        data = encode_set_operator(world.stranger)
        assert refusal(world, other, world.executor.address, data) == "not treasury"


def test_nobody_but_the_treasury_lists_profit_tokens(world: World) -> None:
    for other in (world.operator, world.stranger, world.executor.address):
        data = encode_list_profit_token(world.tokens["DAI"], True)
        assert refusal(world, other, world.executor.address, data) == "not treasury"


def test_a_token_off_the_list_takes_no_profit(world: World) -> None:
    usdc, at = world.tokens["USDC"], world.executor.address
    assert profit_of_call(world, a_trade(world)) > 0
    by_treasury(world, encode_list_profit_token(usdc, False))
    assert PROFIT_TOKENS.decode(world.rpc.eth_call(at, PROFIT_TOKENS.encode(usdc))) == (False,)
    assert refused(world, a_trade(world)) == "not listed"
    by_treasury(world, encode_list_profit_token(usdc, True))
    assert profit_of_call(world, a_trade(world)) > 0


def test_a_sweep_goes_to_the_treasury_whoever_asks_for_it(world: World) -> None:
    usdc, at = world.tokens["USDC"], world.executor.address
    fund(world, "USDC", at, 100)
    for sender, swept in ((world.operator, 30), (world.treasury, 70)):
        before = balance(world, usdc, world.treasury)
        assert transact(world.rpc, sender, at, encode_sweep(usdc, swept))["status"] == "0x1"
        assert balance(world, usdc, world.treasury) == before + swept
    assert balance(world, usdc, at) == 0
    assert balance(world, usdc, world.operator) == 0


def test_a_token_that_returns_nothing_is_swept_too(world: World) -> None:
    usdt = world.tokens["USDT"]
    fund(world, "USDT", world.executor.address, 100)
    assert transact(world.rpc, world.operator, world.executor.address, encode_sweep(usdt, 100))["status"] == "0x1"
    assert balance(world, usdt, world.treasury) == 100


def test_a_stranger_sweeps_nothing(world: World) -> None:
    fund(world, "USDC", world.executor.address, 100)
    data = encode_sweep(world.tokens["USDC"], 100)
    assert refusal(world, world.stranger, world.executor.address, data) == "not allowed"


def test_no_more_is_swept_than_is_there(world: World) -> None:
    fund(world, "USDC", world.executor.address, 100)
    sweep = encode_sweep(world.tokens["USDC"], 101)
    assert "balance" in refusal(world, world.operator, world.executor.address, sweep)


def test_a_trade_pays_nobody_but_its_pools_and_its_lender(world: World) -> None:
    for name, route in ROUTES.items():
        for kind in (FlashKind.MORPHO, FlashKind.FIRST_POOL):
            if kind is FlashKind.FIRST_POOL and name.startswith("Balancer"):
                continue
            snapshot = world.rpc.call("evm_snapshot")
            wanted = trade(world, route, kind)
            receipt = transact(world.rpc, world.operator, world.executor.address, encode_execute(wanted))
            paid = {
                Address("0x" + log.topics[2][-20:].hex())
                for log in logs_of(receipt)
                if log.topics[0] == TRANSFER_TOPIC and log.topics[1][-20:].hex() == world.executor.address[2:]
            }
            pools = {hop.pool for hop in wanted.hops}
            assert paid <= pools | {world.executor.vault, world.executor.morpho}, name
            assert paid
            world.rpc.call("evm_revert", snapshot)


def test_coin_sent_by_mistake_comes_back(world: World) -> None:
    calls = (b"", encode_execute(a_trade(world)), encode_sweep(world.tokens["USDC"], 0), b"\x01\x02\x03\x04")
    for data in calls:
        assert refusal(world, world.operator, world.executor.address, data, value=1) == ""
    receipt = transact(world.rpc, world.operator, world.executor.address, b"", value=1)
    assert receipt["status"] == "0x0"
    assert world.rpc.call("eth_getBalance", world.executor.address, "latest") == "0x0"


def test_parties_are_those_of_the_deployment(world: World) -> None:
    at = world.executor
    assert TREASURY.decode(world.rpc.eth_call(at.address, TREASURY.encode())) == (world.treasury,)
    assert OPERATOR.decode(world.rpc.eth_call(at.address, OPERATOR.encode())) == (world.operator,)
    for name, lender in zip(LENDERS, (at.vault, at.aave, at.morpho), strict=True):
        getter = Function(f"{name}()", ("address",))
        assert getter.decode(world.rpc.eth_call(at.address, getter.encode())) == (lender,)


def test_an_executor_without_a_treasury_cannot_be_deployed(world: World) -> None:
    code = deploy_data(ZERO_ADDRESS, world.operator, artifact=world.artifact)
    assert refusal(world, world.deployer, None, code) == "no treasury"


def test_role_changes_are_logged(world: World) -> None:
    at, usdc = world.executor.address, world.tokens["USDC"]
    set_ = transact(world.rpc, world.treasury, at, encode_set_operator(world.stranger))
    assert [log.topics[0] for log in logs_of(set_)] == [event_topic("OperatorSet(address)")]
    listed = transact(world.rpc, world.treasury, at, encode_list_profit_token(usdc, False))
    assert [log.topics[0] for log in logs_of(listed)] == [event_topic("ProfitTokenListed(address,bool)")]
