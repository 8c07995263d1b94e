"""Every submission as a person reads it: what was tried, how it ended, what it earned and what it burnt."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from engine.journal.canonical import Body
from engine.journal.faults import damage_named
from engine.journal.journal import Entry, Journal
from engine.journal.projections import STATUS_OF

Status = Literal["open", "filled", "reverted", "cancelled", "replaced"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """One submission. `realised` is in raw `token`; `block` is where it or its cancel was mined, `tx_hash` what
    was mined, or signed first. A sweep has no route and no token.

    `gas_paid_wei` is 0 while open and when replaced: that transaction never paid any.
    """

    id: str
    seq: int
    tx_hash: str
    nonce: int
    block: int | None
    status: Status
    reason: str
    token: str | None
    realised: int
    gas_paid_wei: int
    capital: str | None
    origin: str | None
    amount_in: int
    families: tuple[str, ...]
    hops: int
    route: tuple[tuple[str, str, str], ...]
    """(pool, token in, token out) of each hop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What the journal adds up to. Counts by family, hops and capital are of fills; `realised` is raw by token."""

    opportunities: int
    submitted: int
    filled: int
    reverted: int
    cancelled: int
    replaced: int
    open: int
    refused: int
    by_family: dict[str, int]
    by_hops: dict[str, int]
    by_capital: dict[str, int]
    realised: dict[str, int]
    gas_paid_wei: int


def trades(journal: Journal) -> list[Trade]:
    """List every submission of a journal in the order of signing; raises `JournalError` for one that is damaged."""
    kinds = ("request", "proof", "decision", "intent", "outcome")
    with damage_named(journal.path):
        return trades_of(entry for kind in kinds for entry in journal.entries(kind))


def trades_of(entries: Iterable[Entry]) -> list[Trade]:
    """List every submission among `entries`, in which what is named comes before what names it."""
    requests: dict[str, Body] = {}
    proofs: dict[str, Body] = {}
    approvals: dict[str, str] = {}
    found: dict[str, Trade] = {}
    for entry in entries:
        body = entry.body
        match entry.kind:
            case "request":
                requests[body["stamp"]["id"]] = body
            case "proof":
                proofs[body["stamp"]["id"]] = body["plan"]
            case "decision" if body["verdict"] == "approved":
                approvals[body["stamp"]["id"]] = body["proof"]
            case "intent":
                plan = proofs.get(approvals.get(body["decision_id"], ""))
                request = requests[plan["request"]] if plan else None
                found[body["intent_id"]] = _opened(entry, plan, request)
            case "outcome":
                found[body["intent_id"]] = _ended(found[body["intent_id"]], body)
            case _:
                pass
    return sorted(found.values(), key=lambda trade: trade.seq)


def totals(journal: Journal, listed: list[Trade] | None = None) -> Totals:
    """Add up a journal; pass its `trades` when they are at hand."""
    listed = trades(journal) if listed is None else listed
    status = Counter(trade.status for trade in listed)
    fills = [trade for trade in listed if trade.status == "filled" and trade.token is not None]
    realised: Counter[str] = Counter()
    for trade in fills:
        realised[str(trade.token)] += trade.realised
    refused = sum(1 for entry in journal.entries("decision") if entry.body["verdict"] == "refused")
    return Totals(
        opportunities=journal.count("opportunity"),
        submitted=len(listed),
        filled=status["filled"],
        reverted=status["reverted"],
        cancelled=status["cancelled"],
        replaced=status["replaced"],
        open=status["open"],
        refused=refused,
        by_family=_counted(family for trade in fills for family in sorted(set(trade.families))),
        by_hops=_counted(str(trade.hops) for trade in fills),
        by_capital=_counted(str(trade.capital) for trade in fills),
        realised=dict(sorted(realised.items())),
        gas_paid_wei=sum(trade.gas_paid_wei for trade in listed),
    )


def _opened(entry: Entry, plan: Body | None, request: Body | None) -> Trade:
    hops = request["route"]["hops"] if request else []
    return Trade(
        id=entry.body["intent_id"],
        seq=entry.seq,
        tx_hash=entry.body["tx_hash"],
        nonce=int(entry.body["nonce"]),
        block=None,
        status="open",
        reason="",
        token=hops[0]["token_in"] if hops else None,
        realised=0,
        gas_paid_wei=0,
        capital=plan["capital"] if plan else None,
        origin=request["origin"] if request else None,
        amount_in=int(request["amount_in"]) if request else 0,
        families=tuple(plan["families"]) if plan else (),
        hops=len(hops),
        route=tuple((hop["pool"], hop["token_in"], hop["token_out"]) for hop in hops),
    )


def _ended(trade: Trade, outcome: Body) -> Trade:
    status = STATUS_OF[outcome["type"]]
    mined = status in ("filled", "reverted", "cancelled")
    return replace(
        trade,
        tx_hash=outcome.get("tx_hash") or trade.tx_hash,
        status=status,
        block=int(outcome["block"]["number"]) if mined else None,
        reason=outcome["reason"] if status == "reverted" else "",
        realised=int(outcome["realised"]) if status == "filled" else 0,
        gas_paid_wei=int(outcome["gas_paid_wei"]) if mined else 0,
    )


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))
