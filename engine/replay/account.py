"""What becomes of the transactions of a replay that decides otherwise than then: a nonce ledger beside the recording.

A transaction that trades what one of then traded, sent at the same block, ends as that one did. Any other is taken by
the block after it was sent, behind what everybody else landed there, and pays what exact quotes say. The recorded
market stays as it was: what is sent only now moves no pool of the blocks to come.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_utils.crypto import keccak
from hexbytes import HexBytes

from engine.chains.abi import hex_data
from engine.chains.executor_calls import EXECUTE_SELECTOR, EXECUTED_TOPIC, ExecuteCall, decode_execute
from engine.domain.events import BlockSeen
from engine.domain.units import Address
from engine.gas_seen import GasSeen
from engine.journal.canonical import loads
from engine.market.state import Market, pools_after
from engine.replay.beginning import Line
from engine.replay.cassette import Cassette
from engine.replay.quoted import Pools, plan_of, quote

Tree = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Sent:
    """One transaction sent in the replay: what it says, the market then, and the hash of its like in the recording."""

    nonce: int
    tx_hash: str
    block: int
    call: ExecuteCall | None
    gas_limit: int
    max_fee_wei: int
    priority_fee_wei: int
    pools: Pools
    like: str | None


class Account:
    """The operator's transactions. It answers for them once `diverged`; until then the recording does."""

    def __init__(
        self,
        cassette: Cassette,
        *,
        market: Market,
        gas_seen: GasSeen,
        executor: Address,
        operator: Address,
        premium_bps: int,
        count: int,
    ) -> None:
        self._market = market
        self._gas_seen = gas_seen
        self._executor = executor
        self._operator = operator
        self._premium_bps = premium_bps
        self._count = count
        seen = [item.taken for item in cassette.items if isinstance(item.taken, BlockSeen)]
        self._blocks = {event.block.number: event for event in seen}
        self._receipts = receipts_in(cassette)
        self._then, self._likes = _signed_then(cassette)
        self._sent: dict[int, list[Sent]] = {}
        self._ended: dict[int, tuple[Sent, Tree]] = {}
        self._moved: tuple[int, Pools] = (0, {})
        self.reverted: dict[str, str] = {}
        """Why a transaction that nobody sent then would have reverted, by its hash."""
        self.diverged = False

    def compare(self, then: Iterable[Line], now: Iterable[Line]) -> None:
        """Hold what was signed then against what was signed now: from where it differs the recording is another's."""
        self.diverged = self.diverged or _hashes(then) != _hashes(now)

    def send(self, raw: bytes, block: int | None = None) -> str:
        """Take a transaction that is sent now, or was sent on the head `block`; return its hash."""
        said = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
        data, tx_hash = bytes(said["data"]), "0x" + keccak(raw).hex()
        call = decode_execute(data) if data[:4] == EXECUTE_SELECTOR else None
        head = self._market.head.number if block is None else block
        like = tx_hash if tx_hash in self._then else None
        if like is None and call is not None:
            like = self._likes.get((head, plan_of(call)))
        self.diverged = self.diverged or tx_hash not in self._then
        sent = Sent(
            nonce=int(said["nonce"]),
            tx_hash=tx_hash,
            block=head,
            call=call,
            gas_limit=int(said["gas"]),
            max_fee_wei=int(said["maxFeePerGas"]),
            priority_fee_wei=int(said["maxPriorityFeePerGas"]),
            pools=dict(self._market.pools),
            like=like,
        )
        of_nonce = self._sent.setdefault(sent.nonce, [])
        if all(one.tx_hash != tx_hash for one in of_nonce):
            of_nonce.append(sent)
        return tx_hash

    def like(self, tx_hash: str) -> str:
        """Name the transaction of then that traded the same, or the one given."""
        sent = next((one for of_nonce in self._sent.values() for one in of_nonce if one.tx_hash == tx_hash), None)
        return tx_hash if sent is None or sent.like is None else sent.like

    def aside(self, method: str, params: Sequence[Any]) -> Tree | None:
        """Answer what is about our own account, once the recording no longer can; None for everything else."""
        if method == "eth_sendRawTransaction":
            tx_hash = self.send(bytes.fromhex(str(params[0])[2:]))
            return {"result": tx_hash} if self.diverged and tx_hash in self._then else None
        if not self.diverged:
            return None
        if method == "eth_getTransactionCount" and str(params[0]).lower() == self._operator:
            at = self._market.head.number if params[1] in ("latest", "pending") else int(params[1], 16)
            self._mine(self._market.head.number)
            used = [nonce for nonce, (_, receipt) in self._ended.items() if int(receipt["blockNumber"], 16) <= at]
            return {"result": hex(max((nonce + 1 for nonce in used), default=self._count))}
        if method == "eth_getTransactionReceipt":
            self._mine(self._market.head.number)
            ours = {one.tx_hash for of_nonce in self._sent.values() for one in of_nonce}
            ended = {sent.tx_hash: receipt for sent, receipt in self._ended.values()}
            if params[0] in ours:
                return {"result": ended.get(params[0])}
        return None

    def _mine(self, head: int) -> None:
        """Let each nonce end that the blocks up to `head` took, in order."""
        nonce = max((one + 1 for one in self._ended), default=self._count)
        while (of_nonce := self._sent.get(nonce)) is not None:
            found = self._end(of_nonce, head)
            if found is None:
                return
            self._ended[nonce] = found
            nonce += 1

    def _end(self, of_nonce: Sequence[Sent], head: int) -> tuple[Sent, Tree] | None:
        for sent in of_nonce:
            receipt = self._receipts.get(sent.like or "")
            if receipt is not None:
                return (sent, _renamed(receipt, sent.tx_hash)) if int(receipt["blockNumber"], 16) <= head else None
        newest = of_nonce[-1]
        number = max(newest.block + 1, max((int(r["blockNumber"], 16) for _, r in self._ended.values()), default=0))
        block = self._blocks.get(number)
        if number > head or block is None or block.base_fee_wei > newest.max_fee_wei:
            return None
        return newest, self._quoted(newest, block)

    def _quoted(self, sent: Sent, block: BlockSeen) -> Tree:
        """Make the receipt of a transaction that nobody sent then."""
        number, realised, gas_used, ok = block.block.number, 0, sent.gas_limit, True
        if sent.call is not None:
            theirs = pools_after(sent.pools, [log for log in block.logs if log.tx_hash not in self._then])
            ours = self._moved[1] if self._moved[0] == number else {}
            found = quote(sent.call, {**sent.pools, **theirs, **ours}, self._gas_seen, self._premium_bps)
            realised, gas_used, ok = found.profit, found.gas_used or sent.gas_limit, not found.why
            self._moved = (number, {**ours, **found.after})
            if not ok:
                self.reverted[sent.tx_hash] = found.why
        price_wei = block.base_fee_wei + min(sent.priority_fee_wei, sent.max_fee_wei - block.base_fee_wei)
        receipt: Tree = {
            "transactionHash": sent.tx_hash,
            "transactionIndex": "0x0",
            "blockNumber": hex(number),
            "blockHash": block.block.hash,
            "status": hex(ok),
            "gasUsed": hex(min(gas_used, sent.gas_limit)),
            "effectiveGasPrice": hex(price_wei),
            "logs": [],
        }
        if ok and sent.call is not None:
            receipt["logs"] = [self._profit(sent.call.token, realised, number, sent.tx_hash)]
        return receipt

    def _profit(self, token: Address, realised: int, number: int, tx_hash: str) -> Tree:
        return {
            "address": self._executor,
            "topics": [hex_data(EXECUTED_TOPIC), "0x" + token[2:].rjust(64, "0")],
            "data": hex_data(realised.to_bytes(32)),
            "blockNumber": hex(number),
            "transactionHash": tx_hash,
            "logIndex": "0x0",
        }


def receipts_in(cassette: Cassette) -> dict[str, Tree]:
    """Gather every receipt of the recording, the newest of each transaction."""
    found: dict[str, Tree] = {}
    for item in cassette.items:
        for requests, answers in item.heard:
            for (method, params), answer in zip(requests, answers or (), strict=False):
                if method == "eth_getTransactionReceipt" and isinstance(answer.get("result"), dict):
                    found[str(params[0])] = answer["result"]
    return found


def _signed_then(cassette: Cassette) -> tuple[frozenset[str], dict[tuple[int, object], str]]:
    """Name what was signed then, and find each trade by its block and by what it traded."""
    hashes: set[str] = set()
    like: dict[tuple[int, object], str] = {}
    for line in (*cassette.beginning, *cassette.recorded):
        if line.kind not in ("intent", "attempt"):
            continue
        body = loads(line.body.encode())
        hashes.add(body["tx_hash"])
        data = bytes(TypedTransaction.from_bytes(HexBytes(body["raw_tx"])).as_dict()["data"])
        if data[:4] == EXECUTE_SELECTOR:
            like.setdefault((int(body["submitted_block"]), plan_of(decode_execute(data))), body["tx_hash"])
    return frozenset(hashes), like


def _hashes(lines: Iterable[Line]) -> list[str]:
    return [loads(line.body.encode())["tx_hash"] for line in lines if line.kind in ("intent", "attempt")]


def _renamed(receipt: Mapping[str, Any], tx_hash: str) -> Tree:
    return {**receipt, "transactionHash": tx_hash}
