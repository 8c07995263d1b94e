"""STATE/devnet.json: how everybody else finds the chain."""

import os
from pathlib import Path

import msgspec

from engine.devnet import accounts
from engine.devnet.cache import write_atomically
from engine.devnet.deployment import Deployment
from engine.devnet.node import Anvil
from engine.devnet.ordering import Ordering

FORMAT = 1
FILE = "devnet.json"


class ManifestToken(msgspec.Struct, frozen=True, kw_only=True):
    """One ERC-20 of the chain."""

    address: str
    symbol: str
    decimals: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A running chain. `start_block` is where discovery begins, `control` the lockstep socket or None,
    `relay` the private relay or None, `ordering` what its blocks are ordered by."""

    format: int
    pid: int
    chain_id: int
    rpc: str
    ws: str
    seed: int
    lockstep: bool
    rivals: int
    block_time_ms: int
    control: str | None
    start_block: int
    native_wrapped: str
    tokens: tuple[ManifestToken, ...]
    deployments: dict[str, dict[str, str]]
    faucet_key: str
    rivals_log: str
    relay: str | None = None
    ordering: Ordering = "priority_fee"


def manifest_of(
    deployment: Deployment,
    node: Anvil,
    *,
    state: Path,
    seed: int,
    rivals: int,
    block_time_ms: int,
    control: Path | None,
    relay: str | None = None,
    ordering: Ordering = "priority_fee",
) -> Manifest:
    """Describe a running chain, served by this process."""
    return Manifest(
        format=FORMAT,
        pid=os.getpid(),
        chain_id=deployment.chain_id,
        rpc=node.rpc_url,
        ws=node.ws_url,
        seed=seed,
        lockstep=control is not None,
        rivals=rivals,
        block_time_ms=block_time_ms,
        control=str(control.absolute()) if control else None,
        start_block=deployment.start_block,
        native_wrapped=deployment.native_wrapped,
        tokens=tuple(
            ManifestToken(address=token.address, symbol=token.symbol, decimals=token.decimals)
            for token in deployment.tokens
        ),
        deployments={name: dict(roles) for name, roles in deployment.contracts.items()},
        faucet_key=accounts.FAUCET_KEY,
        rivals_log=str(rivals_log(state)),
        relay=relay,
        ordering=ordering,
    )


def rivals_log(state: Path) -> Path:
    """Name the log of what the rivals did: a JSON line for each of their transactions, written once it is mined."""
    return (state / "rivals.jsonl").absolute()


def write_manifest(state: Path, manifest: Manifest) -> Path:
    """Write the manifest into the state folder, whole or not at all."""
    path = state / FILE
    write_atomically(path, msgspec.json.format(msgspec.json.encode(manifest), indent=1))
    return path
