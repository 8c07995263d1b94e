"""Ask the chain what the executor did in all its life: history that the journal was rid of is still told there."""

from typing import Any

from eth_utils.crypto import keccak

from engine.verify.lineage import FAULTS, Lineage
from engine.verify.receipts import View
from engine.verify.report import Report
from engine.verify.rpc import NotReached, Rpc
from engine.verify.signed import Signed, read_execute

EXECUTED = "0x" + keccak(text="Executed(address,uint256)").hex()
FEWEST_BLOCKS = 1_000
"""Nodes limit how many blocks one question may be about; below this it is refused for another reason."""


def check_settlements(rpc: Rpc, lineage: Lineage, ours: set[str], view: View, report: Report) -> None:
    """Check that every trade that the executor ever settled is one of `ours`, by transaction hash."""
    executor: str = lineage.genesis["executor"]
    try:
        logs = executor_logs(rpc, executor, [EXECUTED], view.number)
    except NotReached as fault:
        report.found(None, "the executor's history was not read", fault, "a node that gives its logs from block 0 on")
        return
    report.checked["settlements"] += len(logs)
    for log in logs:
        if log["transactionHash"] not in ours:
            report.found(
                None,
                f"the executor settled a trade in block {int(log['blockNumber'], 16)} that the journal does not hold",
                log["transactionHash"],
                "an intent and its outcome",
            )


def executor_logs(rpc: Rpc, executor: str, topics: list[str], last: int) -> list[dict[str, Any]]:
    """Return the executor's logs from the chain's beginning to block `last`, in as few questions as the node allows.

    Raises `NotReached` when the node refuses even short ranges.
    """
    found: list[dict[str, Any]] = []
    first, span = 0, last + 1
    while first <= last:
        to = min(first + span - 1, last)
        asked = {"address": executor, "topics": [topics], "fromBlock": hex(first), "toBlock": hex(to)}
        (answer,) = rpc.try_ask([("eth_getLogs", (asked,))])
        if "result" in answer:
            found += answer["result"]
            first = to + 1
        elif span > FEWEST_BLOCKS:
            span = span // 2
        else:
            raise NotReached(f"eth_getLogs: {answer.get('error')}")
    return found


def check_anchored(lineage: Lineage, signed: dict[str, Signed], ours: set[str], report: Report) -> None:
    """Say up to which row the chain itself holds the history: the newest anchor in a mined trade's calldata."""
    for call in signed.values():
        if call.tx_hash not in ours:
            continue
        try:
            execute = read_execute(call.data)
        except FAULTS:
            continue  # found where the intents are checked
        if execute is not None:
            report.anchored = max(report.anchored, lineage.places.get(execute.anchor, 0))
