"""Hold what was signed against what was written down and approved: no chain is needed for this."""

import hashlib
import json
from typing import Any

from engine.verify.attempts import check_attempts
from engine.verify.history import History
from engine.verify.lineage import FAULTS, Lineage, Trade
from engine.verify.report import Report
from engine.verify.signed import Execute, Signed, is_sweep, read_execute, read_signed

STATUS = {
    "open": "open",
    "Filled": "filled",
    "Reverted": "reverted",
    "Cancelled": "cancelled",
    "Replaced": "replaced",
}

Table = dict[Any, tuple[int | None, tuple[Any, ...]]]
"""A projection as it should be: key -> (the row that it is about, its cells)."""


def check_intents(lineage: Lineage, report: Report) -> dict[str, Signed]:
    """Check every intent's bytes; return what was signed, by intent."""
    signed: dict[str, Signed] = {}
    for name, trade in lineage.trades.items():
        report.checked["intents"] += 1
        try:
            signed[name] = read_signed(bytes.fromhex(trade.row.body["raw_tx"].removeprefix("0x")))
            _check_terms(trade, signed[name], lineage, report)
            _check_call(trade, signed[name], lineage, report)
            check_attempts(trade, signed[name], lineage, report)
        except FAULTS as fault:
            report.found(trade.row.seq, "the intent cannot be decoded", fault, "a signed call of the executor")
    _check_nonce_order(lineage, report)
    return signed


def check_genesis(lineage: Lineage, report: Report) -> None:
    """Check that the policy hash in the genesis is that of the policy in it."""
    try:
        policy = json.dumps(lineage.genesis["policy"], sort_keys=True, separators=(",", ":")).encode()
        digest = "0x" + hashlib.sha256(policy).hexdigest()
        if digest != lineage.genesis["policy_hash"]:
            report.found(1, "the policy is not the one that was hashed", digest, lineage.genesis["policy_hash"])
    except FAULTS as fault:
        report.found(1, "the genesis lacks what it must hold", repr(fault), "policy and policy_hash")


def check_tables(history: History, lineage: Lineage, report: Report) -> None:
    """Check the projections against the rows that they are made from, cell by cell."""
    intents: Table = {}
    for name, trade in lineage.trades.items():
        body, ended = trade.row.body, trade.last.seq if trade.last else None
        cells = (trade.row.seq, int(body["nonce"]), body["tx_hash"], STATUS[trade.status], ended)
        intents[name] = (trade.row.seq, cells)
    _compare("intents", history, intents, report)
    reservations: Table = {}
    for name, row in lineage.reservations.items():
        release, said, time = lineage.releases.get(name), row.body, row.body.get("time")
        end = (release.body["how"], release.seq) if release else (None, None)
        charge = (release.body["gas_wei"], release.body["loss_wei"]) if release else ("0", "0")
        reservations[name] = (
            row.seq,
            (
                row.seq,
                said.get("principal", "engine"),
                int(said.get("agent", False)),
                said.get("token", ""),
                json.dumps(said.get("venues", []), separators=(",", ":")),
                str(lineage.worst[name]),
                said.get("notional_wei", "0"),
                said.get("own_wei", "0"),
                int(time["time_s"]) if time else int(said["day"]) * 86_400,
                int(release is None),
                *end,
                lineage.days.get(name, int(said["day"])),
                *charge,
            ),
        )
    _compare("reservations", history, reservations, report)
    spent: Table = {key: (None, (str(total),)) for key, total in lineage.spent.items()}
    _compare("spent", history, spent, report)
    ledger: Table = {name: (None, (value,)) for name, value in lineage.ledger.items()}
    _compare("ledger", history, ledger, report)


def _compare(table: str, history: History, expected: Table, report: Report) -> None:
    what = f"the table of {table} says other than the entries"
    found = {row[0]: row[1:] for row in history.tables.get(table, [])}
    for name, (seq, cells) in expected.items():
        held = found.pop(name, None)
        if held != cells:
            report.found(seq, what, held, cells)
    for name, held in found.items():
        report.found(None, what, (name, *held), "nothing")


def _check_terms(trade: Trade, signed: Signed, lineage: Lineage, report: Report) -> None:
    body, genesis = trade.row.body, lineage.genesis
    operator = lineage.operator_at(trade.row.seq)
    receiver = operator if trade.is_fill else genesis["executor"]
    terms = {
        "hash": (signed.tx_hash, body["tx_hash"]),
        "sender": (signed.sender, operator),
        "receiver": (signed.to, receiver),
        "receiver as written down": (body["to"], receiver),
        "chain": (signed.chain_id, int(genesis["chain_id"])),
        "nonce": (signed.nonce, int(body["nonce"])),
        "value": (signed.value, 0),
        "gas limit": (signed.gas_limit, int(body["gas_limit"])),
        "max fee": (signed.max_fee_wei, int(body["max_fee_wei"])),
        "priority fee": (signed.priority_fee_wei, int(body["priority_fee_wei"])),
    }
    if trade.decision is not None:
        approved = trade.decision.body
        terms["max fee as approved"] = (signed.max_fee_wei, int(approved["max_fee_wei"]))
        terms["priority fee as approved"] = (signed.priority_fee_wei, int(approved["priority_fee_wei"]))
    if trade.proof is not None:
        plan = trade.proof.body["plan"]
        terms["calldata"] = (signed.data_hash, plan["calldata_hash"])
        terms["gas limit as planned"] = (signed.gas_limit, int(plan["gas_limit"]))
    for name, (measured, expected) in terms.items():
        if measured != expected:
            report.found(trade.row.seq, f"the signed bytes say another {name}", measured, expected)
    if trade.reservation is not None:
        worst, held = signed.gas_limit * signed.max_fee_wei, int(trade.reservation.body["worst_wei"])
        if worst > held:
            report.found(trade.row.seq, "gas could cost more than was reserved", worst, f"at most {held}")


def _check_call(trade: Trade, signed: Signed, lineage: Lineage, report: Report) -> None:
    seq, call = trade.row.seq, read_execute(signed.data)
    if trade.is_fill:
        if signed.data:
            report.found(seq, "what fills a nonce carries a call", "0x" + signed.data[:4].hex(), "nothing")
        return
    if call is None:
        if not is_sweep(signed.data) or trade.row.body["calldata_anchor"] is not None:
            report.found(
                seq, "the signed call is neither execute nor sweep", "0x" + signed.data[:4].hex(), "one of both"
            )
        return
    report.checked["anchors"] += 1
    place = lineage.places.get(call.anchor)
    if call.anchor != trade.row.body["calldata_anchor"] or place is None or place >= seq:
        report.found(
            seq, "the anchor in the calldata is no entry's hash before it", call.anchor, "an earlier entry's hash"
        )
    if call.min_profit < 1:
        report.found(seq, "the contract was given no floor", call.min_profit, "at least 1")
    if trade.request is not None:
        _check_request(trade, call, report)


def _check_request(trade: Trade, call: Execute, report: Report) -> None:
    request = trade.request.body if trade.request else {}
    hops = request["route"]["hops"]
    terms = {
        "token": (call.token, hops[0]["token_in"]),
        "amount": (call.amount, int(request["amount_in"])),
        "floor": (call.min_profit, int(request["min_profit"])),
        "pools": (call.pools, tuple(hop["pool"] for hop in hops)),
        "tokens": (call.tokens_out, tuple(hop["token_out"] for hop in hops)),
    }
    for name, (measured, expected) in terms.items():
        if measured != expected:
            report.found(trade.row.seq, f"the signed call has other {name} than were asked for", measured, expected)


def _check_nonce_order(lineage: Lineage, report: Report) -> None:
    """Nonces go up by one. One may come back when the transaction that had it was replaced, and go past or back to
    those that somebody else was seen to use.
    """
    of, last = "", None
    replaced: set[int] = set()
    for trade in lineage.trades.values():
        nonce, seq = int(trade.row.body["nonce"]), trade.row.seq
        if (operator := lineage.operator_at(seq)) != of:
            of, last, replaced = operator, None, set()  # each key counts for itself
        near = any(
            int(row.body["first_nonce"]) <= nonce <= int(row.body["next_nonce"])
            for row in lineage.outside
            if row.seq < seq
        )
        if last is not None and nonce != last + 1 and nonce not in replaced and not near:
            report.found(seq, "the nonces have a gap or repeat", nonce, last + 1)
        last = nonce if last is None else max(last, nonce)
        if trade.status == "Replaced":
            replaced.add(nonce)
