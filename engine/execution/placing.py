"""Our place in a block that sells places: what paid more ran before us, what paid less after."""

from collections.abc import Mapping, Sequence
from typing import Any

from engine.domain.units import Address

_PLAIN_TYPES = frozenset(("0x0", "0x1", "0x2", "0x3", "0x4"))
"""A rollup's own transactions (deposits, retries) are left out: they carry what no caller can say."""
BLOCK_GAS = hex(10**9)


def place_among(
    block: Mapping[str, Any], ours: Sequence[tuple[Mapping[str, str], int]], operator: Address
) -> list[tuple[Mapping[str, str], bool]]:
    """Put our calls, each with its priority fee, among a block's transactions: (call, is it ours), up to our last.

    Ours keep their order, and go before whatever pays no more. The operator's own in the block are left out.
    """
    base_fee_wei = int(block.get("baseFeePerGas", "0x0"), 16)
    waiting, placed = list(ours), list[tuple[Mapping[str, str], bool]]()
    for transaction in block["transactions"]:
        if transaction.get("type", "0x0") not in _PLAIN_TYPES or str(transaction["from"]).lower() == operator:
            continue
        paid_wei = _priority(transaction, base_fee_wei)
        while waiting and waiting[0][1] >= paid_wei:
            placed.append((waiting.pop(0)[0], True))
        if not waiting:
            return placed
        placed.append((_call(transaction), False))
    return [*placed, *((call, True) for call, _ in waiting)]


def _priority(transaction: Mapping[str, Any], base_fee_wei: int) -> int:
    if (most := transaction.get("maxFeePerGas")) is None:
        return int(transaction["gasPrice"], 16) - base_fee_wei
    return min(int(transaction["maxPriorityFeePerGas"], 16), int(most, 16) - base_fee_wei)


def _call(transaction: Mapping[str, Any]) -> dict[str, str]:
    to = {"to": transaction["to"]} if transaction.get("to") else {}
    return {
        "from": transaction["from"],
        "data": transaction["input"],
        "value": transaction["value"],
        "gas": transaction["gas"],
        **to,
    }
