"""Deployed chains kept on disk, one a chain id and version of everything that went into it."""

import gzip
import hashlib
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from engine.devnet import accounts
from engine.devnet.cache import cache_folder
from engine.devnet.deploy import DEPLOY_GAS_LIMIT, deploy_universe
from engine.devnet.deployment import Deployment
from engine.devnet.node import ANVIL_VERSION, Anvil, anvil
from engine.devnet.packages import package_version
from engine.devnet.profiles import GENESIS_TIMESTAMP_S, ChainProfile
from engine.devnet.rpc import Rpc

PACKAGES = (
    "@aave/core-v3",
    "@balancer-labs/v2-deployments",
    "@morpho-org/morpho-blue",
    "@sushiswap/core",
    "@uniswap/v2-core",
    "@uniswap/v2-periphery",
    "@uniswap/v3-core",
    "@uniswap/v3-periphery",
    "solc0612",
    "solc0819",
    "viem",
)
KEPT_STATES = 500
"""Without a limit the node writes 2.4 MB a block to disk; in memory a state takes 0.3 MB and grows with the chain."""
_SOURCES = (
    *("accounts.py", "calldata.py", "compiled.py", "deploy.py", "deployment.py", "packages.py", "profiles.py"),
    *("sending.py", "universe.py", "node.py"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedChain:
    """A deployed chain on disk. `fresh` says that this process deployed it; `state` is what anvil loads."""

    deployment: Deployment
    state: Path
    fresh: bool


def saved_chain(profile: ChainProfile) -> SavedChain:
    """Return the chain from the cache, deploying it first when it is not there; raises `DevnetError`.

    Also the first run starts from what was saved, so that no run differs from another.
    """
    folder = cache_folder() / f"chain-{profile.chain}-{_version()}"
    if (kept := _read(folder)) is not None:
        return SavedChain(deployment=kept, state=folder / "state.json", fresh=False)
    deployment, state = _deploy(profile)
    _write(folder, deployment, state)
    return SavedChain(deployment=deployment, state=folder / "state.json", fresh=True)


@contextmanager
def running_chain(profile: ChainProfile, saved: SavedChain) -> Generator[Anvil]:
    """Run a node on a saved chain. It answers for the state of the newest `KEPT_STATES` blocks, and for all logs."""
    flags = [
        *_flags(profile, profile.block_gas_limit),
        *("--load-state", str(saved.state)),
        *("--prune-history", str(KEPT_STATES)),
    ]
    with anvil(flags) as node:
        yield node


def _flags(profile: ChainProfile, gas_limit: int) -> list[str]:
    return [
        *("--chain-id", str(profile.chain)),
        *("--timestamp", str(GENESIS_TIMESTAMP_S)),
        *("--block-base-fee-per-gas", str(profile.base_fee_wei)),
        *("--gas-limit", str(gas_limit)),
        *accounts.FLAGS,
    ]


def _deploy(profile: ChainProfile) -> tuple[Deployment, bytes]:
    with anvil(_flags(profile, DEPLOY_GAS_LIMIT)) as node, Rpc(node.rpc_url) as rpc:
        deployment = deploy_universe(rpc, profile)
        return deployment, gzip.decompress(bytes.fromhex(rpc.call("anvil_dumpState")[2:]))


def _read(folder: Path) -> Deployment | None:
    try:
        deployment = msgspec.json.decode((folder / "deployment.json").read_bytes(), type=Deployment)
    except (OSError, msgspec.DecodeError):
        return None
    return deployment if (folder / "state.json").is_file() else None


def _write(folder: Path, deployment: Deployment, state: bytes) -> None:
    draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    (draft / "state.json").write_bytes(state)
    (draft / "deployment.json").write_bytes(msgspec.json.encode(deployment))
    if folder.exists():
        shutil.rmtree(folder)  # what `_read` could not use
    draft.rename(folder)


def _version() -> str:
    here = Path(__file__).parent
    files = [*(here / name for name in _SOURCES), *sorted((here / "protocols").glob("*.py"))]
    digest = hashlib.sha256(ANVIL_VERSION.encode())
    for package in PACKAGES:
        digest.update(f"\n{package} {package_version(package)}".encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
