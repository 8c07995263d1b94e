"""Every capital source on every route: the trade settles to the wei, keeps no allowance and tells the truth."""

from dataclasses import replace

import pytest

from engine.chains.executor_calls import encode_execute, profit_of
from engine.domain.hops import FlashKind
from tests.devnet.executor.trades import (
    AMOUNTS,
    BACKWARDS,
    ROUTES,
    THIN,
    Refused,
    profit_of_call,
    tokens_of,
    trade,
    with_floor,
)
from tests.devnet.executor.world import World, allowance, balance, fund, logs_of, transact

pytestmark = pytest.mark.node

AAVE_PREMIUM_BPS = 5
INVENTORY = 7_777
FREE = (FlashKind.OWN, FlashKind.FIRST_POOL, FlashKind.MORPHO, FlashKind.BALANCER)


def lends(kind: FlashKind, route: str) -> bool:
    """Say whether a source can lend on a route: the vault does not swap while it lends, nor lets its input wait."""
    if kind is FlashKind.BALANCER:
        return "Balancer" not in route
    if kind is FlashKind.AAVE:
        return ROUTES[route][0] != "USDT"
    return kind is not FlashKind.FIRST_POOL or not route.startswith("Balancer")


CASES = [(route, kind) for route in ROUTES for kind in FlashKind if lends(kind, route)]
IDS = [f"{route} with {kind.name}" for route, kind in CASES]


@pytest.mark.parametrize("holding", ["nothing", "some of each"])
@pytest.mark.parametrize(("route", "kind"), CASES, ids=IDS)
def test_settles_to_the_wei_and_leaves_no_allowance(world: World, route: str, kind: FlashKind, holding: str) -> None:
    executor = world.executor.address
    wanted = trade(world, ROUTES[route], kind)
    if holding == "some of each":
        for symbol in set(ROUTES[route][::2]):
            fund(world, symbol, executor, INVENTORY)
    if kind is FlashKind.OWN:
        fund(world, ROUTES[route][0], executor, wanted.amount)
    before = {token: balance(world, token, executor) for token in tokens_of(wanted)}

    simulated = profit_of_call(world, wanted)
    receipt = transact(world.rpc, world.operator, executor, encode_execute(with_floor(wanted, simulated)))

    assert receipt["status"] == "0x1"
    assert profit_of(logs_of(receipt), executor) == (wanted.token, simulated)
    after = {token: balance(world, token, executor) for token in tokens_of(wanted)}
    assert after == before | {wanted.token: before[wanted.token] + simulated}
    for spender in (world.executor.vault, world.executor.aave, world.executor.morpho):
        assert all(allowance(world, token, executor, spender) == 0 for token in tokens_of(wanted))


@pytest.mark.parametrize("route", ROUTES)
def test_sources_differ_by_their_fee_alone(world: World, route: str) -> None:
    fund(world, ROUTES[route][0], world.executor.address, AMOUNTS[ROUTES[route][0]])
    own = profit_of_call(world, trade(world, ROUTES[route], FlashKind.OWN))
    for kind in FREE:
        if lends(kind, route):
            assert profit_of_call(world, trade(world, ROUTES[route], kind)) == own
    if lends(FlashKind.AAVE, route):
        premium = (AMOUNTS[ROUTES[route][0]] * AAVE_PREMIUM_BPS + 5_000) // 10_000  # PercentageMath rounds half up
        assert profit_of_call(world, trade(world, ROUTES[route], FlashKind.AAVE)) == own - premium


@pytest.mark.parametrize(("route", "kind"), CASES, ids=IDS)
def test_refuses_one_wei_short_of_the_floor(world: World, route: str, kind: FlashKind) -> None:
    wanted = trade(world, ROUTES[route], kind)
    if kind is FlashKind.OWN:
        fund(world, ROUTES[route][0], world.executor.address, wanted.amount)
    profit = profit_of_call(world, wanted)
    with pytest.raises(Refused, match=r"^below floor$"):
        profit_of_call(world, with_floor(wanted, profit + 1))


@pytest.mark.parametrize("kind", [FlashKind.BALANCER, FlashKind.AAVE, FlashKind.FIRST_POOL, FlashKind.MORPHO])
def test_a_losing_cycle_reverts_whatever_paid_for_it(world: World, kind: FlashKind) -> None:
    with pytest.raises(Refused):
        profit_of_call(world, trade(world, BACKWARDS, kind))


def test_own_funds_that_are_not_there_cannot_be_spent(world: World) -> None:
    with pytest.raises(Refused):
        profit_of_call(world, trade(world, ROUTES["V2-V2"], FlashKind.OWN))


def test_a_losing_cycle_cannot_be_paid_from_inventory(world: World) -> None:
    fund(world, "USDC", world.executor.address, 100 * AMOUNTS["USDC"])
    for kind in FlashKind:
        with pytest.raises(Refused, match=r"^balance fell$"):
            profit_of_call(world, trade(world, BACKWARDS, kind))


def test_the_vault_does_not_lend_to_a_route_through_itself(world: World) -> None:
    with pytest.raises(Refused, match="BAL#400"):
        profit_of_call(world, trade(world, ROUTES["V2-Balancer"], FlashKind.BALANCER))


def test_a_balancer_pool_cannot_pay_first(world: World) -> None:
    with pytest.raises(Refused, match=r"^kind$"):
        profit_of_call(world, trade(world, ROUTES["Balancer-V2"], FlashKind.FIRST_POOL))


def test_a_trade_ahead_of_ours_costs_profit_and_no_revert(world: World) -> None:
    wanted = trade(world, ROUTES["V2-V2-V2"], FlashKind.MORPHO)
    before = profit_of_call(world, wanted)
    rival = trade(world, ROUTES["V2-V2"], FlashKind.FIRST_POOL)
    assert transact(world.rpc, world.operator, world.executor.address, encode_execute(rival))["status"] == "0x1"
    assert 0 < profit_of_call(world, wanted) < before


@pytest.mark.parametrize("kind", [FlashKind.OWN, FlashKind.FIRST_POOL, FlashKind.MORPHO])
def test_what_a_drained_pool_does_not_take_stays_with_us(world: World, kind: FlashKind) -> None:
    wanted = replace(trade(world, THIN, kind), amount=50_000 * 10**6)
    if kind is FlashKind.OWN:
        fund(world, "USDC", world.executor.address, wanted.amount)
    before = balance(world, wanted.token, world.executor.address)
    simulated = profit_of_call(world, wanted)
    receipt = transact(world.rpc, world.operator, world.executor.address, encode_execute(wanted))
    assert receipt["status"] == "0x1"
    assert balance(world, wanted.token, world.executor.address) == before + simulated
    pool = world.pools["v3 WETH/USDC 10000"].address
    assert balance(world, wanted.token, pool) < wanted.amount
