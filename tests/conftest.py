"""What tests of several folders share: a running local chain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

from engine.devnet.deployment import Deployment
from engine.devnet.manifest import Manifest, manifest_of, write_manifest
from engine.devnet.mining import Head, head, mine
from engine.devnet.node import Anvil
from engine.devnet.profiles import ChainProfile, profile_of
from engine.devnet.relay import Relay
from engine.devnet.rpc import Rpc
from engine.devnet.saved import running_chain, saved_chain

SEED = 7

settings.register_profile("default", deadline=None)
settings.register_profile("quick", parent=settings.get_profile("default"), max_examples=20)
settings.load_profile("default")


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalChain:
    """A running, deployed chain that mines only when told to."""

    profile: ChainProfile
    deployment: Deployment
    manifest: Manifest
    manifest_path: Path
    node: Anvil
    rpc: Rpc
    relay: Relay | None = None

    def mine(self, blocks: int = 1) -> Head:
        """Mine blocks of one second each, with the chain's base fee."""
        for _ in range(blocks):
            timestamp_s = head(self.rpc).timestamp_s + 1
            first = self.relay.chosen(self.rpc, timestamp_s) if self.relay else []
            mine(self.rpc, base_fee_wei=self.profile.base_fee_wei, timestamp_s=timestamp_s, first=first)
        return head(self.rpc)

    @contextmanager
    def reverted(self) -> Iterator[None]:
        """Undo on the way out everything that happened on the chain inside."""
        snapshot = self.rpc.call("evm_snapshot")
        try:
            yield
        finally:
            assert self.rpc.call("evm_revert", snapshot) is True


def local_chain(chain_id: int, state: Path) -> Iterator[LocalChain]:
    profile = profile_of(chain_id)
    saved = saved_chain(profile)
    with running_chain(profile, saved) as node, Rpc(node.rpc_url) as rpc:
        manifest = manifest_of(
            saved.deployment,
            node,
            state=state,
            seed=SEED,
            rivals=0,
            block_time_ms=profile.block_time_ms,
            control=None,
        )
        yield LocalChain(
            profile=profile,
            deployment=saved.deployment,
            manifest=manifest,
            manifest_path=write_manifest(state, manifest),
            node=node,
            rpc=rpc,
        )


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalChain]:
    """Provide one deployed Arbitrum-like chain (42161) for the whole session, without traders and mining on demand.

    `chain.rpc` asks it (`rpc.call("eth_getBalance", ...)`, `rpc.eth_call(to, data)`), `chain.mine()` mines,
    `chain.manifest` is STATE/devnet.json (`chain.manifest_path`), `chain.deployment.pools` lists the pools.
    Tests that change state do so within `with chain.reverted():`, or take `own_chain`.
    """
    yield from local_chain(42161, tmp_path_factory.mktemp("chain"))


@pytest.fixture
def own_chain(tmp_path: Path) -> Iterator[Callable[[int], LocalChain]]:
    """Provide `own_chain(chain_id)`: a deployed chain that only this test uses (0.3 s once it is in the cache)."""
    running: list[Iterator[LocalChain]] = []

    def start(chain_id: int = 42161) -> LocalChain:
        state = tmp_path / f"chain-{len(running)}"
        state.mkdir()
        running.append(local_chain(chain_id, state))
        return next(running[-1])

    yield start
    for one in reversed(running):
        next(one, None)
