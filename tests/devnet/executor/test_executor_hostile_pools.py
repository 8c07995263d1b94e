"""Pools that ask more, call twice, never call, call through another, re-enter or lie; pairs that pay short."""

import pytest

from engine.chains.executor_calls import encode_execute, encode_list_profit_token, encode_set_operator, encode_sweep
from engine.devnet.calldata import call
from engine.domain.hops import FlashKind
from engine.domain.units import ZERO_ADDRESS, Address
from tests.devnet.executor.trades import ROUTES, Route, profit_of_call, refusal, refused, trade
from tests.devnet.executor.world import World, balance, fund, transact

pytestmark = pytest.mark.node

POOL_V2: Route = ("USDC", "hostile pool", "WETH", "sushi WETH/USDC", "USDC")
POOL_V3: Route = ("USDC", "hostile pool", "WETH", "v3 WETH/USDC 3000", "USDC")
POOL_LAST: Route = ("WETH", "sushi WETH/USDC", "USDC", "hostile pool", "WETH")
PAIR_V3: Route = ("USDC", "hostile pair", "WETH", "v3 WETH/USDC 3000", "USDC")
V3_PAIR: Route = ("WETH", "v3 WETH/USDC 3000", "USDC", "hostile pair", "WETH")

PAYING = (FlashKind.OWN, FlashKind.FIRST_POOL, FlashKind.MORPHO, FlashKind.BALANCER, FlashKind.AAVE)
CALLBACKS = (
    "uniswapV3SwapCallback(int256,int256,bytes)",
    "pancakeV3SwapCallback(int256,int256,bytes)",
    "algebraSwapCallback(int256,int256,bytes)",
)


def with_inventory(world: World) -> World:
    """Give the executors an inventory worth stealing."""
    for executor in world.executors:
        fund(world, "USDC", executor.address, 10**11)
        fund(world, "WETH", executor.address, 10**20)
    return world


def misbehave(
    world: World, *, callbacks: int = 1, asks: int = 0, claims: int = 0, through: Address = ZERO_ADDRESS
) -> None:
    """Tell the hostile pool what to do."""
    data = call("misbehave(uint256,uint256,uint256,address)", callbacks, asks, claims, through)
    assert transact(world.rpc, world.stranger, world.hostile["pool"], data)["status"] == "0x1"


def pair_misbehaves(world: World, *, short: int = 0, calls: bool = True, first: bool = False) -> None:
    """Tell the hostile pair what to do."""
    data = call("misbehave(uint256,bool,bool)", short, calls, first)
    assert transact(world.rpc, world.stranger, world.hostile["pair"], data)["status"] == "0x1"


def interpose(world: World, target: Address, payload: bytes) -> None:
    """Have the hostile pool make a call in the middle of its swap."""
    data = call("interpose(address,bytes)", target, payload)
    assert transact(world.rpc, world.stranger, world.hostile["pool"], data)["status"] == "0x1"


def test_the_hostile_contracts_trade_when_they_behave(world: World) -> None:
    with_inventory(world)
    for route in (POOL_V2, POOL_V3, POOL_LAST, PAIR_V3, V3_PAIR):
        for kind in PAYING:
            assert profit_of_call(world, trade(world, route, kind)) > 0


def test_every_forks_callback_is_answered(world: World) -> None:
    with_inventory(world)
    for signature in CALLBACKS:
        selector = call(signature, 0, 0, b"")[:4]
        data = call("name_callback(bytes4)", selector)
        assert transact(world.rpc, world.stranger, world.hostile["pool"], data)["status"] == "0x1"
        for kind in PAYING:
            assert profit_of_call(world, trade(world, POOL_V3, kind)) > 0


def test_a_pool_that_asks_more_is_not_paid(world: World) -> None:
    with_inventory(world)
    misbehave(world, asks=1)
    for kind in PAYING:
        assert refused(world, trade(world, POOL_V3, kind)) == "asks more"


def test_a_pool_that_calls_back_twice_is_paid_once(world: World) -> None:
    with_inventory(world)
    misbehave(world, callbacks=2)
    for kind in PAYING:
        assert refused(world, trade(world, POOL_V3, kind)) == "caller"


def test_a_pool_that_never_calls_back_ends_the_trade(world: World) -> None:
    with_inventory(world)
    misbehave(world, callbacks=0)
    for route in (POOL_V2, POOL_V3):
        for kind in PAYING:
            assert refused(world, trade(world, route, kind)) == "no callback"


def test_a_pool_that_calls_through_another_is_not_paid(world: World) -> None:
    with_inventory(world)
    misbehave(world, through=world.relay)
    for kind in PAYING:
        assert refused(world, trade(world, POOL_V3, kind)) == "caller"


def test_a_pool_that_lies_about_its_output_spends_no_inventory(world: World) -> None:
    with_inventory(world)
    misbehave(world, claims=10**18)
    for kind in PAYING:
        assert refused(world, trade(world, POOL_V3, kind)) == "short output"
        assert refused(world, trade(world, POOL_LAST, kind)) == "short output"


def test_a_liar_before_a_real_pair_is_caught_by_the_pair(world: World) -> None:
    with_inventory(world)
    misbehave(world, claims=10**18)
    for kind in PAYING:
        assert refused(world, trade(world, POOL_V2, kind)) == "UniswapV2: K"


def test_a_pair_that_pays_short_ends_the_trade(world: World) -> None:
    with_inventory(world)
    pair_misbehaves(world, short=1)
    for kind in PAYING:
        assert refused(world, trade(world, PAIR_V3, kind)) == "short output"
        assert refused(world, trade(world, V3_PAIR, kind)) == "short output"


def test_a_pair_that_never_calls_back_cannot_pay_first(world: World) -> None:
    with_inventory(world)
    pair_misbehaves(world, calls=False)
    assert profit_of_call(world, trade(world, PAIR_V3, FlashKind.MORPHO)) > 0
    assert refused(world, trade(world, PAIR_V3, FlashKind.FIRST_POOL)) == "no callback"


def test_a_pair_that_calls_before_it_pays_ends_the_trade(world: World) -> None:
    with_inventory(world)
    pair_misbehaves(world, first=True)
    assert refused(world, trade(world, PAIR_V3, FlashKind.FIRST_POOL)) == "short output"


def test_a_pool_re_enters_nothing_even_through_the_operator(world: World) -> None:
    with_inventory(world)
    at = world.relayed
    inner = encode_execute(trade(world, ROUTES["V2-V2"], FlashKind.FIRST_POOL, executor=at))
    outer = encode_execute(trade(world, POOL_V3, FlashKind.MORPHO, executor=at))
    assert refusal_through_relay(world, outer) is None
    for data in (inner, encode_sweep(world.tokens["DAI"], 0), encode_sweep(world.tokens["WETH"], 1)):
        assert refusal_through_relay(world, data) is None
        interpose(world, world.relay, call("forward(address,bytes)", at.address, data))
        assert refusal_through_relay(world, outer) == ""
        interpose(world, ZERO_ADDRESS, b"")


def test_a_pool_that_has_the_treasury_act_in_mid_trade_gains_nothing(world: World) -> None:
    with_inventory(world)
    at = world.relayed
    outer = encode_execute(trade(world, POOL_V3, FlashKind.MORPHO, executor=at))
    usdc = world.tokens["USDC"]
    for data in (encode_set_operator(world.stranger), encode_list_profit_token(usdc, False)):
        interpose(world, world.relay, call("forward(address,bytes)", at.address, data))
        before = balance(world, usdc, at.address)
        forward = call("forward(address,bytes)", at.address, outer)
        snapshot = world.rpc.call("evm_snapshot")
        assert transact(world.rpc, world.stranger, world.relay, forward)["status"] == "0x1"
        assert balance(world, usdc, at.address) > before
        world.rpc.call("evm_revert", snapshot)


def refusal_through_relay(world: World, data: bytes) -> str | None:
    """Say why the executor whose operator is a contract refuses, or None when it does not."""
    forward = call("forward(address,bytes)", world.relayed.address, data)
    try:
        return refusal(world, world.stranger, world.relay, forward)
    except AssertionError:
        return None


def test_a_pool_that_starts_a_loan_towards_us_in_mid_trade_is_refused(world: World) -> None:
    with_inventory(world)
    usdc = world.tokens["USDC"]
    loans = {
        world.executor.vault: call(
            "flashLoan(address,address[],uint256[],bytes)", world.executor.address, [usdc], [10**6], b""
        ),
        world.executor.aave: call(
            "flashLoanSimple(address,address,uint256,bytes,uint16)", world.executor.address, usdc, 10**6, b"", 0
        ),
    }
    for lender, data in loans.items():
        interpose(world, lender, data)
        for kind in (FlashKind.OWN, FlashKind.FIRST_POOL, FlashKind.MORPHO, FlashKind.AAVE):
            assert refused(world, trade(world, POOL_V3, kind)) == "caller"
