"""A thousand plans of whoever stole the hot key, for several of his dice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.devnet.node import anvil
from engine.devnet.rpc import Rpc
from tests.devnet.executor.build import build_world
from tests.devnet.executor.test_executor_hot_key import under_attack
from tests.devnet.executor.world import FLAGS, World

pytestmark = [pytest.mark.soak, pytest.mark.node]

PLANS = 1_000


@pytest.fixture
def world() -> Iterator[World]:
    with anvil(FLAGS) as node, Rpc(node.rpc_url) as rpc:
        yield build_world(rpc)


@pytest.mark.parametrize("seed", range(2, 7))
def test_a_thousand_plans_take_nothing(world: World, seed: int) -> None:
    under_attack(world, seed=seed, plans=PLANS)
