"""The toolset "risk": the limits with what is left of them, what is at stake now, and what waits for the operator."""

from collections.abc import Callable

from engine.domain.units import Address
from engine.params import Nothing
from engine.principals import Principal
from engine.queries import views
from engine.queries.running import Answer, Running
from engine.risk.approval import in_words
from engine.risk.book import Book, Claim, Spent
from engine.risk.caps import halt_at_loss_wei


async def limits(engine: Running, params: Nothing, principal: Principal) -> Answer:
    """List every limit in force, and what is used and left of those that are used up."""
    policy, here = engine.settings.risk, engine.composition
    head = here.loop.market.head
    book = here.ledger.book(head)

    def used(limit: int, what: Spent, name: str = "", held: int = book.held_wei) -> Answer:
        spent = book.spent.get((what, name), 0)
        return {
            "limit": views.wei(limit),
            "spent": views.wei(spent),
            "reserved": views.wei(held),
            "left": views.wei(max(limit - spent - held, 0)),
        }

    def put_in(limit: int, what: Spent, name: str, counts: Callable[[Claim], bool]) -> Answer:
        return used(limit, what, name, sum(claim.notional_wei for claim in book.held if counts(claim)))

    def is_mine(claim: Claim) -> bool:
        return claim.agent and claim.principal == principal.id

    mine = sum(claim.worst_wei for claim in book.held if is_mine(claim))
    agents = sum(claim.worst_wei for claim in book.held if claim.agent)
    tokens = {name for what, name in book.spent if what == "token"} | {claim.token for claim in book.held}
    venues = {name for what, name in book.spent if what == "venue"} | {v for claim in book.held for v in claim.venues}
    of_token, at_venue = policy.max_notional_per_token_per_day_wei, policy.max_notional_per_venue_per_day_wei
    lately = sum(book.lately.values())
    opened = max(book.open, len(here.desk.open))
    return {
        "block": views.block(head),
        "policy_hash": policy.digest(),
        "state": here.commands.state,
        "a_trade": {
            "max_notional": views.wei(policy.max_notional_wei),
            "min_net_profit": views.wei(policy.min_net_profit_wei),
            "max_gas": views.wei(policy.max_gas_wei),
            "approval_above": views.wei(policy.approval_above_wei),
        },
        "a_day": {
            "day": book.day,
            "gas_budget": used(policy.gas_budget_per_day_wei, "gas"),
            "loss": used(policy.max_loss_per_day_wei, "loss"),
            "notional": put_in(policy.max_notional_per_day_wei, "notional", "", lambda claim: True),
            "notional_of_a_token": {
                "limit": views.wei(of_token),
                "used": {t: put_in(of_token, "token", t, lambda c, t=t: c.token == t) for t in sorted(tokens) if t},
            },
            "notional_at_a_venue": {
                "limit": views.wei(at_venue),
                "used": {v: put_in(at_venue, "venue", v, lambda c, v=v: v in c.venues) for v in sorted(venues)},
            },
            "gas_of_all_agents": used(policy.agents_gas_per_day_wei, "agents gas", "", agents),
        },
        "a_minute": {"limit": policy.max_trades_per_minute, "used": lately},
        "yours": {
            "gas_a_day": used(policy.agent_gas_per_day_wei, "agent gas", principal.id, mine),
            "notional_a_day": put_in(policy.agent_notional_per_day_wei, "agent notional", principal.id, is_mine),
            "trades_a_minute": {
                "limit": policy.agent_trades_per_minute,
                "used": book.lately.get(principal.id, 0),
            },
        },
        "exposure": _exposure(policy.max_exposure_wei, book),
        "halts_by_itself": {
            "losses_in_a_row": {"limit": policy.halt_at_losses_in_a_row, "now": book.losses_in_a_row},
            "loss_a_day": {"limit": views.wei(halt_at_loss_wei(policy)), "now": views.wei(book.loss_wei)},
        },
        "open_intents": {
            "limit": policy.max_open_intents,
            "open": opened,
            "left": max(policy.max_open_intents - opened, 0),
        },
        "lists": {
            "chains": [int(chain) for chain in policy.allowed_chains],
            "tokens": None if policy.allowed_tokens is None else list(policy.allowed_tokens),
            "deployments": None if policy.allowed_deployments is None else list(policy.allowed_deployments),
        },
        "loosened_by": "the operator, in ketch.toml and by signature: ketch policy apply; no tool raises a limit",
        "waiting": here.policy.standing()["waiting"],
    }


async def exposure(engine: Running, params: Nothing, principal: Principal) -> Answer:
    """Say what is at stake now: open transactions at their worst, pools in flight, own funds in the executor."""
    here = engine.composition
    view = here.loop.view()
    book = here.ledger.book(view.block)
    own = {token: raw for token, raw in view.funds.available.get("own", {}).items() if raw}
    await engine.learn(own)
    rows = [
        {
            "intent": trade.submission.intent_id,
            "tx_hash": trade.submission.tx_hash,
            "nonce": trade.submission.nonce,
            "submitted_block": trade.submission.submitted_block,
            "pools": sorted(trade.pools),
        }
        for trade in here.desk.open.values()
    ]
    return {
        "block": views.block(view.block),
        "worst_loss_open": views.wei(book.held_wei),
        "own_capital_open": _exposure(engine.settings.risk.max_exposure_wei, book),
        "open": rows,
        "own_funds": [_valued(engine, token, raw) for token, raw in own.items()],
        "approvals_pending": len(here.agents.waiting(view.block.timestamp_s)),
        "untrusted": views.labels(own, engine.tokens),
    }


async def approvals(engine: Running, params: Nothing, principal: Principal) -> Answer:
    """List the trades that wait for the operator, the oldest first."""
    here = engine.composition
    now_s = here.loop.market.head.timestamp_s
    waiting = here.agents.waiting(now_s)
    await engine.learn(held.request.route.token for held in waiting)
    rows = [
        {
            "approval": held.approval,
            "principal": held.request.principal,
            "what": in_words(held.request),
            "hops": views.hops(held.request.route),
            "amount_in": views.amount(held.request.amount_in, held.request.route.token, engine.tokens),
            "min_profit": views.amount(held.request.min_profit, held.request.route.token, engine.tokens),
            "notional": views.wei(held.notional_wei),
            "limit": views.wei(held.limit_wei),
            "digest": held.digest,
            "expires_s": held.expires_s,
            "expires_in_s": held.expires_s - now_s,
        }
        for held in waiting
    ]
    return {"approvals": rows, "decided_by": "the operator: ketch approve ID, ketch deny ID"}


def _exposure(limit: int, book: Book) -> Answer:
    at_risk = sum(claim.own_wei for claim in book.held)
    return {"limit": views.wei(limit), "used": views.wei(at_risk), "left": views.wei(max(limit - at_risk, 0))}


def _valued(engine: Running, token: Address, raw: int) -> views.View:
    price = engine.composition.loop.view().prices.get(token)
    return {**views.amount(raw, token, engine.tokens), "worth": views.wei(price.wei(raw)) if price else None}
