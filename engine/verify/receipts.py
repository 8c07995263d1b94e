"""Hold every intent against its receipt: mined or not, gas to the wei, and every token that moved."""

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

from eth_utils.crypto import keccak

from engine.verify.lineage import FAULTS, Lineage, Trade
from engine.verify.report import Report
from engine.verify.rpc import Call, Rpc

TRANSFER = "0x" + keccak(text="Transfer(address,address,uint256)").hex()


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Where on the chain the check looks: all reads are as of block `number`."""

    number: int
    holders: tuple[str, ...]
    start_block: int

    @property
    def at(self) -> str:
        return hex(self.number)


def read_receipts(rpc: Rpc, lineage: Lineage, view: View) -> dict[str, dict[str, Any]]:
    """Return the receipts that the chain holds as of the view's block, by intent: of what took its nonce."""
    asked = [(name, tx_hash) for name, trade in lineage.trades.items() for tx_hash in trade.hashes]
    calls: list[Call] = [("eth_getTransactionReceipt", (tx_hash,)) for _, tx_hash in asked]
    return {
        name: found | {"transactionHash": tx_hash}
        for (name, tx_hash), found in zip(asked, rpc.ask(calls), strict=True)
        if found and int(found["blockNumber"], 16) <= view.number
    }


def check_receipts(lineage: Lineage, receipts: dict[str, dict[str, Any]], view: View, report: Report) -> Counter[str]:
    """Check each trade against its receipt; return what moved in and out of the holders, raw by token."""
    moved: Counter[str] = Counter()
    for name, trade in lineage.trades.items():
        receipt = receipts.get(name)
        report.checked["receipts"] += receipt is not None
        try:
            if receipt is None:
                if _mined_block(trade) <= view.number:
                    _found(trade, report, "the chain knows no such transaction", trade.status, "a receipt")
                continue
            deltas = moved_by(receipt, view.holders)
            moved.update(deltas)
            report.gas_paid_wei += gas_paid(receipt)
            _check_outcome(trade, receipt, deltas, report)
        except FAULTS as fault:
            _found(trade, report, "the receipt or the outcome cannot be read", repr(fault), "a whole record")
    report.realised.update({token: raw for token, raw in moved.items() if raw})
    return moved


def gas_paid(receipt: dict[str, Any]) -> int:
    """Add up the gas that a receipt was charged, in wei; OP rollups name the L1 data fee and the operator's apart.

    The operator's is gas × scalar / 10^6 + constant; since Jovian, whose receipts name the data's footprint, × 100.
    """
    apart = {n: int(receipt.get(n) or "0x0", 16) for n in ("l1Fee", "operatorFeeScalar", "operatorFeeConstant")}
    gas = int(receipt["gasUsed"], 16)
    scaled = gas * apart["operatorFeeScalar"]
    scaled = scaled * 100 if receipt.get("daFootprintGasScalar") else scaled // 10**6
    return gas * int(receipt["effectiveGasPrice"], 16) + apart["l1Fee"] + scaled + apart["operatorFeeConstant"]


def moved_by(receipt: dict[str, Any], holders: tuple[str, ...]) -> Counter[str]:
    """Add up the ERC-20 transfers into and out of the holders, raw by token."""
    moved: Counter[str] = Counter()
    for log in receipt["logs"]:
        if len(log["topics"]) != 3 or log["topics"][0] != TRANSFER:
            continue
        giver, taker = ("0x" + topic[-40:] for topic in log["topics"][1:])
        raw = int(log["data"], 16)
        moved[log["address"].lower()] += raw * ((taker in holders) - (giver in holders))
    return moved


def _mined_block(trade: Trade) -> float:
    """Number the block that the journal says a trade was mined in; infinity when it says none."""
    mined = trade.outcome is not None and trade.status != "Replaced"
    return int(trade.outcome.body["block"]["number"]) if mined and trade.outcome else math.inf


def _check_outcome(trade: Trade, receipt: dict[str, Any], deltas: Counter[str], report: Report) -> None:
    status = "Filled" if int(receipt["status"], 16) == 1 else "Reverted"
    if receipt["transactionHash"] in trade.cancels:
        status = "Cancelled"
    if trade.outcome is None or trade.status != status:
        _found(trade, report, "the journal and the chain say different ends", trade.status, status)
        return
    said = trade.outcome.body
    block, gas = said["block"], gas_paid(receipt)
    named = said.get("tx_hash") or trade.row.body["tx_hash"]
    if named != receipt["transactionHash"]:
        _found(trade, report, "another transaction of its nonce was mined", named, receipt["transactionHash"])
    if (int(block["number"]), block["hash"]) != (int(receipt["blockNumber"], 16), receipt["blockHash"]):
        is_in = (int(receipt["blockNumber"], 16), receipt["blockHash"])
        _found(trade, report, "the transaction is in another block", (int(block["number"]), block["hash"]), is_in)
    if int(said["gas_paid_wei"]) != gas:
        _found(trade, report, "the gas paid is not the receipt's", said["gas_paid_wei"], gas)
    claimed = {said["token"]: int(said["realised"])} if status == "Filled" else {}
    for token in sorted({*deltas, *claimed}):
        if deltas[token] != claimed.get(token, 0):
            _found(trade, report, f"realised {token} is not what moved", claimed.get(token, 0), deltas[token])


def _found(trade: Trade, report: Report, what: str, measured: object, expected: object) -> None:
    report.found((trade.outcome or trade.row).seq, what, measured, expected)
