"""Ask the chain what others landed in a block: receipts of the transactions whose logs could be a cycle, no more."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from engine.chains.abi import Function
from engine.chains.endpoints import Endpoint
from engine.chains.multicall import read_all
from engine.domain.pools import Log
from engine.domain.units import Address, BlockHash, PoolId
from engine.misses.classify import Arbitrage, arbitrages
from engine.misses.logs import SWAPS, read_receipts

_FACTORY = Function("factory()", ("address",))
_VAULT = Function("getVault()", ("address",))
MAX_RECEIPTS = 64
"""Most receipts asked for in one block: the first of a block with more candidates are looked at."""


async def landed(endpoint: Endpoint, logs: Sequence[Log], ours: Collection[str]) -> list[Arbitrage]:
    """Find the arbitrages of others in a block, from its pool logs; `ours` are our own transactions' hashes.

    Raises `ChainError` when the node does not answer.
    """
    moves = Counter(log.tx_hash for log in logs if log.topics and log.topics[0] in SWAPS)
    candidates = [tx for tx, swaps in moves.items() if swaps > 1 and tx not in ours][:MAX_RECEIPTS]
    if not candidates:
        return []
    receipts = await endpoint.batch([("eth_getTransactionReceipt", (tx,)) for tx in candidates])
    return arbitrages(read_receipts(receipt for receipt in receipts if receipt is not None))


async def factories_of(endpoint: Endpoint, found: Iterable[Arbitrage], at: BlockHash) -> Mapping[PoolId, Address]:
    """Ask pools which factory (Balancer: which vault) made them; a pool that names none is left out.

    What a pool says of itself may be a lie: it names a cause for a person, and opens no door.
    """
    asked = {swap.pool: _VAULT if swap.family == "balancer_v2" else _FACTORY for one in found for swap in one.swaps}
    answers = await read_all(endpoint, [(Address(pool), function, ()) for pool, function in asked.items()], at)
    return {pool: Address(str(answer[0])) for pool, answer in zip(asked, answers, strict=True) if answer is not None}
