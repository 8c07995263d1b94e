"""Follow open submissions to their end: what the chain says happened, and nothing else."""

from collections.abc import Mapping, Sequence
from typing import Any

from engine.chains.endpoints import Endpoint, RpcError
from engine.chains.executor_calls import profit_of
from engine.chains.executor_reverts import reason_of
from engine.chains.heads import decode_logs
from engine.domain.decision import Submission
from engine.domain.outcome import Filled, Outcome, Replaced, Reverted
from engine.domain.units import ZERO_ADDRESS, Address, BlockHash, BlockRef, ChainId


class Monitor:
    """Asks for the receipts of what is open. A missing receipt is uncertain, never a failure.

    A nonce used by another transaction is believed at the second look, since a block may come between two answers.
    """

    def __init__(self, endpoint: Endpoint, *, chain: ChainId, executor: Address, operator: Address) -> None:
        self._endpoint = endpoint
        self._chain = chain
        self._executor = executor
        self._operator = operator
        self._overtaken: set[str] = set()

    async def outcomes(self, submissions: Sequence[Submission], head: BlockRef) -> list[Outcome]:
        """Return the outcomes known as of `head`, in nonce order. Raises `ChainError` when the node does not answer."""
        if not submissions:
            return []
        requests: list[tuple[str, Sequence[Any]]] = [("eth_getTransactionCount", (self._operator, hex(head.number)))]
        requests += [("eth_getTransactionReceipt", (s.tx_hash,)) for s in submissions]
        count, *receipts = await self._endpoint.batch(requests)
        mined = int(count, 16)
        ended: list[Outcome] = []
        for submission, receipt in zip(submissions, receipts, strict=True):
            if receipt is not None:
                outcome = await self._from_receipt(submission, receipt, head)
                if outcome is not None:
                    ended.append(outcome)
                self._overtaken.discard(submission.intent_id)
            elif submission.nonce < mined:
                if submission.intent_id in self._overtaken:
                    ended.append(Replaced(intent_id=submission.intent_id, by=None))
                self._overtaken.add(submission.intent_id)
        return ended

    async def _from_receipt(
        self, submission: Submission, receipt: Mapping[str, Any], head: BlockRef
    ) -> Filled | Reverted | None:
        """Read an end; None when its block is past `head`, or has left the chain since the node answered."""
        if int(receipt["blockNumber"], 16) > head.number:
            return None
        header = await self._endpoint.call("eth_getBlockByHash", receipt["blockHash"], False)
        if header is None:
            return None
        block = BlockRef(
            chain=self._chain,
            number=int(receipt["blockNumber"], 16),
            hash=BlockHash(receipt["blockHash"]),
            timestamp_s=int(header["timestamp"], 16),
        )
        gas_used = int(receipt["gasUsed"], 16)
        gas_paid_wei = gas_used * int(receipt["effectiveGasPrice"], 16) + int(receipt.get("l1Fee") or "0x0", 16)
        if int(receipt["status"], 16) != 1:
            return Reverted(
                intent_id=submission.intent_id,
                block=block,
                reason=await self._why(submission.tx_hash),
                gas_used=gas_used,
                gas_paid_wei=gas_paid_wei,
            )
        token, realised = profit_of(decode_logs(receipt["logs"]), self._executor) or (ZERO_ADDRESS, 0)
        return Filled(
            intent_id=submission.intent_id,
            block=block,
            token=token,
            realised=realised,
            gas_used=gas_used,
            gas_paid_wei=gas_paid_wei,
        )

    async def _why(self, tx_hash: str) -> str:
        try:
            trace = await self._endpoint.call("debug_traceTransaction", tx_hash, {"tracer": "callTracer"})
        except RpcError:
            return "reason not known: the node does not trace"
        return reason_of(bytes.fromhex(str(trace.get("output") or "0x")[2:])) or str(trace.get("error", ""))
