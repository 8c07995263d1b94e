"""Who holds the hot key and writes his own calldata: principal and profit stay, whatever he sends."""

from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

from engine.domain.units import Address
from engine.execution.artifact import executor_artifact
from tests.devnet.executor.attacker import Attack, attacks
from tests.devnet.executor.mutants import mutants
from tests.devnet.executor.test_executor_mutants import install
from tests.devnet.executor.world import BASE_FEE_WEI, World, balance, fund

pytestmark = pytest.mark.node

PLANS = 400
"""Of the thousand that `make soak` sends, in the default suite."""
PRINCIPAL = {"USDC": 10**11, "WETH": 10**19, "DAI": 10**22, "USDT": 10**10}
HIS_OWN = {"USDC": 10**13, "WETH": 4 * 10**21}
ENOUGH = 20
"""Executions of his that settle, at least, so that it is not refusals alone that hold."""


def test_a_stolen_hot_key_takes_nothing_from_principal_and_profit(world: World) -> None:
    under_attack(world, seed=1, plans=PLANS)


def under_attack(world: World, *, seed: int, plans: int, only: str = "") -> None:
    """Send `plans` attacks one after the other, and hold every token's sum over executor and treasury after each."""
    for symbol, amount in PRINCIPAL.items():
        fund(world, symbol, world.executor.address, amount)
    for symbol, amount in HIS_OWN.items():
        fund(world, symbol, world.stranger, amount)
    treasury_nonce = world.rpc.call("eth_getTransactionCount", world.treasury, "latest")
    before = holdings(world)
    mined, executed = Counter[tuple[str, bool]](), 0
    for number, attack in enumerate(attacks(world, Random(seed), plans, only)):
        receipts = sent(world, attack)
        after = holdings(world)
        fallen = {token: after[token] - before[token] for token in before if after[token] < before[token]}
        assert not fallen, (seed, number, attack.name, fallen)
        before = after
        of_the_key = [r for r, move in zip(receipts, attack.moves, strict=True) if move.hot]
        executed += sum(len(receipt["logs"]) > 0 for receipt in of_the_key)
        mined[attack.name, any(receipt["status"] == "0x1" for receipt in of_the_key)] += 1
    assert executed >= ENOUGH, mined
    for name in ("plan", "reentered", "sandwich", "sweep"):
        assert mined[name, True], name
    assert world.rpc.call("eth_getTransactionCount", world.treasury, "latest") == treasury_nonce


def holdings(world: World) -> dict[Address, int]:
    """Add up each token over the executor and the treasury."""
    holders = (world.executor.address, world.treasury)
    return {token: sum(balance(world, token, holder) for holder in holders) for token in world.tokens.values()}


def sent(world: World, attack: Attack) -> list[dict[str, Any]]:
    """Send an attack's transactions so that one block holds them in order; return their receipts."""
    fees = {"gas": hex(5_000_000), "maxFeePerGas": hex(10 * BASE_FEE_WEI)}
    hashes: list[str] = []
    for place, move in enumerate(attack.moves):
        sender = world.operator if move.hot else world.stranger
        body = {"from": sender, "to": move.to, "data": "0x" + move.data.hex()}
        hashes.append(
            world.rpc.call("eth_sendTransaction", {**body, **fees, "maxPriorityFeePerGas": hex(1_000 - place)})
        )
    world.rpc.call("evm_mine")
    receipts = [world.rpc.call("eth_getTransactionReceipt", sent_hash) for sent_hash in hashes]
    assert len({receipt["blockNumber"] for receipt in receipts}) == 1
    places = [int(receipt["transactionIndex"], 16) for receipt in receipts]
    assert places == sorted(places)
    return receipts


def test_the_same_attacks_take_something_where_a_guard_is_missing_that_no_other_backs_up(
    world: World, tmp_path: Path
) -> None:
    mutant = next(mutant for mutant in mutants() if '"open cycle"' in mutant.guard)
    install(world, world.executor.address, world.executor.creation(executor_artifact(mutant.write(tmp_path))))
    with pytest.raises(AssertionError, match="drain"):
        under_attack(world, seed=1, plans=PLANS, only="drain")
