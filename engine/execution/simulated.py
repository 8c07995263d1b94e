"""The end of a trade on paper: nothing was sent, and the next block says whether it would have paid there."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from eth_account.typed_transactions.typed_transaction import TypedTransaction
from hexbytes import HexBytes
from typing_extensions import override

from engine.chains.abi import hex_data
from engine.chains.endpoints import RpcError
from engine.chains.executor_calls import decode_execute, encode_execute
from engine.chains.heads import block_ref
from engine.chains.overlay import Overlay
from engine.domain.decision import Outstanding
from engine.domain.errors import SigningRefused
from engine.domain.outcome import Cancelled, Filled, Outcome, Reverted
from engine.domain.units import ZERO_ADDRESS, Address, BlockRef, ChainId
from engine.execution.monitor import Monitor
from engine.execution.nonces import Terms, terms_of
from engine.execution.placing import BLOCK_GAS, place_among
from engine.journal.journal import Journal
from engine.journal.papered import End, PaperEnd, record_paper
from engine.planning.costs import L1Model
from engine.planning.simulate import Simulated, Simulator

_FOREVER_S = 2**40


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    """What one open trade put on paper: its call as the chain would have had it."""

    one: Outstanding
    terms: Terms
    call: dict[str, str]
    data: bytes
    is_cancel: bool


class PaperMonitor(Monitor):
    """Decides what is open against the next block that would have taken it.

    Optimistic: first in that block, on the state of its parent. Pessimistic: behind everything in it, on its end state.
    What the chain did lies between. Placed, where `places_sold`: behind what paid more. `counts` says which becomes the
    outcome; all are in the journal, as an entry of kind `paper` right before it.
    """

    def __init__(
        self,
        endpoint: Overlay,
        *,
        chain: ChainId,
        executor: Address,
        operator: Address,
        journal: Journal,
        l1: L1Model,
        counts: End,
        places_sold: bool,
    ) -> None:
        super().__init__(endpoint, chain=chain, executor=executor, operator=operator)
        self._overlay = endpoint
        self._simulator = Simulator(endpoint, operator)
        self._journal = journal
        self._l1 = l1
        self._counts: End = counts
        self._places_sold = places_sold
        ((highest,),) = journal.rows("SELECT MAX(nonce) FROM intents WHERE status <> 'open'")
        self._next = 0 if highest is None else highest + 1
        endpoint.count = self.count

    def count(self) -> int:
        """Count the operator's transactions as the chain would, had they been sent."""
        return self._next

    @override
    async def outcomes(self, outstanding: Sequence[Outstanding], head: BlockRef) -> list[Outcome]:
        """Decide what the blocks up to `head` would have taken, in nonce order; raises `ChainError` as a monitor does.

        What one block takes is run one after the other, as their nonces have it.
        """
        if self._overlay.standing:
            with suppress(RpcError):  # asked again at the next block
                await self._simulator.run([], head.hash, head.timestamp_s + 1)
        ended: list[Outcome] = []
        left = sorted(outstanding, key=lambda one: one.submission.nonce)
        while left:
            number = min(left[0].newest.submitted_block + 1, head.number)
            if left[0].newest.submitted_block >= head.number:
                break
            header = await self._header(number, head)
            taken = await self._takes(left, header)
            if not taken and number < head.number:  # too dear for the first block: what of the newest?
                header = await self._header(head.number, head)
                taken = await self._takes(left, header)
            if not taken:
                break
            ended += await self._decided(taken, header)
            left = left[len(taken) :]
        return ended

    async def _header(self, number: int, head: BlockRef) -> dict[str, Any]:
        if number == head.number:
            header = await self._endpoint.call("eth_getBlockByHash", head.hash, False)
        else:
            header = await self._endpoint.call("eth_getBlockByNumber", hex(number), False)
        if header is None:
            raise RpcError("eth_getBlockByHash", -32000, "the node has left this block", None)
        return header

    async def _takes(self, left: Sequence[Outstanding], header: dict[str, Any]) -> list[_Sent]:
        """List what a block takes of what is open: it was sent before, and pays the base fee; then its successors."""
        base_fee_wei, number = int(header.get("baseFeePerGas", "0x0"), 16), int(header["number"], 16)
        taken: list[_Sent] = []
        for one in left:
            sent = self._sent(one)
            if one.newest.submitted_block >= number or sent.terms.fees.max_fee_wei < base_fee_wei:
                break
            taken.append(sent)
        return taken

    def _sent(self, one: Outstanding) -> _Sent:
        newest = one.newest
        terms = terms_of(newest.raw_tx)
        fields = TypedTransaction.from_bytes(HexBytes(newest.raw_tx)).as_dict()
        data, to = bytes(fields["data"]), fields["to"]
        call = {
            "from": self._operator,
            "to": to if isinstance(to, str) else hex_data(bytes(to)),
            "data": hex_data(data),
            "gas": hex(terms.gas_limit),
        }
        return _Sent(one=one, terms=terms, call=call, data=data, is_cancel=newest.tx_hash in one.cancels)

    async def _decided(self, taken: Sequence[_Sent], header: dict[str, Any]) -> list[Outcome]:
        block, undecided = block_ref(self._chain, header), ""
        calls = [sent.call for sent in taken]
        ends: dict[End, Sequence[Simulated]] = {}
        try:
            parent = await self._endpoint.call("eth_getBlockByHash", header["parentHash"], False)
            time_s = max(block.timestamp_s, int((parent or header)["timestamp"], 16) + 1)
            ends["optimistic"] = await self._simulator.run(calls, header["parentHash"], time_s)
            ends["pessimistic"] = await self._simulator.run(calls, block.hash, block.timestamp_s + 1)
            if self._places_sold and not self._simulator.one_by_one:
                with suppress(RpcError):  # a node may not run what others sent; the two bounds stand
                    ends["placed"] = await self._in_place(taken, header, time_s)
        except RpcError as error:
            undecided = f"not decided: {error.message}"
            never = [_never(sent, undecided) for sent in taken]
            ends = {"optimistic": never, "pessimistic": never}
        ended: list[Outcome] = []
        for at, sent in enumerate(taken):
            ended.append(await self._end(sent, {end: found[at] for end, found in ends.items()}, header, undecided))
        return ended

    async def _in_place(self, taken: Sequence[_Sent], header: dict[str, Any], time_s: int) -> list[Simulated]:
        """Run the block again up to our places in it, by what each pays for its own."""
        block = await self._endpoint.call("eth_getBlockByHash", header["hash"], True)
        base_fee_wei = int(header.get("baseFeePerGas", "0x0"), 16)
        ours = [(sent.call, _priority_wei(sent.terms, base_fee_wei)) for sent in taken]
        placed = place_among(block, ours, self._operator)
        calls = [call for call, _ in placed]
        found = await self._simulator.run(calls, header["parentHash"], time_s, gasLimit=BLOCK_GAS)
        return [result for result, (_, is_ours) in zip(found, placed, strict=True) if is_ours]

    async def _end(
        self, sent: _Sent, results: Mapping[End, Simulated], header: dict[str, Any], undecided: str
    ) -> Outcome:
        """Write every end down, and make the one that counts the outcome; without a place, that is the pessimistic."""
        block, newest = block_ref(self._chain, header), sent.one.newest
        base_fee_wei = int(header.get("baseFeePerGas", "0x0"), 16)
        ends: dict[End, PaperEnd] = {e: await self._priced(sent, r, base_fee_wei) for e, r in results.items()}
        counts: End = self._counts if self._counts in ends else "pessimistic"
        counted = ends[counts]
        name = sent.one.submission.intent_id
        token = None if sent.is_cancel else _token_of(sent.data)
        record_paper(self._journal, name, block, token=token, counts=counts, undecided=undecided, ends=ends)
        self._next = max(self._next, sent.one.submission.nonce + 1)
        paid: dict[str, Any] = {
            "intent_id": name,
            "block": block,
            "gas_used": counted.gas_used,
            "gas_paid_wei": counted.gas_paid_wei,
            "tx_hash": newest.tx_hash,
            "l1_fee_wei": counted.l1_fee_wei,
            "l1_gas": counted.l1_gas,
            "operator_fee_wei": counted.operator_fee_wei,
        }
        if sent.is_cancel:
            return Cancelled(**paid)
        if not counted.ok:
            return Reverted(reason=counted.reason, **paid)
        if token is None:
            return Filled(token=ZERO_ADDRESS, realised=0, **paid)
        if results["pessimistic"].ok:  # else whoever was in that block has taken it
            self._stand(sent)
        return Filled(token=token, realised=counted.realised, **paid)

    async def _priced(self, sent: _Sent, result: Simulated, base_fee_wei: int) -> PaperEnd:
        """Charge what the chain would: gas at the block's fee, and the L1 data as the chain's own model has it."""
        l1 = await self._l1.fee(self._endpoint, Address(sent.call["to"]), sent.data)
        gas_used = (result.gas_used or sent.terms.gas_limit) + l1.gas_units  # eth_call does not say what a revert burns
        price_wei = base_fee_wei + _priority_wei(sent.terms, base_fee_wei)
        apart_wei = 0 if l1.gas_units else l1.wei
        operator_wei = l1.operator.of(gas_used)
        return PaperEnd(
            ok=result.ok,
            realised=result.realised,
            reason=result.reason,
            gas_used=gas_used,
            gas_paid_wei=gas_used * price_wei + apart_wei + operator_wei,
            l1_fee_wei=apart_wei + l1.gas_units * price_wei,
            l1_gas=l1.gas_units,
            operator_fee_wei=operator_wei,
        )

    def _stand(self, sent: _Sent) -> None:
        """Keep a fill standing before later simulations, whatever the hour and however little it still pays."""
        again = encode_execute(replace(decode_execute(sent.data), min_profit=1, deadline_s=_FOREVER_S))
        self._overlay.standing.append({**sent.call, "data": hex_data(again)})


def _token_of(data: bytes) -> Address | None:
    """Name the token that a trade is paid in; None for a sweep, which takes nothing from the market."""
    try:
        return decode_execute(data).token
    except SigningRefused:
        return None


def _priority_wei(terms: Terms, base_fee_wei: int) -> int:
    return min(terms.fees.priority_fee_wei, terms.fees.max_fee_wei - base_fee_wei)


def _never(sent: _Sent, why: str) -> Simulated:
    """Stand in for what could not be simulated: a miss at all of its gas, the worst that it may have been."""
    return Simulated(ok=False, realised=0, gas_used=sent.terms.gas_limit, reason=why, trace_hash="")
