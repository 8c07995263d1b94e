"""The domain's values as journal entries, and back.

Nothing is kept twice: a proof names its request and holds the hash of its calldata, a decision names its proof, an
intent holds the signed bytes. By these ids every trade traces back to the block that it was decided on.
"""

from eth_utils.crypto import keccak

from engine.domain.commands import Command, TradingState
from engine.domain.decision import Approved, Attempt, Decision, Submission
from engine.domain.opportunity import Opportunity, Proof, TradeRequest
from engine.domain.outcome import Cancelled, Filled, Outcome, Reorged, Replaced, Reverted
from engine.domain.token_verdicts import TokenVerdict
from engine.domain.units import BlockRef
from engine.journal.canonical import Body, decode, plain
from engine.journal.faults import damage_named
from engine.journal.journal import Entry, Journal

_FIRST_FORMAT: Body = {"door": "public", "deadline_s": None}
"""What an intent of format 1 does not say: there was one door then."""
_NO_PARTS: Body = {"tx_hash": None, "l1_fee_wei": "0", "l1_gas": "0", "operator_fee_wei": "0"}
_NOT_SAID: dict[str, Body] = {
    "Filled": _NO_PARTS,
    "Reverted": _NO_PARTS,
    "Cancelled": _NO_PARTS,
    "Replaced": {"block": None},
}
"""What older outcomes do not say."""
OUTCOMES: tuple[type[Outcome], ...] = (Filled, Reverted, Cancelled, Replaced, Reorged)


def record_opportunity(journal: Journal, opportunity: Opportunity) -> Entry:
    """Write what a strategy found."""
    return journal.append("opportunity", plain(opportunity))


def record_request(journal: Journal, request: TradeRequest) -> Entry:
    """Write an ask to trade."""
    return journal.append("request", plain(request))


def record_proof(journal: Journal, proof: Proof) -> Entry:
    """Write what the simulation of a plan returned, with the plan's terms and the hash of its calldata."""
    body: Body = plain(proof)
    plan = body["plan"]
    plan["request"] = proof.plan.request.stamp.id
    plan["calldata_hash"] = "0x" + keccak(proof.plan.calldata).hex()
    del plan["calldata"]
    return journal.append("proof", body)


def record_decision(journal: Journal, decision: Decision) -> Entry:
    """Write an approval with its fees, or a refusal with what was measured and the limit."""
    body: Body = plain(decision)
    if isinstance(decision, Approved):
        del body["bid_limits"]
        body |= {"verdict": "approved", "proof": decision.proof.stamp.id}
        body["request"] = decision.proof.plan.request.stamp.id
    else:
        body |= {"verdict": "refused", "request": decision.request.stamp.id}
    return journal.append("decision", body)


def record_intent(
    journal: Journal,
    submission: Submission,
    *,
    calldata_anchor: str | None,
    to: str,
    gas_limit: int,
    max_fee_wei: int,
    priority_fee_wei: int,
) -> Entry:
    """Write signed bytes, before they are sent. `calldata_anchor` is None for a sweep, which carries none."""
    terms = {
        "calldata_anchor": calldata_anchor,
        "to": to,
        "gas_limit": gas_limit,
        "max_fee_wei": max_fee_wei,
        "priority_fee_wei": priority_fee_wei,
    }
    return journal.append("intent", plain(submission) | plain(terms))


def record_attempt(journal: Journal, attempt: Attempt) -> Entry:
    """Write what was signed for a nonce that is held already, before it is sent."""
    return journal.append("attempt", plain(attempt))


def read_attempts(journal: Journal, *, after_seq: int = 0) -> dict[str, tuple[Attempt, ...]]:
    """Read the attempts past a place again, by intent, in the order of signing."""
    found: dict[str, tuple[Attempt, ...]] = {}
    for entry in journal.entries("attempt", after_seq=after_seq):
        attempt = decode(Attempt, entry.body)
        found[attempt.intent_id] = (*found.get(attempt.intent_id, ()), attempt)
    return found


def record_outside(journal: Journal, *, first_nonce: int, next_nonce: int, block: BlockRef, reason: str) -> Entry:
    """Write that the chain counts transactions of the hot key, `first_nonce` to `next_nonce` - 1, not written here."""
    body = {"first_nonce": first_nonce, "next_nonce": next_nonce, "block": block, "reason": reason}
    return journal.append("outside", body)


def record_outcome(journal: Journal, outcome: Outcome) -> Entry:
    """Write how a submission ended, or that its block left the chain."""
    return journal.append("outcome", {"type": type(outcome).__name__} | plain(outcome))


def record_command(journal: Journal, command: Command) -> Entry:
    """Write what a person, an agent or the engine itself asked for."""
    return journal.append("command", {"type": type(command).__name__} | plain(command))


def record_state(journal: Journal, state: TradingState, *, principal: str, reason: str, block: BlockRef) -> Entry:
    """Write a change of the trading state, by whom and why."""
    return journal.append("state", {"state": state, "principal": principal, "reason": reason, "block": plain(block)})


def record_token(journal: Journal, verdict: TokenVerdict) -> Entry:
    """Write what the check of a token found."""
    return journal.append("token", plain(verdict))


def tokens_in(journal: Journal) -> list[TokenVerdict]:
    """List the newest verdict on each token, in the order in which they were first seen."""
    newest: dict[str, TokenVerdict] = {}
    for entry in journal.entries("token"):
        newest[entry.body["token"]] = decode(TokenVerdict, entry.body)
    return list(newest.values())


def read_submission(entry: Entry) -> Submission:
    """Make an intent's `Submission` again: after a crash its very bytes are sent once more."""
    stated = {name: entry.body[name] for name in Submission.__dataclass_fields__ if name in entry.body}
    return decode(Submission, _FIRST_FORMAT | stated)


def read_outcome(entry: Entry) -> Outcome:
    """Make an `Outcome` again."""
    body = dict(entry.body)
    name = body.pop("type")
    body = _NOT_SAID.get(name, {}) | body
    (kind,) = (kind for kind in OUTCOMES if kind.__name__ == name)
    return decode(kind, body)


def open_submissions(journal: Journal) -> list[Submission]:
    """List the intents without a final outcome, by nonce: what a start reconciles with the chain."""
    with damage_named(journal.path):
        seqs = journal.rows("SELECT seq FROM intents WHERE status = 'open' ORDER BY nonce, seq")
        found = [journal.entry(seq) for (seq,) in seqs]
        return [read_submission(entry) for entry in found if entry is not None]
