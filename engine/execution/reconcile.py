"""Start-up is recovery: hold what the journal left open against the chain, send the same bytes again, sign nothing."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from engine.chains.endpoints import Endpoint, RpcError
from engine.domain.decision import Outstanding
from engine.domain.outcome import Outcome
from engine.domain.units import Address, BlockHash, BlockRef
from engine.execution.monitor import Monitor
from engine.execution.submission import Doors, send_all


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What a start found: outcomes to write down, submissions still open, the chain's count and the next free nonce."""

    ended: tuple[Outcome, ...]
    open: tuple[Outstanding, ...]
    count: int
    next_nonce: int


async def count_at(endpoint: Endpoint, account: Address, number: int) -> int | None:
    """Count the transactions of an account as of a block; None when the node no longer has its state."""
    try:
        return int(await endpoint.call("eth_getTransactionCount", account, hex(number)), 16)
    except RpcError:
        return None


async def left_chain(endpoint: Endpoint, blocks: Collection[BlockRef]) -> frozenset[BlockHash]:
    """Name those of the blocks that are no longer in the chain. Raises `ChainError` when the node does not answer."""
    asked = {block.hash: block.number for block in blocks}
    found = await endpoint.batch([("eth_getBlockByNumber", (hex(number), False)) for number in asked.values()])
    return frozenset(
        block_hash
        for block_hash, header in zip(asked, found, strict=True)
        if header is None or header["hash"] != block_hash
    )


async def reconcile(
    doors: Doors, monitor: Monitor, operator: Address, left_open: Sequence[Outstanding], head: BlockRef
) -> Reconciled:
    """Find how each open submission ended, and send those that the chain does not know once more,
    by the door that each was written down with.

    The next nonce follows the chain's count at `head` and our own open intents, never the node's "pending".
    Raises `ChainError` when the node does not answer: an engine that cannot reconcile does not start.
    """
    ended = await monitor.outcomes(left_open, head)
    done = {outcome.intent_id for outcome in ended}
    ended += await monitor.outcomes([one for one in left_open if one.submission.intent_id not in done], head)
    known = {outcome.intent_id for outcome in ended}
    still_open = tuple(one for one in left_open if one.submission.intent_id not in known)
    await send_all(doors, [one.newest for one in still_open], head)  # what nobody takes stays open, and is sent again
    count = int(await doors.public.call("eth_getTransactionCount", operator, hex(head.number)), 16)
    next_nonce = max([count, *(one.submission.nonce + 1 for one in still_open)])
    return Reconciled(ended=tuple(ended), open=still_open, count=count, next_nonce=next_nonce)
