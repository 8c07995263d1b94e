"""Start-up is recovery: hold what the journal left open against the chain, send the same bytes again, sign nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.chains.endpoints import Endpoint
from engine.domain.decision import Submission
from engine.domain.outcome import Outcome
from engine.domain.units import Address, BlockRef
from engine.execution.monitor import Monitor
from engine.execution.submission import Doors, send_all


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What a start found: outcomes to write down, submissions still open, and the next free nonce."""

    ended: tuple[Outcome, ...]
    open: tuple[Submission, ...]
    next_nonce: int


async def left_chain(endpoint: Endpoint, mined: Sequence[tuple[str, BlockRef]]) -> frozenset[str]:
    """Name the transactions, among (hash, block it was in), that are no longer in that block.

    Raises `ChainError` when the node does not answer.
    """
    receipts = await endpoint.batch([("eth_getTransactionReceipt", (tx_hash,)) for tx_hash, _ in mined])
    return frozenset(
        tx_hash
        for (tx_hash, block), receipt in zip(mined, receipts, strict=True)
        if receipt is None or receipt["blockHash"] != block.hash
    )


async def reconcile(
    doors: Doors, monitor: Monitor, operator: Address, left_open: Sequence[Submission], head: BlockRef
) -> Reconciled:
    """Find how each open submission ended, and send those that the chain does not know once more,
    by the door that each was written down with.

    The next nonce follows the chain's count at `head` and our own open intents, never the node's "pending".
    Raises `ChainError` when the node does not answer: an engine that cannot reconcile does not start.
    """
    ended = await monitor.outcomes(left_open, head)
    ended += await monitor.outcomes([s for s in left_open if s.intent_id not in {o.intent_id for o in ended}], head)
    known = {outcome.intent_id for outcome in ended}
    still_open = tuple(s for s in left_open if s.intent_id not in known)
    await send_all(doors, still_open, head)  # what the node does not take stays open, and is sent again
    count = int(await doors.public.call("eth_getTransactionCount", operator, hex(head.number)), 16)
    next_nonce = max([count, *(s.nonce + 1 for s in still_open)])
    return Reconciled(ended=tuple(ended), open=still_open, next_nonce=next_nonce)
