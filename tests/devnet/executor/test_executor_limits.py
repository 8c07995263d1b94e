"""What `execute` refuses before it calls anybody: late, without a floor, not a cycle, unknown kinds, other lenders."""

from dataclasses import replace

import pytest

from engine.chains.executor_calls import encode_execute
from engine.domain.hops import Flash, FlashKind, pack_hop
from engine.domain.units import ZERO_ADDRESS
from tests.devnet.executor.trades import ROUTES, profit_of_call, raw_execute, refusal, refused, trade, with_floor
from tests.devnet.executor.world import World, fund, transact

pytestmark = pytest.mark.node

LENDERS = (FlashKind.BALANCER, FlashKind.AAVE, FlashKind.MORPHO)
UNKNOWN_KIND = 9


def test_refuses_a_trade_past_its_deadline(world: World) -> None:
    wanted = trade(world, ROUTES["V2-V2"], FlashKind.FIRST_POOL)
    assert refused(world, replace(wanted, deadline_s=1)) == "late"


def test_the_deadline_is_the_last_second_that_is_in_time(world: World) -> None:
    now = int(world.rpc.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
    wanted = replace(trade(world, ROUTES["V2-V2"], FlashKind.FIRST_POOL), deadline_s=now + 100)
    for mined_at_s, status in ((now + 100, "0x1"), (now + 101, "0x0")):
        snapshot = world.rpc.call("evm_snapshot")
        world.rpc.call("evm_setNextBlockTimestamp", mined_at_s)
        receipt = transact(world.rpc, world.operator, world.executor.address, encode_execute(wanted))
        assert receipt["status"] == status
        world.rpc.call("evm_revert", snapshot)


def test_refuses_a_trade_without_a_floor(world: World) -> None:
    assert refused(world, replace(trade(world, ROUTES["V2-V2"], FlashKind.FIRST_POOL), min_profit=0)) == "no floor"


def test_refuses_one_wei_short_of_the_floor(world: World) -> None:
    wanted = trade(world, ROUTES["V2-V2"], FlashKind.FIRST_POOL)
    profit = profit_of_call(world, wanted)
    assert profit_of_call(world, with_floor(wanted, profit)) == profit
    assert refused(world, with_floor(wanted, profit + 1)) == "below floor"


def test_refuses_an_amount_of_nothing(world: World) -> None:
    wanted = replace(trade(world, ROUTES["V2-V2"], FlashKind.FIRST_POOL), amount=0)
    assert refused(world, wanted) == "UniswapV2: INSUFFICIENT_OUTPUT_AMOUNT"


def test_refuses_profit_in_a_token_that_is_not_listed(world: World) -> None:
    through_dai = ("USDC", "uni USDC/DAI", "DAI", "uni WETH/DAI", "WETH", "sushi WETH/USDC", "USDC")
    from_dai = ("DAI", "uni WETH/DAI", "WETH", "sushi WETH/USDC", "USDC", "uni USDC/DAI", "DAI")
    assert profit_of_call(world, trade(world, through_dai, FlashKind.FIRST_POOL)) > 0
    assert refused(world, trade(world, from_dai, FlashKind.FIRST_POOL)) == "not listed"


def test_refuses_fewer_than_two_hops(world: World) -> None:
    wanted = trade(world, ROUTES["V2-V2"], FlashKind.OWN)
    last = [pack_hop(wanted.hops[-1])]
    for hops in ([], last):
        assert refusal(world, world.operator, world.executor.address, raw_execute(wanted, hops=hops)) == "no route"


def test_refuses_more_than_eight_hops(world: World) -> None:
    wanted = trade(world, ROUTES["V2-V2"], FlashKind.MORPHO)
    round_trips = [pack_hop(hop) for hop in wanted.hops] * 5
    assert refusal(world, world.operator, world.executor.address, raw_execute(wanted, hops=round_trips)) == ""


def test_refuses_a_route_that_does_not_come_back(world: World) -> None:
    open_route = ("USDC", "uni USDC/DAI", "DAI", "uni WETH/DAI", "WETH")
    fund(world, "USDC", world.executor.address, 10**12)
    assert refused(world, trade(world, open_route, FlashKind.OWN)) == "open cycle"


def test_refuses_a_route_that_starts_in_another_token(world: World) -> None:
    fund(world, "WETH", world.executor.address, 10**18)
    wanted = replace(trade(world, ROUTES["V2-V2"], FlashKind.OWN), token=world.tokens["WETH"], amount=10**15)
    assert refused(world, wanted) == "open cycle"


def test_refuses_a_hop_of_an_unknown_kind(world: World) -> None:
    wanted = trade(world, ROUTES["V2-V2"], FlashKind.MORPHO)
    (_, (a, b)) = (pack_hop(hop) for hop in wanted.hops)
    for kind in (0, UNKNOWN_KIND):
        hops = [pack_hop(wanted.hops[0]), (a & 2**248 - 1 | kind << 248, b)]
        assert refusal(world, world.operator, world.executor.address, raw_execute(wanted, hops=hops)) == "kind"


def test_refuses_capital_of_an_unknown_kind(world: World) -> None:
    wanted = trade(world, ROUTES["V2-V2"], FlashKind.MORPHO)
    word = UNKNOWN_KIND << 248 | int(world.executor.morpho, 16)
    assert refusal(world, world.operator, world.executor.address, raw_execute(wanted, flash_word=word)) == "kind"


def test_refuses_every_lender_but_those_fixed_at_deployment(world: World) -> None:
    for kind in LENDERS:
        wanted = trade(world, ROUTES["V2-V2"], kind)
        for lender in (world.lender, world.operator):
            assert refused(world, replace(wanted, flash=Flash(kind=kind, lender=lender))) == "lender"
        nobody = raw_execute(wanted, flash_word=kind << 248)
        assert refusal(world, world.operator, world.executor.address, nobody) == "lender"


def test_an_executor_without_lenders_borrows_from_nobody(world: World) -> None:
    own = trade(world, ROUTES["V2-V2"], FlashKind.FIRST_POOL, executor=world.bare)
    assert profit_of_call(world, own, world.bare) > 0
    for kind in LENDERS:
        wanted = raw_execute(own, flash_word=kind << 248 | int(ZERO_ADDRESS, 16))
        assert refusal(world, world.operator, world.bare.address, wanted) == "lender"
