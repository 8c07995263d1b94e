"""Strangers who call back unasked, borrow in our name, and a lender that comes through the wrong door."""

import pytest

from engine.devnet.calldata import call
from engine.domain.hops import FlashKind
from tests.devnet.executor.trades import ROUTES, refusal, refused, trade
from tests.devnet.executor.world import World, fund, transact

pytestmark = pytest.mark.node

AAVE_CALLBACK = "executeOperation(address,uint256,uint256,address,bytes)"
BALANCER_CALLBACK = "receiveFlashLoan(address[],uint256[],uint256[],bytes)"
MORPHO_CALLBACK = "onMorphoFlashLoan(uint256,bytes)"
ONE_USDC = 10**6


def callbacks(world: World) -> dict[str, bytes]:
    """Encode every callback there is, asking for a token that the executor holds."""
    usdc = world.tokens["USDC"]
    return {
        "V3": call("uniswapV3SwapCallback(int256,int256,bytes)", ONE_USDC, -1, b""),
        "V2": call("uniswapV2Call(address,uint256,uint256,bytes)", world.executor.address, ONE_USDC, 0, b"\x01"),
        "Balancer": call(BALANCER_CALLBACK, [usdc], [ONE_USDC], [0], b""),
        "Aave": call(AAVE_CALLBACK, usdc, ONE_USDC, 0, world.executor.address, b""),
        "Morpho": call(MORPHO_CALLBACK, ONE_USDC, b""),
    }


def test_nobody_is_paid_for_calling_back_unasked(world: World) -> None:
    fund(world, "USDC", world.executor.address, 10**12)
    senders = (world.stranger, world.operator, world.treasury, world.executor.vault, world.executor.morpho)
    for data in (*callbacks(world).values(), b"", b"\x12\x34\x56\x78"):
        for sender in senders:
            assert refusal(world, sender, world.executor.address, data) == "caller"


def test_a_stranger_cannot_borrow_from_the_vault_in_our_name(world: World) -> None:
    asked = ([world.tokens["USDC"]], [ONE_USDC])
    data = call("flashLoan(address,address[],uint256[],bytes)", world.executor.address, *asked, b"")
    assert refusal(world, world.stranger, world.executor.vault, data) == "caller"


def test_a_stranger_cannot_borrow_from_aave_in_our_name(world: World) -> None:
    asked = (world.executor.address, world.tokens["USDC"], ONE_USDC)
    data = call("flashLoanSimple(address,address,uint256,bytes,uint16)", *asked, b"", 0)
    assert refusal(world, world.stranger, world.executor.aave, data) == "caller"


def test_a_stranger_cannot_borrow_from_morpho_in_our_name(world: World) -> None:
    data = call("flashLoan(address,uint256,bytes)", world.tokens["USDC"], ONE_USDC, b"")
    through = call("forward(address,bytes)", world.executor.morpho, data)
    assert refusal(world, world.stranger, world.relay, through) == ""  # Morpho calls its caller, never us


def test_a_stranger_cannot_start_a_flash_swap_towards_us(world: World) -> None:
    pair = world.pools["uni WETH/USDC"].address
    data = call("swap(uint256,uint256,address,bytes)", 1, 0, world.executor.address, b"\x01")
    assert refusal(world, world.stranger, pair, data) == "caller"


def answers_with(world: World, answer: bytes) -> None:
    """Tell the hostile lender how to call its borrower."""
    assert transact(world.rpc, world.stranger, world.lender, call("answer_with(bytes)", answer))["status"] == "0x1"


def test_a_lender_comes_through_its_own_door_and_is_left_no_allowance(world: World) -> None:
    at = world.fooled
    fund(world, "USDC", at.address, 10**12)
    wanted = trade(world, ROUTES["V3-V3"], FlashKind.AAVE, executor=at)
    for name, data in callbacks(world).items():
        answers_with(world, data)
        assert refused(world, wanted, at) == ("allowance" if name == "Aave" else "caller")


def test_a_lender_that_never_calls_back_ends_the_trade(world: World) -> None:
    fund(world, "USDC", world.fooled.address, 10**12)
    wanted = trade(world, ROUTES["V3-V3"], FlashKind.AAVE, executor=world.fooled)
    answers_with(world, b"")
    assert refused(world, wanted, world.fooled) == "no callback"


def test_a_lender_that_lends_nothing_starts_no_trade(world: World) -> None:
    at = world.fooled
    wanted = trade(world, ROUTES["V3-V3"], FlashKind.AAVE, executor=at)
    loan = call(AAVE_CALLBACK, wanted.token, wanted.amount, 0, at.address, b"")
    answers_with(world, loan)
    assert "exceeds balance" in refused(world, wanted, at)  # it lent nothing and there is nothing of ours to spend
