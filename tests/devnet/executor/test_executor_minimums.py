"""Each hop's own minimum: met to the last step that a hop can carry, refused one step above, whatever paid for it."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from engine.chains.abi import address_of, event_topic
from engine.chains.executor_calls import ExecuteCall, encode_execute
from engine.domain.hops import FlashKind, packable
from engine.planning.least_outs import least_outs
from tests.devnet.executor.trades import ROUTES, profit_of_call, refused, trade, with_floor
from tests.devnet.executor.world import World, fund, logs_of, transact

pytestmark = pytest.mark.node

TRANSFER = event_topic("Transfer(address,address,uint256)")
CASES = {
    "V2-V2": (FlashKind.OWN, FlashKind.FIRST_POOL, FlashKind.MORPHO, FlashKind.BALANCER, FlashKind.AAVE),
    "V3-V2": (FlashKind.OWN, FlashKind.FIRST_POOL),
    "V3-V3": (FlashKind.OWN, FlashKind.FIRST_POOL),
    "Balancer-V2": (FlashKind.OWN, FlashKind.MORPHO),
    "V2-V3-Balancer": (FlashKind.OWN, FlashKind.FIRST_POOL),
}


def outs_of(world: World, wanted: ExecuteCall) -> list[int]:
    """Read what each hop delivers from the tokens' own logs."""
    snapshot = world.rpc.call("evm_snapshot")
    receipt = transact(world.rpc, world.operator, world.executor.address, encode_execute(wanted))
    world.rpc.call("evm_revert", snapshot)
    assert receipt["status"] == "0x1"
    holders = {hop.pool: {hop.pool, world.executor.vault if hop.balancer_id else hop.pool} for hop in wanted.hops}
    moved = [
        (log.address, address_of(log.topics[1]), int.from_bytes(log.data))
        for log in logs_of(receipt)
        if log.topics[0] == TRANSFER
    ]
    return [
        next(amount for token, sender, amount in moved if token == hop.token_out and sender in holders[hop.pool])
        for hop in wanted.hops
    ]


def with_minimums(wanted: ExecuteCall, minimums: Sequence[int]) -> ExecuteCall:
    hops = [replace(hop, least_out=least) for hop, least in zip(wanted.hops, minimums, strict=True)]
    return replace(wanted, hops=tuple(hops))


def step_above(least: int) -> int:
    """Return the next greater minimum that a hop can carry."""
    return packable(least) + (1 << max(0, least.bit_length() - 24))


def funded(world: World, route: str, kind: FlashKind) -> ExecuteCall:
    wanted = trade(world, ROUTES[route], kind)
    if kind is FlashKind.OWN:
        fund(world, ROUTES[route][0], world.executor.address, wanted.amount)
    return wanted


def test_a_hop_that_delivers_its_minimum_is_taken_and_one_step_above_is_refused(world: World) -> None:
    for route, kinds in CASES.items():
        for kind in kinds:
            wanted = funded(world, route, kind)
            profit = profit_of_call(world, wanted)
            outs = outs_of(world, wanted)
            met = [packable(out) for out in outs]
            assert profit_of_call(world, with_minimums(wanted, met)) == profit, (route, kind)
            for at, out in enumerate(outs):
                asked = [*met[:at], step_above(out), *met[at + 1 :]]
                assert refused(world, with_minimums(wanted, asked)) == "below minimum", (route, kind, at)


def test_a_hop_without_a_minimum_and_the_greatest_minimum_are_read_as_written(world: World) -> None:
    wanted = funded(world, "V2-V2", FlashKind.OWN)
    assert profit_of_call(world, with_minimums(wanted, (0, 0))) > 0
    assert profit_of_call(world, with_minimums(wanted, (1, 1))) > 0
    assert refused(world, with_minimums(wanted, (packable(2**256 - 1), 0))) == "below minimum"
    assert refused(world, with_minimums(wanted, (0, packable(2**256 - 1)))) == "below minimum"


def test_the_planners_minimums_let_a_small_trade_ahead_of_ours_cost_profit_alone(world: World) -> None:
    wanted = trade(world, ROUTES["V2-V2-V2"], FlashKind.MORPHO)
    before = profit_of_call(world, wanted)
    floored = with_floor(wanted, before // 2)
    guarded = with_minimums(floored, least_outs(outs_of(world, wanted), wanted.amount + before // 2))
    assert profit_of_call(world, guarded) == before
    rival = replace(trade(world, ROUTES["V2-V2"], FlashKind.FIRST_POOL), amount=10**9)
    assert transact(world.rpc, world.operator, world.executor.address, encode_execute(rival))["status"] == "0x1"
    assert before // 2 <= profit_of_call(world, guarded) < before


def test_a_pool_moved_against_us_ends_the_trade_at_its_hop(world: World) -> None:
    wanted = funded(world, "V2-V3-Balancer", FlashKind.OWN)
    profit = profit_of_call(world, wanted)
    outs = outs_of(world, wanted)
    guarded = with_minimums(with_floor(wanted, profit), least_outs(outs, wanted.amount + profit))
    assert profit_of_call(world, guarded) == profit
    same_way = trade(world, ROUTES["V2-V2-V2"], FlashKind.MORPHO)
    assert transact(world.rpc, world.operator, world.executor.address, encode_execute(same_way))["status"] == "0x1"
    assert refused(world, guarded) == "below minimum"
