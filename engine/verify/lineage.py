"""Pair up the rows: each trade with the decision, proof and request it came from, its reservation and its end."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.verify.history import History, Row
from engine.verify.report import Report
from engine.verify.terms import Term, first_term, next_term

FINAL = ("Filled", "Reverted", "Cancelled", "Replaced")
FAULTS = (KeyError, TypeError, ValueError, AttributeError, IndexError)
"""What reading a body of the wrong shape raises."""

Status = Literal["open", "Filled", "Reverted", "Cancelled", "Replaced"]


@dataclass(slots=True, kw_only=True)
class Trade:
    """One intent with all that belongs to it. `outcome` is how it ended, None while open or reorganised; `last` is the
    newest outcome row, a reorganisation included. `attempts` are what was signed for its nonce later, each with the
    worst that was reserved by then, None without a reservation.
    """

    row: Row
    decision: Row | None = None
    proof: Row | None = None
    request: Row | None = None
    reservation: Row | None = None
    outcome: Row | None = None
    last: Row | None = None
    release: Row | None = None
    attempts: list[tuple[Row, int | None]] = field(default_factory=lambda: list[tuple[Row, int | None]]())

    @property
    def is_fill(self) -> bool:
        """Tell a transfer of nothing that fills a nonce, which a reorg left open, from a call of the executor."""
        return str(self.row.body["decision_id"]).startswith("outside-")

    @property
    def hashes(self) -> tuple[str, ...]:
        """Name every hash under which its nonce may have been mined."""
        return (self.row.body["tx_hash"], *(row.body["tx_hash"] for row, _ in self.attempts))

    @property
    def cancels(self) -> frozenset[str]:
        """Name the hashes that do nothing but take the nonce."""
        own = {self.row.body["tx_hash"]} if self.is_fill else set[str]()
        return frozenset(own | {row.body["tx_hash"] for row, _ in self.attempts if row.body["kind"] == "cancel"})

    @property
    def status(self) -> Status:
        return "open" if self.outcome is None else self.outcome.body["type"]


@dataclass(slots=True, kw_only=True)
class Lineage:
    """The journal's accounts as its rows tell them, and each row's hash with its place.

    `days` is the day that a reservation was last charged to, `spent` what each day's releases add up to, by day, what
    and name; `ledger` the limits' time and the row of the last resume; `worst` what each reservation holds after every
    raise, `outside` the nonces that somebody else was seen to use, `terms` the hot keys in turn.
    """

    genesis: dict[str, Any]
    trades: dict[str, Trade] = field(default_factory=lambda: dict[str, Trade]())
    reservations: dict[str, Row] = field(default_factory=lambda: dict[str, Row]())
    releases: dict[str, Row] = field(default_factory=lambda: dict[str, Row]())
    days: dict[str, int] = field(default_factory=lambda: dict[str, int]())
    spent: Counter[str] = field(default_factory=lambda: Counter[str]())
    ledger: dict[str, int] = field(default_factory=lambda: dict[str, int]())
    worst: dict[str, int] = field(default_factory=lambda: dict[str, int]())
    outside: list[Row] = field(default_factory=lambda: list[Row]())
    places: dict[str, int] = field(default_factory=lambda: dict[str, int]())
    terms: list[Term] = field(default_factory=lambda: list[Term]())

    def operator_at(self, seq: int) -> str:
        """Name the hot key that signed when the row was written; nobody's where the genesis names none."""
        return next((term.address for term in reversed(self.terms) if term.since_seq < seq), "")


def trace(history: History, report: Report) -> Lineage:
    """Walk the rows once; a row that names what is not there, or ends what has ended, is a finding."""
    first = history.rows[0] if history.rows else None
    is_genesis = first is not None and first.seq == 1 and first.kind == "genesis"
    lineage = Lineage(genesis=first.body if first and is_genesis else {})
    if not is_genesis:
        report.found(1, "the journal does not begin with its genesis", first.kind if first else "nothing", "genesis")
    lineage.terms += first_term(lineage.genesis)
    named: dict[tuple[str, str], Row] = {}
    for row in history.rows:
        lineage.places[row.hash] = row.seq
        try:
            _place(row, lineage, named, report)
        except FAULTS as fault:
            report.found(row.seq, f"the {row.kind} lacks what it must hold", repr(fault), "a whole record")
    _check_ends(lineage, named, report)
    return lineage


def _place(row: Row, lineage: Lineage, named: dict[tuple[str, str], Row], report: Report) -> None:
    body = row.body
    match row.kind:
        case "request" | "proof" | "decision":
            named[row.kind, body["stamp"]["id"]] = row
        case "reservation":
            lineage.reservations[body["reservation"]] = row
            _take_time(row, lineage)
            lineage.worst[body["reservation"]] = int(body["worst_wei"])
        case "state" if body["state"] == "ACTIVE":
            lineage.ledger["resumed"] = row.seq
        case "raise":
            _raise(row, lineage, report)
        case "attempt":
            _attempt(row, lineage, report)
        case "operator":
            still_open = [name for name, trade in lineage.trades.items() if trade.outcome is None]
            lineage.terms.append(next_term(row, lineage.terms, still_open, report))
        case "outside":
            lineage.outside.append(row)
        case "release":
            _release(row, lineage, report)
        case "intent":
            if body["intent_id"] in lineage.trades:
                report.found(row.seq, "the intent is written twice", body["intent_id"], "once")
            lineage.trades[body["intent_id"]] = _opened(row, lineage, named, report)
        case "outcome":
            _end(row, lineage, report)
        case "genesis" if row.seq != 1:
            report.found(row.seq, "the journal begins a second time", f"entry {row.seq}", "entry 1")
        case _:
            pass


def _opened(row: Row, lineage: Lineage, named: dict[tuple[str, str], Row], report: Report) -> Trade:
    """Trace an intent back. A sweep has no anchor, decision or reservation: a command is its cause."""
    if row.body["calldata_anchor"] is None:
        return Trade(row=row)
    decision = named.get(("decision", row.body["decision_id"]))
    if decision is None or decision.body["verdict"] != "approved":
        report.found(row.seq, "the intent was not approved", row.body["decision_id"], "an approval before it")
        return Trade(row=row)
    proof, request = named.get(("proof", decision.body["proof"])), named.get(("request", decision.body["request"]))
    reservation = lineage.reservations.get(decision.body["reservation"])
    for name, found in (("proof", proof), ("request", request), ("reservation", reservation)):
        if found is None:
            report.found(decision.seq, f"the decision rests on no {name}", decision.body[name], f"a {name} before it")
    if proof is not None and proof.body["plan"]["request"] != decision.body["request"]:
        report.found(
            decision.seq, "the proof is of another request", proof.body["plan"]["request"], decision.body["request"]
        )
    return Trade(row=row, decision=decision, proof=proof, request=request, reservation=reservation)


def _attempt(row: Row, lineage: Lineage, report: Report) -> None:
    trade = lineage.trades.get(row.body["intent_id"])
    if trade is None or trade.outcome is not None:
        at = "no intent" if trade is None else "an intent that has ended"
        report.found(row.seq, f"the attempt is of {at}", row.body["intent_id"], "an open intent")
        return
    held = trade.reservation.body["reservation"] if trade.reservation else None
    trade.attempts.append((row, None if held is None else lineage.worst[held]))


def _raise(row: Row, lineage: Lineage, report: Report) -> None:
    name, worst = row.body["reservation"], int(row.body["worst_wei"])
    if name not in lineage.worst or name in lineage.releases:
        report.found(row.seq, "what is raised is no reservation that is held", name, "a reservation before it")
    elif worst <= lineage.worst[name]:
        report.found(row.seq, "the reservation is raised to less", worst, f"more than {lineage.worst[name]}")
    else:
        lineage.worst[name] = worst


def _end(row: Row, lineage: Lineage, report: Report) -> None:
    trade = lineage.trades.get(row.body["intent_id"])
    if trade is None:
        report.found(row.seq, "the outcome is of no intent", row.body["intent_id"], "an intent before it")
        return
    trade.last = row
    if row.body["type"] == "Reorged":
        if trade.outcome is None:
            report.found(row.seq, "the outcome takes back nothing", row.body["intent_id"], "an outcome before it")
        trade.outcome = None
    elif row.body["type"] not in FINAL:
        report.found(row.seq, "the outcome is unknown", row.body["type"], ", ".join(FINAL))
    elif trade.outcome is not None:
        report.found(row.seq, "the intent has a second outcome", row.body["type"], f"only entry {trade.outcome.seq}")
    else:
        trade.outcome = row


def _release(row: Row, lineage: Lineage, report: Report) -> None:
    name, how = row.body["reservation"], row.body["how"]
    if name not in lineage.reservations:
        report.found(row.seq, "the release is of no reservation", name, "a reservation before it")
    elif (name in lineage.releases) is not (how == "reorged"):
        report.found(row.seq, "the reservation is released twice or taken back unreleased", f"{name} {how}", "in turn")
    elif how == "reorged":
        lineage.spent.subtract(_charges(lineage.reservations[name], lineage.releases.pop(name)))
        _take_time(row, lineage)
    else:
        lineage.releases[name] = row
        lineage.days[name] = int(row.body["day"])
        lineage.spent.update(_charges(lineage.reservations[name], row))
        _take_time(row, lineage)


def _take_time(row: Row, lineage: Lineage) -> None:
    time = row.body.get("time")
    lineage.ledger["time_s"] = int(time["time_s"]) if time else int(row.body["day"]) * 86_400
    lineage.ledger["block"] = int(time["number"]) if time else 0


def _charges(reservation: Row, release: Row) -> dict[str, int]:
    """What an ended trade spends of its day. A trade that did not fill put nothing in; the first format knew no more
    than gas and loss.
    """
    said, ended = reservation.body, release.body
    day, gas = int(ended["day"]), int(ended["gas_wei"])
    put_in = int(said.get("notional_wei", 0)) if ended["how"] == "filled" else 0
    found = {f"{day} gas ": gas, f"{day} loss ": int(ended["loss_wei"]), f"{day} notional ": put_in}
    found[f"{day} token {said.get('token', '')}"] = put_in
    found |= {f"{day} venue {venue}": put_in for venue in said.get("venues", ())}
    if said.get("agent"):
        who = said["principal"]
        found |= {f"{day} agent gas {who}": gas, f"{day} agents gas ": gas, f"{day} agent notional {who}": put_in}
    return found


def _check_ends(lineage: Lineage, named: dict[tuple[str, str], Row], report: Report) -> None:
    used: set[str] = set()
    for trade in lineage.trades.values():
        if trade.reservation is None or trade.decision is None:
            continue
        name = trade.reservation.body["reservation"]
        if name in used:
            report.found(trade.row.seq, "two intents share a reservation", name, "one each")
        used.add(name)
        trade.release = lineage.releases.get(name)
        _check_release(trade, report)
    decided = {trade.decision.seq for trade in lineage.trades.values() if trade.decision is not None}
    for (kind, name), row in named.items():
        if kind == "decision" and row.body.get("verdict") == "approved" and row.seq not in decided:
            report.found(row.seq, "the approval led to no intent", name, "an intent after it")
    for name, row in lineage.reservations.items():
        if name not in used and (name not in lineage.releases or lineage.releases[name].body["how"] != "unused"):
            report.found(row.seq, "the reservation is held by no intent", name, "an intent, or given back unused")
    report.checked["reservations"] += len(lineage.reservations)


def _check_release(trade: Trade, report: Report) -> None:
    outcome, release = trade.outcome, trade.release
    if (outcome is None) is not (release is None):
        report.found(
            trade.row.seq,
            "the reservation does not end with its intent",
            "held" if release is None else "released",
            "held" if outcome is None else "released",
        )
    if outcome is None or release is None:
        return
    said = (release.body["how"], release.body["gas_wei"])
    is_so = (outcome.body["type"].lower(), outcome.body.get("gas_paid_wei", "0"))
    if said != is_so:
        report.found(release.seq, "the release says other than the outcome", said, is_so)
