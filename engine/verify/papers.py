"""Check a journal of trades that were never sent: each end against what was written of its block, and that none was."""

from typing import Any

from engine.verify.history import History, Row
from engine.verify.lineage import Lineage
from engine.verify.report import Report
from engine.verify.rpc import Rpc

_PARTS = ("gas_used", "gas_paid_wei", "l1_fee_wei", "l1_gas", "operator_fee_wei")


def check_papers(history: History, lineage: Lineage, report: Report) -> None:
    """Check that only a paper journal holds decisions on paper, and that each of its outcomes is the one it names."""
    report.paper = bool(lineage.genesis.get("paper"))
    said: dict[str, Row] = {}
    for row in history.rows:
        if row.kind == "paper":
            said[row.body["intent_id"]] = row
            if not report.paper:
                report.found(row.seq, "a journal of real trades holds one decided on paper", "paper", "nothing")
        elif report.paper and row.kind == "outcome" and row.body["type"] != "Reorged":
            report.checked["paper"] += 1
            _check_end(row, said.pop(row.body["intent_id"], None), report)


def _check_end(outcome: Row, said: Row | None, report: Report) -> None:
    if said is None:
        report.found(outcome.seq, "the outcome on paper was not decided", outcome.body["intent_id"], "a row before it")
        return
    end: dict[str, Any] = said.body[said.body["counts"]]
    kind = outcome.body["type"]
    if kind != "Cancelled" and kind != ("Filled" if end["ok"] else "Reverted"):
        report.found(outcome.seq, "the outcome is not the end that counts", kind, end["ok"])
    terms = {name: (outcome.body[name], end[name]) for name in _PARTS} | {
        "block": (outcome.body["block"], said.body["block"])
    }
    if kind == "Filled" and said.body["token"] is not None:
        terms["realised"] = (outcome.body["realised"], end["realised"])
        terms["token"] = (outcome.body["token"], said.body["token"])
    for name, (measured, expected) in terms.items():
        if measured != expected:
            report.found(outcome.seq, f"the outcome on paper says another {name}", measured, expected)
    report.gas_paid_wei += int(outcome.body["gas_paid_wei"])
    if kind == "Filled":
        report.realised[outcome.body["token"]] += int(outcome.body["realised"])


def check_unsent(rpc: Rpc, lineage: Lineage, report: Report) -> None:
    """Check that the chain knows none of the signed transactions, and all of the blocks that they were decided on."""
    asked = [(trade, tx_hash) for trade in lineage.trades.values() for tx_hash in trade.hashes]
    receipts = rpc.ask([("eth_getTransactionByHash", (tx_hash,)) for _, tx_hash in asked])
    for (trade, tx_hash), receipt in zip(asked, receipts, strict=True):
        report.checked["never sent"] += 1
        if receipt is not None:
            report.found(trade.row.seq, "a trade on paper is on the chain", tx_hash, "nothing")
    ends = [trade.outcome for trade in lineage.trades.values() if trade.outcome is not None]
    blocks = {int(end.body["block"]["number"]): end for end in ends}
    headers = rpc.ask([("eth_getBlockByNumber", (hex(number), False)) for number in blocks])
    for (number, end), header in zip(blocks.items(), headers, strict=True):
        report.checked["blocks"] += 1
        if header is None or header["hash"] != end.body["block"]["hash"]:
            found = None if header is None else header["hash"]
            report.found(end.seq, f"block {number} of the chain is another", end.body["block"]["hash"], found)
