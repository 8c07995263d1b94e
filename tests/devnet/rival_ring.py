"""A fresh chain with rivals and nobody else, turned a block at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.devnet import accounts
from engine.devnet.deployment import DeployedPool
from engine.devnet.mining import Head, head, mine
from engine.devnet.rival import Rival
from engine.devnet.rival_policies import RivalPolicy
from engine.devnet.rivals import start_rivals
from engine.devnet.rpc import hex_of
from engine.devnet.swaps import Swap, swap_call
from engine.devnet.universe import raw_amount
from engine.domain.units import Address

if TYPE_CHECKING:
    from tests.conftest import LocalChain

BLOCK_MS = 250


class Ring:
    """A chain with rivals and nobody else: `turn` lets them act and mines, `entries` reads their log."""

    def __init__(self, chain: LocalChain, folder: Path, chosen: Sequence[RivalPolicy], seed: int = 7) -> None:
        self.chain = chain
        self.log = folder / "rivals.jsonl"
        self.holders = [Address(address) for address in chain.rpc.call("eth_accounts")]
        started = start_rivals(
            chain.rpc,
            chain.node,
            chain.deployment,
            chain.profile,
            chosen=chosen,
            seed=seed,
            block_time_ms=BLOCK_MS,
            log=self.log,
        )
        self.rivals: list[Rival] = [rival for _, rival in started]
        self.head = head(chain.rpc)

    def turn(self, *others: Callable[[Head], None]) -> None:
        for act in (*others, *(rival.act for rival in self.rivals)):
            act(self.head)
        base_fee_wei = self.chain.profile.base_fee_wei
        self.head = mine(self.chain.rpc, base_fee_wei=base_fee_wei, timestamp_s=self.head.timestamp_s + 1)

    def entries(self) -> list[dict[str, Any]]:
        for rival in self.rivals:
            rival.settle()
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]

    def receipt(self, entry: dict[str, Any]) -> dict[str, Any]:
        return self.chain.rpc.call("eth_getTransactionReceipt", entry["tx_hash"])

    def pool(self, deployment: str, first: str, second: str) -> DeployedPool:
        symbols = {token.address: token.symbol for token in self.chain.deployment.tokens}
        return next(
            pool
            for pool in self.chain.deployment.pools
            if pool.deployment == deployment and {symbols[t] for t in pool.tokens} == {first, second}
        )

    def open_gap(self, usd: int = 60_000, bought: str = "WETH", sold: str = "USDC") -> DeployedPool:
        """Buy a token for dollars in one pool, and mine that alone."""
        self.head = head(self.chain.rpc)
        pool = self.pool("uniswap_v2", bought, sold)
        tokens = {token.symbol: token.address for token in self.chain.deployment.tokens}
        swap = Swap(pool=pool, token_in=tokens[sold], token_out=tokens[bought], amount_in=raw_amount(sold, usd))
        trader = self.holders[accounts.TRADERS[0]]
        to, data = swap_call(self.chain.deployment.contracts, swap, trader, 0)
        base_fee_wei = self.chain.profile.base_fee_wei
        fees = {"maxFeePerGas": hex(2 * base_fee_wei), "maxPriorityFeePerGas": "0x1"}
        self.chain.rpc.call(
            "eth_sendTransaction", {"from": trader, "to": to, "data": hex_of(data), "gas": hex(600_000), **fees}
        )
        self.head = mine(self.chain.rpc, base_fee_wei=base_fee_wei, timestamp_s=self.head.timestamp_s + 1)
        return pool
