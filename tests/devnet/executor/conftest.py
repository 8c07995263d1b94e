"""One chain for all tests of the executor; each test leaves it as it found it."""

from collections.abc import Iterator

import pytest

from engine.devnet.node import anvil
from engine.devnet.rpc import Rpc
from tests.devnet.executor.build import build_world
from tests.devnet.executor.world import FLAGS, World


@pytest.fixture(scope="session")
def built_world() -> Iterator[World]:
    """Build the chain once."""
    with anvil(FLAGS) as node, Rpc(node.rpc_url) as rpc:
        yield build_world(rpc)


@pytest.fixture
def world(built_world: World) -> Iterator[World]:
    """Give a test the chain and take back what it did to it."""
    snapshot = built_world.rpc.call("evm_snapshot")
    yield built_world
    assert built_world.rpc.call("evm_revert", snapshot)
