"""Hold each change of the hot key against the treasury's own call, and each key's nonces against its own time."""

from collections.abc import Mapping
from typing import Any

from eth_utils.crypto import keccak

from engine.verify.lineage import Lineage, Trade
from engine.verify.receipts import View
from engine.verify.report import Report
from engine.verify.rpc import NotReached, Rpc
from engine.verify.settlements import executor_logs
from engine.verify.terms import Term

OPERATOR_SET = "0x" + keccak(text="OperatorSet(address)").hex()


def check_changes(rpc: Rpc, lineage: Lineage, view: View, report: Report) -> None:
    """Check each change of the hot key against the executor's own log of it, and that its block is the chain's."""
    if all(term.row is None for term in lineage.terms):
        return
    try:
        logs = executor_logs(rpc, lineage.genesis["executor"], [OPERATOR_SET], view.number)
    except NotReached as fault:
        report.found(
            None, "the changes of the hot key were not read", fault, "a node that gives its logs from block 0 on"
        )
        return
    known = {(log["transactionHash"], "0x" + log["topics"][1][-40:], int(log["blockNumber"], 16)) for log in logs}
    for term in lineage.terms:
        if term.row is None:
            continue
        body, seq = term.row.body, term.row.seq
        report.checked["operators"] += 1
        said = (body["tx_hash"], body["new"], int(body["set_block"]))
        if said not in known:
            report.found(seq, "the executor logged no such change of its operator", said, "a call of the treasury")
        number = int(body["block"]["number"])
        if number <= view.number:
            header = rpc.one("eth_getBlockByNumber", hex(number), False)
            if header is None or header["hash"] != body["block"]["hash"]:
                report.found(seq, "the change names a block that is not the chain's", body["block"]["hash"], number)


def check_nonces(
    rpc: Rpc, lineage: Lineage, receipts: Mapping[str, Mapping[str, Any]], view: View, report: Report
) -> None:
    """Check each key's nonces: all that it used in its time are rows of the journal, and mined within it."""
    for place, term in enumerate(term for term in lineage.terms if term.first <= view.number):
        until = lineage.terms[place + 1].since_seq if place + 1 < len(lineage.terms) else None
        trades = {
            name: trade
            for name, trade in lineage.trades.items()
            if trade.row.seq > term.since_seq and (until is None or trade.row.seq < until)
        }
        last = view.number if term.last is None else min(term.last, view.number)
        _check_term(rpc, term, last, trades, receipts, report)


def _check_term(
    rpc: Rpc,
    term: Term,
    last: int,
    trades: Mapping[str, Trade],
    receipts: Mapping[str, Mapping[str, Any]],
    report: Report,
) -> None:
    count = int(rpc.one("eth_getTransactionCount", term.address, hex(last)), 16)
    (first,) = rpc.try_ask([("eth_getTransactionCount", (term.address, hex(term.first)))])
    by_nonce = {int(trade.row.body["nonce"]): trade for trade in trades.values()}
    mined: set[int] = set()
    for name in trades.keys() & receipts.keys():
        number = int(receipts[name]["blockNumber"], 16)
        mined.add(int(trades[name].row.body["nonce"]))
        if number > last:
            report.found(trades[name].row.seq, "mined after its key was replaced", number, f"block {last} at most")
    start = int(first["result"], 16) if "result" in first else min(by_nonce, default=count)
    for nonce in sorted({*range(start, count)} - mined):
        trade = by_nonce.get(nonce)
        report.found(
            trade.row.seq if trade else None,
            f"nonce {nonce} was used by a transaction that the journal does not hold",
            f"{count} used, {len(mined)} of them in the journal",
            f"all from {start} on",
        )
    for nonce in sorted(mined - {*range(start, count)}):
        report.found(by_nonce[nonce].row.seq, "the chain's count and receipt differ", nonce, f"{start} to {count - 1}")
    free = [nonce for nonce in sorted(by_nonce) if nonce >= count]
    if free and free[0] != count:
        report.found(by_nonce[free[0]].row.seq, "an open nonce waits behind a gap", free[0], count)
    report.checked["nonces"] += count - start
