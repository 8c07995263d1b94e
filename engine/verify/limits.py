"""Go through the reservations as they were written, and hold each against the policy that it names.

No reservation may take any sum past a cap, the ledger's time may not go back, and no trade may be reserved after losses
that must have halted trading. A reorganised outcome may bring more back than a cap leaves room for: then nothing more
may be reserved until it fits.
"""

from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from typing import Any

from engine.verify.history import History, Row
from engine.verify.lineage import FAULTS
from engine.verify.report import Report

Terms = dict[str, Any]

DAILY = {
    "gas": "gas_budget_per_day_wei",
    "loss": "max_loss_per_day_wei",
    "notional": "max_notional_per_day_wei",
    "token": "max_notional_per_token_per_day_wei",
    "venue": "max_notional_per_venue_per_day_wei",
    "agent gas": "agent_gas_per_day_wei",
    "agents gas": "agents_gas_per_day_wei",
    "agent notional": "agent_notional_per_day_wei",
    "own": "max_exposure_wei",
}
"""What is added up -> the policy's cap on it. Own capital is at risk while a trade is open, and not after."""


@dataclass(slots=True)
class Account:
    """The accounts as of one row: what is held, what each day spent, and what could halt."""

    held: dict[str, Terms] = field(default_factory=lambda: dict[str, Terms]())
    ended: dict[str, tuple[Terms, Terms, int]] = field(default_factory=lambda: dict[str, tuple[Terms, Terms, int]]())
    days: defaultdict[int, Counter[tuple[str, str]]] = field(
        default_factory=lambda: defaultdict[int, Counter[tuple[str, str]]](Counter)
    )
    lately: deque[tuple[int, str, str]] = field(default_factory=lambda: deque[tuple[int, str, str]]())
    time_s: int = 0
    resumed: int = 0
    halted: bool = False
    must_halt: str = ""


def check_limits(history: History, genesis: Terms, report: Report) -> None:
    """Check every reservation against the caps of the policy it was made under, as far as the journal holds it."""
    policies = {genesis.get("policy_hash"): genesis.get("policy", {})}
    account = Account()
    for row in history.rows:
        try:
            match row.kind:
                case "reservation" if "principal" in row.body:
                    _check_time(row, account, report)
                    _check_caps(row, account, policies.get(row.body["policy_hash"]), report)
                    _hold(row.body, account)
                case "release" if "time" in row.body:
                    _check_time(row, account, report)
                    _end(row, account)
                case "policy":
                    policies[row.body["policy_hash"]] = row.body["terms"]["risk"]
                case "state":
                    account.halted = row.body["state"] == "HALTED"
                    account.must_halt = "" if account.halted else account.must_halt
                    account.resumed = row.seq if row.body["state"] == "ACTIVE" else account.resumed
                case _:
                    pass
        except FAULTS as fault:
            report.found(row.seq, f"the {row.kind} lacks what the limits are told by", repr(fault), "a whole record")


def _check_time(row: Row, account: Account, report: Report) -> None:
    time_s = int(row.body["time"]["time_s"])
    if time_s < account.time_s:
        report.found(row.seq, "the limits' time went back", time_s, f"at least {account.time_s}")
    if int(row.body["day"]) != time_s // 86_400:
        report.found(row.seq, "the day is not the limits' own", row.body["day"], time_s // 86_400)
    account.time_s = max(time_s, account.time_s)


def _check_caps(row: Row, account: Account, policy: Terms | None, report: Report) -> None:
    if account.must_halt:
        report.found(row.seq, "a trade was reserved after losses that halt", account.must_halt, "a halt before it")
    if policy is None:
        return
    asked, spent = _adds(row.body, held=True), account.days[int(row.body["day"])]
    open_now = Counter[tuple[str, str]]()
    for terms in account.held.values():
        open_now.update(_adds(terms, held=True))
    found: dict[str, tuple[int, int]] = {}
    for (what, name), wei in asked.items():
        found[f"{what} {name}"] = (spent[what, name] + open_now[what, name] + wei, int(policy[DAILY[what]]))
    found["open"] = (len(account.held) + 1, int(policy["max_open_intents"]))
    found["losses in a row"] = (_streak(account) + 1, int(policy["halt_at_losses_in_a_row"]))
    while account.lately and account.lately[0][0] <= account.time_s - 60:
        account.lately.popleft()
    found["a minute"] = (len(account.lately) + 1, int(policy["max_trades_per_minute"]))
    if row.body["agent"]:
        mine = sum(1 for _, who, _ in account.lately if who == row.body["principal"])
        found["an agent's minute"] = (mine + 1, int(policy["agent_trades_per_minute"]))
    for name, (measured, limit) in found.items():
        if measured > limit:
            report.found(row.seq, f"the reservation passes a cap ({name.strip()})", measured, f"at most {limit}")


def _adds(terms: Terms, *, held: bool, gas: int = 0, loss: int = 0, put_in: int = 0) -> dict[tuple[str, str], int]:
    """What a trade adds to each sum: its worst while it is held, what it cost when it has ended."""
    if held:
        gas = loss = int(terms["worst_wei"])
        put_in = int(terms["notional_wei"])
    found = {("gas", ""): gas, ("loss", ""): loss, ("notional", ""): put_in, ("token", terms["token"]): put_in}
    found |= {("venue", venue): put_in for venue in terms["venues"]}
    if held and int(terms["own_wei"]):
        found["own", ""] = int(terms["own_wei"])
    if terms["agent"]:
        found |= {("agent gas", terms["principal"]): gas, ("agents gas", ""): gas}
        found["agent notional", terms["principal"]] = put_in
    return found


def _hold(terms: Terms, account: Account) -> None:
    account.held[terms["reservation"]] = terms
    account.lately.append((int(terms["time"]["time_s"]), terms["principal"], terms["reservation"]))


def _end(row: Row, account: Account) -> None:
    end, name = row.body, row.body["reservation"]
    if end["how"] == "reorged":
        terms, undone, _ = account.ended.pop(name)
        account.days[int(undone["day"])].subtract(_cost(terms, undone))
        account.held[name] = terms
        return
    terms = account.held.pop(name, None)
    if terms is None:
        return  # a reservation of the first format
    account.ended[name] = (terms, end, row.seq)
    account.days[int(end["day"])].update(_cost(terms, end))
    if end["how"] == "unused":
        account.lately = deque(kept for kept in account.lately if kept[2] != name)
    if _lost(end) and not account.halted:
        lost = account.days[account.time_s // 86_400]["loss", ""]
        streak = _streak(account)
        if lost >= int(terms["halt_at_loss_wei"]) or streak >= int(terms["halt_at_losses"]):
            account.must_halt = f"{lost} wei lost on the day, {streak} losses in a row"


def _cost(terms: Terms, end: Terms) -> dict[tuple[str, str], int]:
    put_in = int(terms["notional_wei"]) if end["how"] == "filled" else 0
    return _adds(terms, held=False, gas=int(end["gas_wei"]), loss=int(end["loss_wei"]), put_in=put_in)


def _lost(end: Terms) -> bool:
    return end["how"] == "reverted" or int(end["loss_wei"]) > 0


def _streak(account: Account) -> int:
    """Count the losses since the last resume and the last fill that did not lose."""
    found = 0
    for _, end, seq in reversed(account.ended.values()):
        if seq <= account.resumed or (end["how"] == "filled" and not _lost(end)):
            break
        found += _lost(end)
    return found
