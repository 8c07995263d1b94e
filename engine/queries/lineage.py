"""A trade's whole lineage as records name it: block, opportunity, request, proof, decision, reservation, intent."""

from engine.domain.units import Address
from engine.journal import ancestry
from engine.journal.canonical import Body
from engine.journal.journal import Entry
from engine.queries import views
from engine.queries.running import Answer, Running


def lineage_of_request(engine: Running, request: Entry) -> Answer:
    """Trace a request down to how its transaction ended, and up to the block and whoever asked."""
    journal = engine.composition.journal
    proof = ancestry.proof_of(journal, request)
    decision = ancestry.decision_on(journal, request)
    approval = decision if decision and decision.body["verdict"] == "approved" else None
    intent = ancestry.intent_of(journal, approval) if approval else None
    outcome = ancestry.outcome_of(journal, intent.body["intent_id"]) if intent else None
    reservation = ancestry.at_place(journal, "reservation", approval.body["reservation"]) if approval else None
    return {
        "block": _block(request.body["stamp"]["block"]),
        "asked_for_by": [_parent(engine, parent) for parent in request.body["stamp"]["parents"]],
        "request": _request(engine, request),
        "proof": _proof(engine, proof.body, request.body) if proof else None,
        "decision": _decision(decision.body) if decision else None,
        "reservation": _reservation(reservation.body) if reservation else None,
        "intent": _intent(intent) if intent else None,
        "outcome": _outcome(engine, outcome) if outcome else None,
    }


def _parent(engine: Running, parent: str) -> Answer:
    """Show what led to a request: the opportunity seen, or the agent's and the operator's commands."""
    journal = engine.composition.journal
    command = ancestry.at_place(journal, "command", parent)
    if command is not None:
        body = command.body
        return {"id": parent, "kind": body["type"], "principal": body["principal"], "journal_seq": command.seq}
    opportunity = ancestry.at_place(journal, "opportunity", parent)
    if opportunity is not None:
        return {"id": parent, "kind": "Opportunity", "block": _block(opportunity.body["stamp"]["block"])}
    return {"id": parent}


def _request(engine: Running, entry: Entry) -> Answer:
    body = entry.body
    token = Address(body["route"]["hops"][0]["token_in"])
    return {
        "id": body["stamp"]["id"],
        "journal_seq": entry.seq,
        "principal": body["principal"],
        "origin": body["origin"],
        "hops": body["route"]["hops"],
        "amount_in": views.amount(int(body["amount_in"]), token, engine.tokens),
        "floor": views.amount(int(body["min_profit"]), token, engine.tokens),
    }


def _proof(engine: Running, body: Body, request: Body) -> Answer:
    token = Address(request["route"]["hops"][0]["token_in"])
    costs = body["costs"]
    return {
        "id": body["stamp"]["id"],
        "block": _block(body["block"]),
        "capital": body["plan"]["capital"],
        "realised": views.amount(int(body["realised"]), token, engine.tokens),
        "notional": _wei(body["notional_wei"]),
        "gross": _wei(body["gross_wei"]),
        "costs": {
            "gas_units": int(costs["gas_units"]),
            "base_fee_wei": costs["base_fee_wei"],
            "priority_fee_wei": costs["priority_fee_wei"],
            "l1_fee": _wei(costs["l1_fee_wei"]),
            "l1_model": costs["l1_model"],
            "operator_fee": _wei(costs.get("operator_fee_wei", "0")),
            "flash_fee": views.amount(int(costs["flash_fee"]), token, engine.tokens),
        },
        "net": _wei(body["net_wei"]),
        "calldata_hash": body["plan"]["calldata_hash"],
        "anchor": body["plan"]["anchor"],
        "trace_hash": body["trace_hash"],
    }


def _decision(body: Body) -> Answer:
    names = (
        ("reservation", "policy_hash", "max_fee_wei", "priority_fee_wei", "worst_loss_wei")
        if body["verdict"] == "approved"
        else ("rule", "measured", "limit", "next_step")
    )
    return {"id": body["stamp"]["id"], "verdict": body["verdict"], **{name: body[name] for name in names}}


def _reservation(body: Body) -> Answer:
    return {"id": body["reservation"], "day": int(body["day"]), "worst": _wei(body["worst_wei"])}


def _intent(entry: Entry) -> Answer:
    body = entry.body
    return {
        "id": body["intent_id"],
        "journal_seq": entry.seq,
        "journal_hash": entry.hash,
        "tx_hash": body["tx_hash"],
        "nonce": int(body["nonce"]),
        "to": body["to"],
        "gas_limit": int(body["gas_limit"]),
        "max_fee_wei": body["max_fee_wei"],
        "submitted_block": int(body["submitted_block"]),
    }


def _outcome(engine: Running, entry: Entry) -> Answer:
    body = entry.body
    mined = body["type"] in ("Filled", "Reverted")
    filled = body["type"] == "Filled"
    return {
        "status": body["type"].lower(),
        "block": _block(body["block"]) if mined else None,
        "realised": views.amount(int(body["realised"]), Address(body["token"]), engine.tokens) if filled else None,
        "gas_paid": _wei(body["gas_paid_wei"]) if mined else None,
        "reason": body["reason"] if body["type"] == "Reverted" else "",
        "journal_seq": entry.seq,
    }


def _block(body: Body) -> Answer:
    return {"number": int(body["number"]), "hash": body["hash"], "timestamp_s": int(body["timestamp_s"])}


def _wei(text: str | None) -> Answer | None:
    return None if text is None else views.wei(int(text))
