"""Find the transaction that used a nonce, whoever sent it: by the blocks, which hold what receipts may hide."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from engine.chains.endpoints import Endpoint, RpcError
from engine.chains.heads import HISTORY_BLOCKS, block_ref
from engine.domain.units import Address, BlockRef


@dataclass(frozen=True, slots=True)
class Taken:
    """Who used a nonce, and in which block."""

    tx_hash: str
    block: BlockRef


async def find_taker(
    endpoint: Endpoint, account: Address, nonce: int, from_block: int, head: BlockRef
) -> Taken | Literal["not seen", "not kept"]:
    """Find the transaction of `account` with `nonce`, mined after `from_block` or in a reorg's reach before it.

    "not seen": the node's answers do not fit together, as when a block left the chain between two of them; ask again.
    "not kept": it no longer has the state or the blocks. Raises `ChainError` when it does not answer.
    """
    low, high = max(min(from_block, head.number - 1), 0), head.number
    try:
        if await _count(endpoint, account, low) > nonce:  # a reorg mined it before the block that it was signed on
            low = max(low - HISTORY_BLOCKS, 0)
        if await _count(endpoint, account, high) <= nonce:
            return "not seen"
        while high - low > 1:  # count(low) <= nonce < count(high)
            middle = (low + high) // 2
            low, high = (middle, high) if await _count(endpoint, account, middle) <= nonce else (low, middle)
        block = await endpoint.call("eth_getBlockByNumber", hex(high), True)
    except RpcError:
        return "not kept"
    for transaction in block["transactions"] if block else ():
        if _is(transaction, account, nonce):
            return Taken(transaction["hash"], block_ref(head.chain, block))
    return "not seen"


async def _count(endpoint: Endpoint, account: Address, number: int) -> int:
    return int(await endpoint.call("eth_getTransactionCount", account, hex(number)), 16)


def _is(transaction: Mapping[str, Any], account: Address, nonce: int) -> bool:
    return str(transaction["from"]).lower() == account and int(transaction["nonce"], 16) == nonce
