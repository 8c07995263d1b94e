"""Follow open submissions to their end: what the chain says happened, and nothing else."""

from collections.abc import Mapping, Sequence
from typing import Any

from engine.chains.endpoints import Endpoint, RpcError
from engine.chains.executor_calls import profit_of
from engine.chains.executor_reverts import reason_of
from engine.chains.heads import block_ref, decode_logs
from engine.domain.decision import Outstanding
from engine.domain.outcome import Cancelled, Filled, Outcome, Replaced, Reverted
from engine.domain.units import ZERO_ADDRESS, Address, BlockRef, ChainId
from engine.execution.foreign import Taken, find_taker
from engine.execution.gas_paid import paid_by


class Monitor:
    """Asks for the receipts of everything that is open. A missing receipt is uncertain, never a failure.

    A nonce used by somebody else is believed when the block that used it is seen, and by the count alone, at the
    second look, only from a node that no longer has those blocks. A node that hides our own receipt changes nothing.
    """

    def __init__(self, endpoint: Endpoint, *, chain: ChainId, executor: Address, operator: Address) -> None:
        self._endpoint = endpoint
        self._chain = chain
        self._executor = executor
        self._operator = operator
        self._overtaken: set[str] = set()

    async def outcomes(self, outstanding: Sequence[Outstanding], head: BlockRef) -> list[Outcome]:
        """Return the outcomes known as of `head`, in nonce order. Raises `ChainError` when the node does not answer."""
        if not outstanding:
            return []
        requests: list[tuple[str, Sequence[Any]]] = [("eth_getTransactionCount", (self._operator, hex(head.number)))]
        requests += [("eth_getTransactionReceipt", (tx_hash,)) for one in outstanding for tx_hash in one.hashes]
        count, *answers = await self._endpoint.batch(requests)
        mined, receipts = int(count, 16), iter(answers)
        ended: list[Outcome] = []
        for one in outstanding:
            found = [receipt for receipt in [next(receipts) for _ in one.hashes] if receipt is not None]
            outcome: Outcome | None = None
            if found:
                outcome = await self._from_receipt(one, found[0], head)
                self._overtaken.discard(one.submission.intent_id)
            elif one.submission.nonce < mined:
                outcome = await self._from_block(one, head)
            if outcome is not None:
                ended.append(outcome)
        return ended

    async def _from_block(self, one: Outstanding, head: BlockRef) -> Replaced | None:
        """Look for whoever took the nonce; None while that is not known, or was one of ours after all."""
        name, first_block = one.submission.intent_id, one.submission.submitted_block
        taken = await find_taker(self._endpoint, self._operator, one.submission.nonce, first_block, head)
        if isinstance(taken, Taken):
            return (
                None if taken.tx_hash in one.hashes else Replaced(intent_id=name, by=taken.tx_hash, block=taken.block)
            )
        if taken == "not seen":
            return None
        if name in self._overtaken:
            self._overtaken.discard(name)
            return Replaced(intent_id=name, by=None, block=head)
        self._overtaken.add(name)
        return None

    async def _from_receipt(
        self, one: Outstanding, receipt: Mapping[str, Any], head: BlockRef
    ) -> Filled | Reverted | Cancelled | None:
        """Read an end; None when its block is past `head`, or has left the chain since the node answered."""
        if int(receipt["blockNumber"], 16) > head.number:
            return None
        header = await self._endpoint.call("eth_getBlockByHash", receipt["blockHash"], False)
        if header is None:
            return None
        intent_id, block = one.submission.intent_id, block_ref(self._chain, header)
        gas_used, tx_hash = int(receipt["gasUsed"], 16), str(receipt["transactionHash"])
        paid = paid_by(receipt)
        if tx_hash in one.cancels:
            return Cancelled(
                intent_id=intent_id,
                block=block,
                gas_used=gas_used,
                gas_paid_wei=paid.gas_paid_wei,
                tx_hash=tx_hash,
                l1_fee_wei=paid.l1_fee_wei,
                l1_gas=paid.l1_gas,
                operator_fee_wei=paid.operator_fee_wei,
            )
        if int(receipt["status"], 16) != 1:
            return Reverted(
                intent_id=intent_id,
                block=block,
                reason=await self._why(tx_hash),
                gas_used=gas_used,
                gas_paid_wei=paid.gas_paid_wei,
                tx_hash=tx_hash,
                l1_fee_wei=paid.l1_fee_wei,
                l1_gas=paid.l1_gas,
                operator_fee_wei=paid.operator_fee_wei,
            )
        token, realised = profit_of(decode_logs(receipt["logs"]), self._executor) or (ZERO_ADDRESS, 0)
        return Filled(
            intent_id=intent_id,
            block=block,
            token=token,
            realised=realised,
            gas_used=gas_used,
            gas_paid_wei=paid.gas_paid_wei,
            tx_hash=tx_hash,
            l1_fee_wei=paid.l1_fee_wei,
            l1_gas=paid.l1_gas,
            operator_fee_wei=paid.operator_fee_wei,
        )

    async def _why(self, tx_hash: str) -> str:
        try:
            trace = await self._endpoint.call("debug_traceTransaction", tx_hash, {"tracer": "callTracer"})
        except RpcError:
            return "reason not known: the node does not trace"
        return reason_of(bytes.fromhex(str(trace.get("output") or "0x")[2:])) or str(trace.get("error", ""))
