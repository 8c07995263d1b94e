"""The order of a block: by priority fee, each sender's nonces in sequence.

anvil 1.7.1 cannot do it: its order by fees looks at maxFeePerGas, and it drops a transaction whose sender's earlier
nonce pays less. So the node keeps the order of arrival, and before each block arrival is made the order wanted.
"""

import contextlib
from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import Any, Literal

from engine.devnet.rpc import NodeRefused, Rpc

Ordering = Literal["priority_fee", "first_come"]
"""What puts one transaction of a block before another: what it pays, or when it came."""

_Pending = Mapping[str, Mapping[str, Mapping[str, Any]]]


def order_pending(rpc: Rpc, base_fee_wei: int, first: Sequence[str] = ()) -> None:
    """Bring the mempool into the order of a block.

    The first stays where it is and the others arrive anew after it, so that what has just come from the highest
    bidder is never out of the pool, not even for a moment. Transactions of impersonated accounts, which nobody signed
    and nobody can send again, stay and so come first. `first` are raw transactions to put before all that were sent:
    with them everything arrives anew.
    """
    pending: _Pending = rpc.call("txpool_content")["pending"]
    signed = {sender: queue for sender, queue in pending.items() if all(map(_is_signed, queue.values()))}
    hashes = by_priority(signed, base_fee_wei)[0 if first else 1 :]
    if not hashes and not first:
        return
    raws = rpc.batch([("eth_getRawTransactionByHash", [tx_hash]) for tx_hash in hashes])
    rpc.batch([("anvil_dropTransaction", [tx_hash]) for tx_hash in hashes])
    for raw in (*first, *raws):
        with contextlib.suppress(NodeRefused):  # its sender has sent it again, or another one for its nonce
            rpc.call("eth_sendRawTransaction", raw)


def by_priority(pending: _Pending, base_fee_wei: int) -> list[str]:
    """List transactions' hashes as a block takes them: of the senders' next ones always that which pays most.

    Between equals the hash decides, so that the order depends on nothing but the transactions.
    """
    queues = {
        sender: [transactions[nonce] for nonce in sorted(transactions, key=int)]
        for sender, transactions in pending.items()
        if transactions
    }
    heads = [(-_tip(queue[0], base_fee_wei), queue[0]["hash"], sender, 0) for sender, queue in queues.items()]
    heapify(heads)
    ordered: list[str] = []
    while heads:
        _, tx_hash, sender, at = heappop(heads)
        ordered.append(tx_hash)
        if at + 1 < len(queues[sender]):
            follower = queues[sender][at + 1]
            heappush(heads, (-_tip(follower, base_fee_wei), follower["hash"], sender, at + 1))
    return ordered


def _is_signed(transaction: Mapping[str, Any]) -> bool:
    return int(transaction["r"], 16) != 0


def _tip(transaction: Mapping[str, Any], base_fee_wei: int) -> int:
    """Return what the block's producer gets for a unit of gas (EIP-1559)."""
    most = int(transaction.get("maxFeePerGas") or transaction["gasPrice"], 16) - base_fee_wei
    named = transaction.get("maxPriorityFeePerGas")
    return most if named is None else min(most, int(named, 16))
