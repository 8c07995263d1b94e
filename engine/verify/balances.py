"""Hold the balances against the trades: nothing but what the journal tells may have moved them."""

from collections import Counter
from typing import Any

from eth_utils.crypto import keccak

from engine.verify.lineage import Lineage
from engine.verify.receipts import TRANSFER, View, moved_by
from engine.verify.report import Report
from engine.verify.rpc import Call, NotReached, Rpc

BALANCE_OF = "0x" + keccak(text="balanceOf(address)")[:4].hex()
TREASURY = "0x" + keccak(text="TREASURY()")[:4].hex()
STRANGERS_NAMED = 3


def check_balances(rpc: Rpc, lineage: Lineage, moved: Counter[str], ours: set[str], view: View, report: Report) -> None:
    """Check each token's balance change since the genesis against what the receipts of `ours` moved."""
    at_start: dict[str, str] = lineage.genesis["balances_at_start"]
    tokens = sorted({*at_start, *moved})
    now = _balances(rpc, tokens, view, view.at)
    then = _balances_then(rpc, tokens, view)
    for token in tokens:
        start = int(at_start[token]) if token in at_start else then.get(token)
        if start is None:
            report.found(None, f"the start balance of {token} is not known", "the node keeps no old state", "a balance")
            continue
        if token in then and then[token] != start:
            report.found(1, f"the genesis says another start balance of {token}", start, then[token])
        report.checked["balances"] += 1
        report.onchain_delta[token] = now[token] - start
        if now[token] - start != moved[token]:
            _explain(token, now[token] - start - moved[token], _foreign(rpc, token, ours, view), report)


def _explain(token: str, unaccounted: int, foreign: list[tuple[str, int]] | None, report: Report) -> None:
    """Tell a gift, every unit of which strangers sent, from a movement that nobody explains."""
    by = list(dict.fromkeys(tx_hash for tx_hash, _ in foreign or ()))[:STRANGERS_NAMED]
    raw = [moved for _, moved in foreign or ()]
    if raw and min(raw) >= 0 and sum(raw) == unaccounted:
        report.noted(f"strangers sent {token} to the executor or the treasury, in {', '.join(by)}", unaccounted)
        return
    what = f"{token} moved outside the journal" + (f", by {', '.join(by)}" if by else "")
    report.found(None, what, unaccounted, "0, or what strangers sent")


def check_treasury(rpc: Rpc, lineage: Lineage, view: View, report: Report) -> None:
    """Check that the executor on the chain pays the treasury that the journal names."""
    paid: str = rpc.one("eth_call", {"to": lineage.genesis["executor"], "data": TREASURY}, view.at)
    if "0x" + paid[-40:] != lineage.genesis["treasury"]:
        report.found(1, "the executor pays another treasury", paid, lineage.genesis["treasury"])


def _reads(tokens: list[str], view: View, at: str) -> list[Call]:
    return [
        ("eth_call", ({"to": token, "data": BALANCE_OF + holder[2:].rjust(64, "0")}, at))
        for token in tokens
        for holder in view.holders
    ]


def _balances(rpc: Rpc, tokens: list[str], view: View, at: str) -> dict[str, int]:
    answers = rpc.ask(_reads(tokens, view, at))
    step = len(view.holders)
    return {
        token: sum(int(raw, 16) if len(raw) > 2 else 0 for raw in answers[i * step : (i + 1) * step])
        for i, token in enumerate(tokens)
    }


def _balances_then(rpc: Rpc, tokens: list[str], view: View) -> dict[str, int]:
    """Read the balances at the start block, as far as the node still keeps that state."""
    try:
        return _balances(rpc, tokens, view, hex(view.start_block))
    except NotReached:
        return {}


def _foreign(rpc: Rpc, token: str, ours: set[str], view: View) -> list[tuple[str, int]] | None:
    """List what transactions that are not ours moved in (out: below 0), raw; None when the node does not tell."""
    who = ["0x" + holder[2:].rjust(64, "0") for holder in view.holders]
    where: dict[str, Any] = {"address": token, "fromBlock": hex(view.start_block + 1), "toBlock": view.at}
    topics: list[list[Any]] = [[TRANSFER, who], [TRANSFER, None, who]]
    answers = rpc.try_ask([("eth_getLogs", ({**where, "topics": each},)) for each in topics])
    if any("result" not in answer for answer in answers):
        return None
    logs = {(log["blockNumber"], log["logIndex"]): log for answer in answers for log in answer["result"]}
    return [
        (log["transactionHash"], moved_by({"logs": [log]}, view.holders)[token])
        for log in logs.values()
        if log["transactionHash"] not in ours
    ]
