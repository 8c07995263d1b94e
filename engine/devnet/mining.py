"""Blocks, one at a time, each with a base fee and a timestamp that are set."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.devnet.ordering import Ordering, order_pending
from engine.devnet.rpc import Rpc


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The newest block. `transactions` counts those in it."""

    number: int
    hash: str
    timestamp_s: int
    transactions: int


def head(rpc: Rpc) -> Head:
    """Read the newest block's header."""
    block: dict[str, Any] = rpc.call("eth_getBlockByNumber", "latest", False)
    return Head(
        number=int(block["number"], 16),
        hash=block["hash"],
        timestamp_s=int(block["timestamp"], 16),
        transactions=len(block["transactions"]),
    )


def mine(
    rpc: Rpc, *, base_fee_wei: int, timestamp_s: int, first: Sequence[str] = (), ordering: Ordering = "priority_fee"
) -> Head:
    """Mine what the mempool holds and return the block: the highest priority fee first, or in the order of arrival.

    `first` are signed transactions that only the block's builder knows: they go to its top.

    One request after the other, no batch: the node may take up the second of a batch before the first is done.
    """
    if ordering == "priority_fee":
        order_pending(rpc, base_fee_wei, first)
    rpc.call("anvil_setNextBlockBaseFeePerGas", hex(base_fee_wei))
    rpc.call("evm_mine", {"timestamp": timestamp_s})
    return head(rpc)
