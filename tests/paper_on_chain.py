"""A paper engine's state folder on a test's local chain, as a user with an endpoint of his own would have it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from engine.compose import composed
from engine.config import load
from engine.devnet.rpc import Rpc
from engine.loop import Event
from tests.conftest import LocalChain
from tests.engine_on_chain import EngineOnChain

NODE_INTERFACE = "0x00000000000000000000000000000000000000c8"
SAYS_NOTHING_IS_OWED = "0x60606000f3"
"""Code that answers three zero words: no gas for L1 data, as a local chain has it."""


def stand_in_for_arbitrum(rpc: Rpc) -> None:
    """Answer as Arbitrum's NodeInterface: a real rollup whose oracle is silent is refused."""
    rpc.call("anvil_setCode", NODE_INTERFACE, SAYS_NOTHING_IS_OWED)


def paper_folder(
    folder: Path, manifest: Path, *, rpc: str, more: str = "", risk: Mapping[str, Any] | None = None
) -> Path:
    """Write a ketch.toml that names a local chain's contracts, with the endpoint it is to be reached by."""
    told = json.loads(manifest.read_text("utf-8"))
    tables = {f"deployments.{protocol}": roles for protocol, roles in told["deployments"].items()}
    tables["risk"] = dict(risk or {})
    top = {
        "profile": "paper",
        "rpc": rpc,
        "chain": told["chain_id"],
        "start_block": 1,
        "ordering": told["ordering"],
        "native_wrapped": told["native_wrapped"],
        "base_tokens": [token["address"] for token in told["tokens"]],
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in top.items()] + [more]
    for table, values in tables.items():
        lines += [f"[{table}]", *(f"{name} = {json.dumps(value)}" for name, value in values.items())]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ketch.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


@asynccontextmanager
async def paper_on(chain: LocalChain, state: Path, *, rpc: str = "", more: str = "") -> AsyncIterator[EngineOnChain]:
    """Start a paper engine in `state`, over `rpc` or the chain's own endpoint; leaving ends it without a word."""
    if not (state / "ketch.toml").exists():
        paper_folder(state, chain.manifest_path, rpc=rpc or chain.node.rpc_url, more=more)
    settings = load(state, environ={})
    events: list[Event] = []
    async with composed(settings, state=state, passphrase=str, publish=events.append, fills_wanted=None) as parts:
        parts.loop._funds = await parts.loop._read_funds()
        yield EngineOnChain(chain=chain, state=state, settings=settings, parts=parts, events=events)
