"""What was answered to agents' executions, kept by the journal: a key that comes again gets the same answer.

An "answer" entry is `{"command", "status": "submitted" | "refused" | "waiting", ...}`; the newest of a command counts.
A crash between a trade and its answer leaves the trade's own records, from which the answer is made again.
"""

from typing import Any

from engine.domain.decision import Waiting
from engine.journal.canonical import Body, decode
from engine.journal.journal import Entry, Journal
from engine.risk.limits import Breach

Answer = dict[str, Any]
Key = tuple[str, str]
"""(principal, idempotency key)."""


def refusal(breach: Breach) -> Answer:
    """Say which rule refused, what was measured, the limit, and what would change the answer."""
    return {
        "status": "refused",
        "rule": breach.rule,
        "measured": breach.measured,
        "limit": breach.limit,
        "next_step": breach.next_step,
    }


def submitted(decision_id: str, intent_id: str, tx_hash: str) -> Answer:
    """Say that a trade is signed, on disk and on its way."""
    return {"status": "submitted", "decision": decision_id, "intent": intent_id, "tx_hash": tx_hash}


INTERRUPTED = refusal(
    Breach(
        rule="interrupted",
        measured="the engine stopped before it decided",
        limit="one decision an execution",
        next_step="call simulate_trade again and use a new idempotency key",
    )
)


def answers_given(journal: Journal) -> dict[Key, Answer]:
    """Gather what every execution in the journal was answered, by principal and key."""
    found: dict[str, Answer] = {}
    approved = _approved(journal)
    for entry in journal.entries("answer"):
        if entry.body["command"] is not None:
            found[entry.body["command"]] = said(entry.body)
    answers: dict[Key, Answer] = {}
    for entry in journal.entries("command"):
        if entry.body["type"] == "ExecuteTrade":
            command = f"command-{entry.seq}"
            key = (entry.body["principal"], entry.body["idempotency_key"])
            answer = found.get(command)
            if answer is None or (answer["status"] == "waiting" and answer["approval"] in approved):
                answer = _made_again(journal, entry)
            answers[key] = answer
    return answers


def left_waiting(journal: Journal) -> dict[str, Waiting]:
    """Gather the trades that still wait for the operator, by approval."""
    waiting: dict[str, Waiting] = {}
    for entry in journal.entries("answer"):
        body = entry.body
        if body["status"] == "waiting":
            held = decode(Waiting, body["waiting"])
            waiting[held.approval] = held
        elif body["command"] is not None:
            waiting = {name: held for name, held in waiting.items() if held.command != body["command"]}
    approved = _approved(journal)  # consent is spent when it is on disk, whatever came of it
    return {name: held for name, held in waiting.items() if name not in approved}


def _approved(journal: Journal) -> frozenset[str]:
    return frozenset(entry.body["approval"] for entry in journal.entries("command") if entry.body["type"] == "Approve")


def said(body: Body) -> Answer:
    """Make the answer of an "answer" entry again."""
    answer = {name: value for name, value in body.items() if name not in ("command", "waiting", "asked")}
    return answer | ({"expires_s": int(answer["expires_s"])} if "expires_s" in answer else {})


def _made_again(journal: Journal, execution: Entry) -> Answer:
    """Make the answer from the trade's own records: an intent, a refusal, or nothing at all."""
    command = f"command-{execution.seq}"
    requests: set[str] = set()
    for entry in journal.entries(after_seq=execution.seq):
        body = entry.body
        if entry.kind == "request" and command in body["stamp"]["parents"]:
            requests.add(body["stamp"]["id"])
        elif entry.kind == "decision" and body["verdict"] == "refused" and body["request"] in requests:
            return {"status": "refused"} | {n: body[n] for n in ("rule", "measured", "limit", "next_step")}
        elif entry.kind == "decision" and body["request"] in requests:
            intent = journal.entry(entry.seq + 1)  # an approval and its intent are written together
            if intent is not None and intent.kind == "intent":
                return submitted(body["stamp"]["id"], intent.body["intent_id"], intent.body["tx_hash"])
    return INTERRUPTED
