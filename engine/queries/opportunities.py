"""The toolset "opportunities": what the market holds now, what was seen, and why it was or was not taken."""

from pydantic import Field

from engine.domain.errors import ControlError, QuoteError
from engine.domain.opportunity import Route, SizedCycle
from engine.domain.units import Address, PoolId
from engine.journal import ancestry
from engine.journal.canonical import Body, decode
from engine.journal.journal import Entry
from engine.params import Name, Page, Params
from engine.principals import Principal
from engine.queries import views
from engine.queries.lineage import lineage_of_request
from engine.queries.paging import before, page
from engine.queries.running import Answer, Running
from engine.scanning.sizing import legs_of, quotes


class ScanParams(Params):
    """How many cycles to show at most."""

    limit: int = Field(default=10, ge=1, le=50)


class OpportunityParams(Params):
    """One opportunity, by id."""

    id: Name


async def scan_now(engine: Running, params: ScanParams, principal: Principal) -> Answer:
    """List the profitable cycles that the market holds now, the best first. Those with a pool in common exclude each
    other. Read only.
    """
    here = engine.composition
    view, found = here.loop.view(), here.loop.look()
    shown = found.cycles[: params.limit]
    in_flight = here.desk.in_flight
    tokens = [token for cycle in shown for hop in cycle.route.hops for token in (hop.token_in, hop.token_out)]
    await engine.learn(tokens)
    return {
        "block": views.block(view.block),
        "found": len(found.cycles),
        "screened": found.screened,
        "unpriced": found.unpriced,
        "cycles": [_cycle(engine, cycle, in_flight) for cycle in shown],
        "untrusted": views.labels(tokens, engine.tokens),
    }


async def opportunities(engine: Running, params: Page, principal: Principal) -> Answer:
    """List the opportunities that the engine recorded, the newest first."""
    journal = engine.composition.journal
    found = ancestry.newest(journal, "opportunity", before_seq=before(params), limit=params.limit + 1)
    rows, cursor = page(found, params.limit)
    tokens = [token for entry in rows for token in views.route_tokens(entry.body["route"])]
    await engine.learn(tokens)
    return {
        "opportunities": [_summary(engine, entry.body) for entry in rows],
        "next_cursor": cursor,
        "untrusted": views.labels(tokens, engine.tokens),
    }


async def explain_opportunity(engine: Running, params: OpportunityParams, principal: Principal) -> Answer:
    """Say what an opportunity was, what it would have cost leg by leg, and why it was or was not taken."""
    journal = engine.composition.journal
    entry = ancestry.at_place(journal, "opportunity", params.id)
    if entry is None:
        raise ControlError(
            "there is no such opportunity",
            measured=params.id,
            next_step="list them with opportunities",
            code="not_found",
        )
    tokens = views.route_tokens(entry.body["route"])
    await engine.learn(tokens)
    request = ancestry.request_from(journal, entry, params.id)
    return {
        **_summary(engine, entry.body),
        "legs_now": _legs_now(engine, entry),
        "why": _why(engine, request),
        "lineage": lineage_of_request(engine, request) if request else None,
        "untrusted": views.labels(tokens, engine.tokens),
    }


def _why(engine: Running, request: Entry | None) -> str:
    """Say in one line why it was or was not taken."""
    if request is None:
        return "not asked for: nothing could fund it, or its token had no price"
    journal = engine.composition.journal
    decision = ancestry.decision_on(journal, request)
    if decision is None:
        return "asked for, and never decided: the node had left its block, or the engine stopped"
    body = decision.body
    if body["verdict"] == "refused":
        return f"refused by the rule {body['rule']}: measured {body['measured']}, limit {body['limit']}"
    intent = ancestry.intent_of(journal, decision)
    outcome = intent and ancestry.outcome_of(journal, intent.body["intent_id"])
    return f"taken: {outcome.body['type'].lower() if outcome else 'open'}"


def _summary(engine: Running, body: Body) -> views.View:
    token = Address(body["route"]["hops"][0]["token_in"])
    amount_in, out = int(body["amount_in"]), int(body["expected_out"])
    head = engine.composition.loop.market.head.number
    return {
        "id": body["stamp"]["id"],
        "block": {"number": int(body["stamp"]["block"]["number"]), "hash": body["stamp"]["block"]["hash"]},
        "strategy": body["strategy"],
        "hops": body["route"]["hops"],
        "amount_in": views.amount(amount_in, token, engine.tokens),
        "expected_out": views.amount(out, token, engine.tokens),
        "gross_profit": views.amount(out - amount_in, token, engine.tokens),
        "net": views.wei(int(body["net_wei"])),
        "stale": int(body["valid_until_block"]) < head,
    }


def _legs_now(engine: Running, entry: Entry) -> Answer:
    """Quote the same input over the same route on the market of now."""
    view = engine.composition.loop.view()
    route = decode(Route, entry.body["route"])
    missing = [hop.pool for hop in route.hops if hop.pool not in view.pools]
    if missing:
        return {"block": view.block.number, "legs": [], "cannot": f"pool {missing[0]} is not in the market any more"}
    try:
        amounts = quotes(legs_of(route, view.pools), int(entry.body["amount_in"]))
    except QuoteError as error:
        return {"block": view.block.number, "legs": [], "cannot": error.cause()}
    return {
        "block": view.block.number,
        "legs": views.legs(route, amounts, view.pools, engine.tokens),
        "gross_profit": views.amount(amounts[-1] - amounts[0], route.token, engine.tokens),
        "cannot": None,
    }


def _cycle(engine: Running, cycle: SizedCycle, in_flight: frozenset[PoolId]) -> views.View:
    token = cycle.route.token
    return {
        "hops": views.hops(cycle.route),
        "amount_in": views.amount(cycle.amount_in, token, engine.tokens),
        "amount_out": views.amount(cycle.amount_out, token, engine.tokens),
        "gross_profit": views.amount(cycle.profit, token, engine.tokens),
        "gas_units": cycle.gas_units,
        "net": views.wei(cycle.net_wei),
        "in_flight": bool(cycle.route.pools & in_flight),
    }
