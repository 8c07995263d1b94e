"""Take any one guard out of the contract and a test of this folder fails: none of them stands there for show."""

from collections.abc import Callable
from dataclasses import replace
from inspect import getsource, signature
from pathlib import Path
from types import ModuleType

import pytest

from engine.devnet.rpc import hex_of
from engine.execution.artifact import executor_artifact
from tests.devnet.executor import (
    test_executor_capital,
    test_executor_hostile_pools,
    test_executor_limits,
    test_executor_minimums,
    test_executor_roles,
    test_executor_strangers,
    test_executor_tokens,
)
from tests.devnet.executor.mutants import Mutant, mutants
from tests.devnet.executor.world import World

pytestmark = pytest.mark.node

MODULES: tuple[ModuleType, ...] = (
    test_executor_limits,
    test_executor_strangers,
    test_executor_tokens,
    test_executor_hostile_pools,
    test_executor_roles,
    test_executor_capital,
    test_executor_minimums,
)
MUTANTS = tuple(mutants())


def plain_tests(first: str = "") -> list[Callable[[World], None]]:
    """List the tests that need the chain and nothing else; those that mention `first` lead."""
    found: list[Callable[[World], None]] = [
        test
        for module in MODULES
        for name, test in vars(module).items()
        if name.startswith("test_") and list(signature(test).parameters) == ["world"]
    ]
    return sorted(found, key=lambda test: first not in getsource(test))


@pytest.fixture
def kept_mutants(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep compiled mutants beside pytest's own cache: a compilation takes a second, and there is one for each."""
    assert request.config.cache is not None
    monkeypatch.setenv("KETCH_CACHE", str(request.config.cache.mkdir("executor-mutants")))


@pytest.mark.usefixtures("kept_mutants")
@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_a_contract_without_this_guard_fails_a_test(world: World, mutant: Mutant, tmp_path: Path) -> None:
    crippled = replace(world, artifact=executor_artifact(mutant.write(tmp_path)))
    for deployed in crippled.executors:
        install(crippled, deployed.address, deployed.creation(crippled.artifact))
    assert any(fails(test, crippled) for test in plain_tests(mutant.reason)), f"no test misses {mutant.guard}"


def test_every_plain_test_holds_for_the_contract_as_it_is(world: World) -> None:
    for deployed in world.executors:
        install(world, deployed.address, deployed.creation(world.artifact))
    assert [test.__name__ for test in plain_tests() if fails(test, world)] == []


def test_the_guards_are_all_there() -> None:
    assert len([mutant for mutant in MUTANTS if mutant.guard.startswith("assert ")]) >= 25


def install(world: World, address: str, creation: bytes) -> None:
    """Put the runtime code that `creation` returns at an executor's address; its storage stays."""
    code = world.rpc.call("eth_call", {"data": hex_of(creation)}, "latest")
    world.rpc.call("anvil_setCode", address, code)


def fails(test: Callable[[World], None], world: World) -> bool:
    """Say whether a test fails, and take back what it did."""
    snapshot = world.rpc.call("evm_snapshot")
    try:
        test(world)
    except Exception:  # noqa: BLE001  # a mutant may break a test in any way
        return True
    finally:
        world.rpc.call("evm_revert", snapshot)
    return False
