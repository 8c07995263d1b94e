"""The toolset "trading": simulate for a ticket, list trades, trace one. Spending a ticket is in `engine.steering`."""

from typing import Literal

from engine.desk import MarketView
from engine.domain.errors import ControlError
from engine.domain.opportunity import Proof, Route
from engine.domain.units import Address
from engine.journal import ancestry
from engine.journal.journal import Entry
from engine.params import Name, Page, Params, RawText, RouteParams
from engine.principals import Principal
from engine.queries import views
from engine.queries.lineage import lineage_of_request
from engine.queries.paging import before, page
from engine.queries.running import Answer, Running
from engine.risk.limits import Breach
from engine.route_checks import unfit
from engine.scanning.sizing import legs_of, quotes

TRADING_OFF = "trading by agents is off: the operator sets agents.trading, and agents.live_trading on a live profile"


class TradeParams(RouteParams):
    """A closed cycle, what goes in, and the least profit, raw units of the first token."""

    min_profit: RawText = "0"


class TradesParams(Page):
    """Which trades, the newest first."""

    status: Literal["open", "filled", "reverted", "cancelled", "replaced"] | None = None


class TradeIdParams(Params):
    """One trade: the id of its intent or decision, or its transaction's hash."""

    id: Name


async def simulate_trade(engine: Running, params: TradeParams, principal: Principal) -> Answer:
    """Prove a closed cycle on the newest block, leg by leg and cost by cost; a ticket comes with one that would pass.

    The ticket is for exactly this, for this caller, once, and expires by the chain's clock.
    """
    view, proof, breaches, shown = await _proved(engine, params, principal)
    agents = engine.composition.agents
    may_execute = principal.role == "trader" and engine.settings.agents_may_trade
    ticket = None
    if proof is not None and not breaches and may_execute:
        issued = agents.issue(principal.id, proof, proof.plan.request.min_profit)
        ticket = {"id": issued.id, "expires_s": issued.expires_s}
    needs_approval = agents.needs_approval(_notional(params.route(), int(params.amount_in), view))
    return {
        **shown,
        "passes": not breaches,
        "refusal": views.breach(breaches[0]) if breaches else None,
        "needs_approval": needs_approval,
        "approval_above": views.wei(engine.settings.risk.approval_above_wei),
        "ticket": ticket,
        "next_step": _next_step(passes=not breaches, may_execute=may_execute, needs_approval=needs_approval),
    }


async def what_if(engine: Running, params: TradeParams, principal: Principal) -> Answer:
    """Say every rule that would refuse a trade now, and what would change the answer. No ticket, nothing is written."""
    _, _, breaches, shown = await _proved(engine, params, principal)
    return {**shown, "passes": not breaches, "refusals": [views.breach(found) for found in breaches]}


async def trades(engine: Running, params: TradesParams, principal: Principal) -> Answer:
    """List trades, the newest first."""
    journal = engine.composition.journal
    found = _intents(engine, params)
    rows, cursor = page(found, params.limit)
    requests = {entry.seq: _request_of(engine, entry) for entry in rows}
    tokens = [t for r in requests.values() if r is not None for t in views.route_tokens(r.body["route"])]
    await engine.learn(tokens)
    return {
        "trades": [_row(engine, entry, requests[entry.seq]) for entry in rows],
        "next_cursor": cursor,
        "total": journal.count("intent"),
        "untrusted": views.labels(tokens, engine.tokens),
    }


async def trade(engine: Running, params: TradeIdParams, principal: Principal) -> Answer:
    """Show one trade with its whole lineage: block, opportunity, request, proof, decision, reservation, intent, end."""
    entry = _intent(engine, params.id)
    request = _request_of(engine, entry) if entry else None
    if entry is None:
        decision = ancestry.stamped(engine.composition.journal, "decision", params.id)
        asked = decision.body.get("request") if decision else None
        request = ancestry.stamped(engine.composition.journal, "request", asked) if asked else None
    if entry is None and request is None:
        raise ControlError(
            "there is no such trade", measured=params.id, next_step="list them with trades", code="not_found"
        )
    tokens = views.route_tokens(request.body["route"]) if request else []
    await engine.learn(tokens)
    return {
        **(_row(engine, entry, request) if entry else {"id": params.id, "status": "refused"}),
        "lineage": lineage_of_request(engine, request) if request else None,
        "untrusted": views.labels(tokens, engine.tokens),
    }


async def _proved(
    engine: Running, params: TradeParams, principal: Principal
) -> tuple[MarketView, Proof | None, list[Breach], Answer]:
    """Prove what is asked and put it into words; the legs are of the same block as the proof."""
    route, amount_in = params.route(), int(params.amount_in)
    here = engine.composition
    view = here.loop.view()
    tokens = [token for hop in route.hops for token in (hop.token_in, hop.token_out)]
    fits = unfit(route, amount_in, view) is None
    amounts = quotes(legs_of(route, view.pools), amount_in) if fits else []
    pools = {hop.pool: view.pools[hop.pool] for hop in route.hops} if fits else {}
    proof, breaches = await here.agents.prove(
        principal.id, route, amount_in, int(params.min_profit), view, here.commands.state
    )
    await engine.learn(tokens)
    shown = {
        "block": views.block(view.block),
        "legs": views.legs(route, amounts, pools, engine.tokens) if fits else [],
        "proof": views.proof(proof, engine.tokens) if proof else None,
        "untrusted": views.labels(tokens, engine.tokens),
    }
    return view, proof, breaches, shown


def _next_step(*, passes: bool, may_execute: bool, needs_approval: bool) -> str:
    if not passes:
        return "nothing was sent; see refusal.next_step"
    if not may_execute:
        return TRADING_OFF
    if needs_approval:
        return "execute_trade with this ticket: it then waits for the operator's signature"
    return "execute_trade with this ticket and an idempotency key of your own"


def _notional(route: Route, amount_in: int, view: MarketView) -> int:
    price = view.prices.get(route.token)
    return price.wei(amount_in) if price else 0


def _intents(engine: Running, params: TradesParams) -> list[Entry]:
    journal = engine.composition.journal
    if params.status is None:
        return ancestry.newest(journal, "intent", before_seq=before(params), limit=params.limit + 1)
    at = before(params)
    query = "SELECT seq FROM intents WHERE status = ? AND seq < ? ORDER BY seq DESC LIMIT ?"
    rows = journal.rows(query, params.status, 2**62 if at is None else at, params.limit + 1)
    found = [journal.entry(seq) for (seq,) in rows]
    return [entry for entry in found if entry is not None]


def _intent(engine: Running, named: str) -> Entry | None:
    journal = engine.composition.journal
    if named.startswith("0x"):
        rows = journal.rows("SELECT seq FROM intents WHERE tx_hash = ?", named.lower())
        return journal.entry(rows[0][0]) if rows else None
    if named.startswith("decision-"):
        decision = ancestry.stamped(journal, "decision", named)
        return ancestry.intent_of(journal, decision) if decision else None
    return ancestry.at_place(journal, "intent", named)


def _request_of(engine: Running, intent: Entry) -> Entry | None:
    """Find the request behind an intent; None for a sweep, which a command asked for."""
    journal = engine.composition.journal
    if not intent.body["decision_id"].startswith("decision-"):
        return None
    decision = journal.entry(intent.seq - 1)  # an approval and its intent are written together
    asked = decision.body.get("request") if decision and decision.kind == "decision" else None
    return ancestry.stamped(journal, "request", asked) if asked else None


def _row(engine: Running, entry: Entry, request: Entry | None) -> Answer:
    body = entry.body
    outcome = ancestry.outcome_of(engine.composition.journal, body["intent_id"])
    ended = outcome.body if outcome else {}
    token = Address(request.body["route"]["hops"][0]["token_in"]) if request else None
    filled = ended.get("type") == "Filled"
    return {
        "id": body["intent_id"],
        "kind": "trade" if request else "sweep",
        "tx_hash": ended.get("tx_hash") or body["tx_hash"],
        "status": ended["type"].lower() if ended else "open",
        "submitted_block": int(body["submitted_block"]),
        "block": int(ended["block"]["number"]) if ended.get("block") else None,
        "origin": request.body["origin"] if request else None,
        "principal": request.body["principal"] if request else None,
        "hops": len(request.body["route"]["hops"]) if request else 0,
        "amount_in": views.amount(int(request.body["amount_in"]), token, engine.tokens) if request and token else None,
        "realised": views.amount(int(ended["realised"]), token, engine.tokens) if filled and token else None,
        "gas_paid": views.wei(int(ended["gas_paid_wei"])) if "gas_paid_wei" in ended else None,
        "reason": ended.get("reason", ""),
    }
