"""The independent checker: a journal against itself and against the chain, sharing no code with what wrote it."""

from collections.abc import Callable
from pathlib import Path

from engine.domain.errors import JournalError
from engine.verify.balances import check_balances, check_treasury
from engine.verify.history import read_history
from engine.verify.intents import check_genesis, check_intents, check_tables
from engine.verify.limits import check_limits
from engine.verify.lineage import FAULTS, Lineage, trace
from engine.verify.operators import check_changes, check_nonces
from engine.verify.papers import check_papers, check_unsent
from engine.verify.policies import check_policies
from engine.verify.receipts import View, check_receipts, read_receipts
from engine.verify.report import Report
from engine.verify.rpc import NotReached, Rpc, node_at
from engine.verify.settlements import check_anchored, check_settlements
from engine.verify.signed import Signed

JOURNAL_FILE = "journal.sqlite"


def verify_state(state: Path, rpc: str | None, *, at_block: int | None = None, executor: str | None = None) -> Report:
    """Check the journal in a state folder, and every trade in it against the node at `rpc`.

    `at_block` is a block whose outcomes a running engine has all written down: what came later, on either side, does
    not count; None takes the chain's newest. `executor` is the contract whose history this must be, known from
    elsewhere. Raises `JournalError` when there is no journal. A node that is not reached is a finding: what was not
    checked is not true.
    """
    path = state / JOURNAL_FILE
    if not path.is_file():
        raise JournalError(f"there is no journal at {path}", next_step="run ketch init, or name another --state")
    report = Report()
    history = read_history(path, report)
    lineage = trace(history, report)
    _guarded(report, "the genesis", lambda: check_genesis(lineage, report))
    _guarded(report, "the policy", lambda: check_policies(history, report))
    if executor is not None and executor.lower() != lineage.genesis.get("executor"):
        report.found(1, "the journal is of another executor", lineage.genesis.get("executor"), executor.lower())
    signed: dict[str, Signed] = {}
    _guarded(report, "the intents", lambda: signed.update(check_intents(lineage, report)))
    _guarded(report, "the tables", lambda: check_tables(history, lineage, report))
    _guarded(report, "the paper", lambda: check_papers(history, lineage, report))
    _guarded(report, "the limits", lambda: check_limits(history, lineage.genesis, report))
    if rpc is None:
        report.found(None, "chain not reached", "no node is named", "a node to check the trades against")
        return report
    try:
        with node_at(rpc) as node:
            _guarded(report, "the chain", lambda: _check_chain(node, lineage, signed, at_block, report))
    except NotReached as fault:
        report.found(None, "chain not reached", fault, "a node to check the trades against")
    return report


def _check_chain(rpc: Rpc, lineage: Lineage, signed: dict[str, Signed], at_block: int | None, report: Report) -> None:
    genesis = lineage.genesis
    chain_id, number = rpc.ask([("eth_chainId", ()), ("eth_blockNumber", ())])
    if int(chain_id, 16) != int(genesis["chain_id"]):
        report.found(1, "the node is on another chain", int(chain_id, 16), genesis["chain_id"])
        return
    if report.paper:
        check_unsent(rpc, lineage, report)
        return
    view = View(
        number=int(number, 16) if at_block is None else at_block,
        holders=tuple(dict.fromkeys((genesis["executor"], genesis["treasury"]))),
        start_block=int(genesis["start_block"]),
    )
    seen = _seen_from(rpc, lineage, signed, view)
    if not seen.ok and int(number, 16) <= view.number < int(rpc.one("eth_blockNumber"), 16):
        seen = _seen_from(rpc, lineage, signed, view)
    report.add(seen)


def _seen_from(rpc: Rpc, lineage: Lineage, signed: dict[str, Signed], view: View) -> Report:
    """Check the journal against the chain as of one block.

    Asked about its newest block while it makes the next, a node may answer with the state of the next (anvil does):
    what is found there counts only if it is found again once the block has another after it.
    """
    report = Report()
    receipts = read_receipts(rpc, lineage, view)
    moved = check_receipts(lineage, receipts, view, report)
    check_changes(rpc, lineage, view, report)
    check_nonces(rpc, lineage, receipts, view, report)
    ours = {str(receipt["transactionHash"]) for receipt in receipts.values()}
    check_balances(rpc, lineage, moved, ours, view, report)
    check_settlements(rpc, lineage, ours, view, report)
    check_anchored(lineage, signed, ours, report)
    check_treasury(rpc, lineage, view, report)
    return report


def _guarded(report: Report, what: str, check: Callable[[], object]) -> None:
    """Run one part of the check; rows of the wrong shape are a finding, and the other parts go on."""
    try:
        check()
    except FAULTS as fault:
        report.found(None, f"{what} cannot be checked", repr(fault), "whole records")
