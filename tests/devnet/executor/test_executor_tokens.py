"""Tokens that tax, surcharge, refuse, or return nothing."""

from dataclasses import replace

import pytest

from engine.chains.executor_calls import encode_execute, encode_list_profit_token, encode_sweep
from engine.devnet.calldata import call
from engine.domain.hops import FlashKind
from engine.domain.units import ZERO_ADDRESS, Address
from tests.devnet.executor.trades import ROUTES, Route, profit_of_call, refusal, refused, trade
from tests.devnet.executor.world import World, allowance, balance, fund, transact

pytestmark = pytest.mark.node

ODD: Route = ("USDC", "hostile odd pool", "odd", "hostile odd pool back", "USDC")
ODD_PAIR: Route = ("USDC", "hostile odd pool", "odd", "hostile odd pair", "USDC")
FROM_ODD: Route = ("odd", "hostile odd pool back", "USDC", "hostile odd pool", "odd")
PERCENT_PPM = 10_000


def misbehave(world: World, *, tax_ppm: int = 0, surcharge_ppm: int = 0, refuses: Address = ZERO_ADDRESS) -> None:
    """Tell the odd token what to do."""
    data = call("misbehave(uint256,uint256,address)", tax_ppm, surcharge_ppm, refuses)
    assert transact(world.rpc, world.stranger, world.hostile["odd"], data)["status"] == "0x1"


def hold_odd(world: World, holder: Address, amount: int) -> None:
    """Mint odd tokens."""
    minted = transact(world.rpc, world.stranger, world.hostile["odd"], call("mint(address,uint256)", holder, amount))
    assert minted["status"] == "0x1"


def list_odd(world: World) -> None:
    """Have the treasury list the odd token."""
    data = encode_list_profit_token(world.hostile["odd"], True)
    assert transact(world.rpc, world.treasury, world.executor.address, data)["status"] == "0x1"


def test_an_odd_token_that_behaves_is_traded(world: World) -> None:
    list_odd(world)
    hold_odd(world, world.executor.morpho, 10**24)
    for route in (ODD, ODD_PAIR, FROM_ODD):
        for kind in (FlashKind.MORPHO, FlashKind.FIRST_POOL):
            assert profit_of_call(world, trade(world, route, kind)) > 0


def test_a_token_that_taxes_its_receiver_ends_the_trade(world: World) -> None:
    hold_odd(world, world.executor.address, 10**24)
    misbehave(world, tax_ppm=1)
    for kind in (FlashKind.MORPHO, FlashKind.FIRST_POOL):
        assert refused(world, trade(world, ODD, kind)) == "short output"


def test_a_token_that_charges_its_sender_more_ends_the_trade(world: World) -> None:
    misbehave(world, surcharge_ppm=PERCENT_PPM)
    hold_odd(world, world.executor.address, 10**24)
    for kind in (FlashKind.MORPHO, FlashKind.FIRST_POOL):
        assert refused(world, trade(world, ODD, kind)) == "balance fell"


def test_a_token_that_refuses_a_transfer_ends_the_trade(world: World) -> None:
    misbehave(world, refuses=world.executor.address)
    for kind in (FlashKind.MORPHO, FlashKind.FIRST_POOL):
        assert refused(world, trade(world, ODD, kind)) == "transfer"


def test_a_token_that_refuses_a_sweep_says_so(world: World) -> None:
    hold_odd(world, world.executor.address, 100)
    misbehave(world, refuses=world.executor.address)
    sweep = encode_sweep(world.hostile["odd"], 100)
    assert refusal(world, world.operator, world.executor.address, sweep) == "transfer"


def test_a_token_that_refuses_an_allowance_ends_the_trade(world: World) -> None:
    list_odd(world)
    hold_odd(world, world.executor.morpho, 10**24)
    through_vault = replace(trade(world, ROUTES["Balancer-V2"], FlashKind.OWN), token=world.hostile["odd"])
    misbehave(world, refuses=world.executor.address)
    wanted = trade(world, FROM_ODD, FlashKind.MORPHO)
    assert refused(world, wanted) == "transfer"
    assert refused(world, replace(through_vault, hops=(through_vault.hops[0], wanted.hops[1]))) == "approve"


def test_a_token_that_wants_a_zero_allowance_first_is_borrowed_again_and_again(world: World) -> None:
    usdt, morpho = world.tokens["USDT"], world.executor.morpho
    wanted = trade(world, ROUTES["V2-V2 from a token that returns nothing"], FlashKind.MORPHO)
    profits = []
    for _ in range(2):
        profits.append(profit_of_call(world, wanted))
        receipt = transact(world.rpc, world.operator, world.executor.address, encode_execute(wanted))
        assert receipt["status"] == "0x1"
        assert allowance(world, usdt, world.executor.address, morpho) == 0
    assert balance(world, usdt, world.executor.address) == sum(profits)


def test_nothing_is_allowed_to_anybody_between_trades(world: World) -> None:
    fund(world, "USDC", world.executor.address, 10**12)
    spenders = (world.executor.vault, world.executor.aave, world.executor.morpho, world.stranger, world.operator)
    for name in ("V2-Balancer-V3-V2", "V2-V3-Balancer", "V2-V2"):
        for kind in (FlashKind.MORPHO, FlashKind.AAVE):
            wanted = replace(trade(world, ROUTES[name], kind), amount=10**8)
            receipt = transact(world.rpc, world.operator, world.executor.address, encode_execute(wanted))
            assert receipt["status"] == "0x1"
            for token in world.tokens.values():
                assert all(allowance(world, token, world.executor.address, spender) == 0 for spender in spenders)
