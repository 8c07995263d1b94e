"""Whatever the operator sends, and however pools and tokens behave: no balance falls, nothing stays allowed."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations
from random import Random

import pytest

from engine.chains.executor_calls import ExecuteCall, encode_execute
from engine.devnet.calldata import call
from engine.domain.hops import FlashKind
from engine.domain.units import ZERO_ADDRESS
from tests.devnet.executor.trades import AMOUNTS, hostile_pools, trade
from tests.devnet.executor.world import World, allowance, balance, fund, transact

pytestmark = pytest.mark.node

TRADES = 100
ENOUGH = 10  # of them settle, so that the invariant is not held by refusals alone
POOL, PAIR = "misbehave(uint256,uint256,uint256,address)", "misbehave(uint256,bool,bool)"
TOKEN = "misbehave(uint256,uint256,address)"
HONEST = (
    ("pool", POOL, (1, 0, 0, ZERO_ADDRESS)),
    ("odd pool back", POOL, (1, 0, 0, ZERO_ADDRESS)),
    ("pair", PAIR, (0, True, False)),
    ("odd", TOKEN, (0, 0, ZERO_ADDRESS)),
)
HOSTILE = (
    ("pool", POOL, (1, 1, 0, ZERO_ADDRESS)),
    ("pool", POOL, (2, 0, 0, ZERO_ADDRESS)),
    ("pool", POOL, (0, 0, 0, ZERO_ADDRESS)),
    ("pool", POOL, (1, 0, 10**15, ZERO_ADDRESS)),
    ("odd pool back", POOL, (1, 0, 10**6, ZERO_ADDRESS)),
    ("pair", PAIR, (1, True, False)),
    ("pair", PAIR, (0, False, False)),
    ("pair", PAIR, (0, True, True)),
    ("odd", TOKEN, (1, 0, ZERO_ADDRESS)),
    ("odd", TOKEN, (0, 1, ZERO_ADDRESS)),
)
HOLDS = {
    "weighted": ("WETH", "USDC"),
    "stable": ("USDC", "USDT", "DAI"),
    **dict.fromkeys(("hostile pool", "hostile pair"), ("USDC", "WETH")),
    **dict.fromkeys(("hostile odd pool", "hostile odd pool back", "hostile odd pair"), ("USDC", "odd")),
}
FUNDED = {"USDC": 10**11, "WETH": 10**19, "DAI": 10**22, "USDT": 10**10}


@pytest.mark.parametrize("seed", range(2))
def test_no_plan_of_the_operators_takes_anything_away(world: World, seed: int) -> None:
    chance = Random(seed)
    executor = world.executor.address
    for symbol, amount in FUNDED.items():
        fund(world, symbol, executor, amount)
    tokens = [*world.tokens.values(), world.hostile["odd"]]
    settled = 0
    for wanted in random_trades(world, chance, TRADES):
        for name, signature, how in (*HONEST, *chance.sample(HOSTILE, chance.randint(0, 2))):
            told = transact(world.rpc, world.stranger, world.hostile[name], call(signature, *how))
            assert told["status"] == "0x1"
        before = [balance(world, token, executor) for token in tokens]
        receipt = transact(world.rpc, world.operator, executor, encode_execute(wanted))
        settled += receipt["status"] == "0x1"
        after = [balance(world, token, executor) for token in tokens]
        assert all(now >= was for was, now in zip(before, after, strict=True))
        assert (after != before) is (receipt["status"] == "0x1")
        for spender in (world.executor.vault, world.executor.aave, world.executor.morpho):
            assert all(allowance(world, hop.token_out, executor, spender) == 0 for hop in wanted.hops)
    assert settled >= ENOUGH


def random_trades(world: World, chance: Random, count: int) -> Iterator[ExecuteCall]:
    """Walk at random from a listed token along pools that hold the token at hand, and back."""
    edges = [
        (token_in, name, token_out)
        for name in (*world.pools, *hostile_pools(world))
        for token_in, token_out in permutations(HOLDS.get(name) or name.split()[1].split("/"), 2)
    ]
    while count:
        start = chance.choice(("USDC", "WETH", "USDT"))
        route = [start]
        for _ in range(chance.randint(2, 4)):
            name, token = chance.choice([edge for edge in edges if edge[0] == route[-1]])[1:]
            route += [name, token]
        if route[-1] != start:
            continue
        count -= 1
        kind = chance.choice(list(FlashKind))
        amount = max(1, int(AMOUNTS[start] * 10 ** chance.uniform(-4, 1)))
        yield replace(trade(world, tuple(route), kind), amount=amount)
