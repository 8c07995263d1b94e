"""The toolset "engine": where it is, how it does, what it is set to."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from engine.journal.journal import Journal
from engine.journal.operators import operator_now
from engine.journal.papered import is_paper, said_of_paper
from engine.journal.trades import trades as journal_trades
from engine.params import Nothing
from engine.principals import Principal
from engine.queries import views
from engine.queries.running import Answer, Running
from engine.risk.halt import halt_reason, trading_state
from engine.risk.versions import version_in_force
from engine.summary import percentiles_ms, totals_of

_COUNTS = frozenset(
    (
        "seq",
        "nonce",
        "block",
        "hops",
        "opportunities",
        "submitted",
        "filled",
        "reverted",
        "cancelled",
        "replaced",
        "open",
        "refused",
    )
)
_NOT_SHOWN: dict[str, Any] = {
    "rpc": True,
    "ws": True,
    "lockstep_socket": True,
    "wallet": {"endpoints"},
    "feed": {"url"},
}


async def engine_status(engine: Running, params: Nothing, principal: Principal) -> Answer:
    """Say where the engine is, whether it trades, what is open, and who is asking."""
    at, here = engine.composition, engine.composition.loop
    counted = dict(at.journal.rows("SELECT status, COUNT(*) FROM intents GROUP BY status"))
    return {
        "running": True,
        "profile": engine.settings.profile,
        "chain": engine.settings.chain,
        "state": at.commands.state,
        "halted": halt_reason(engine.state),
        "block": views.block(here.market.head),
        "blocks_seen": here.measured.blocks,
        "pools": len(here.market.pools),
        "opportunities_recorded": at.journal.count("opportunity"),
        "submissions": {name: counted.get(name, 0) for name in ("open", "filled", "reverted", "cancelled", "replaced")},
        "approvals_pending": len(at.agents.waiting(here.market.head.timestamp_s)),
        "you": {"principal": principal.id, "role": principal.role},
        "agents_may_trade": engine.settings.agents_may_trade,
        "policy_hash": engine.settings.risk.digest(),
        "journal_head": {"seq": at.journal.head[0], "hash": at.journal.head[1]},
    }


async def engine_mode(engine: Running, params: Nothing, principal: Principal) -> Answer:
    """Say what may happen with money right now, and what it would take to change that."""
    state = engine.composition.commands.state
    return {
        "profile": engine.settings.profile,
        "state": state,
        "halted": halt_reason(engine.state),
        "agents_may_trade": engine.settings.agents_may_trade,
        "agents": engine.settings.agents.model_dump(),
        "meaning": {
            "ACTIVE": "trades",
            "REDUCING": "trades with borrowed capital only",
            "HALTED": "signs nothing but sweeps to the treasury",
        }[state],
        "next_step": "" if state == "ACTIVE" else "only the operator's signature resumes: ketch resume",
    }


async def engine_performance(engine: Running, params: Nothing, principal: Principal) -> Answer:
    """Add up what the engine found, tried and earned, and how fast it was in this run."""
    journal, measured = engine.composition.journal, engine.composition.loop.measured
    total = totals_of(journal)
    realised: dict[Any, int] = total.pop("realised")
    await engine.learn(realised)
    return {
        "totals": {n: total[n] for n in total if n not in ("gas_paid_wei", "net_profit_wei")},
        "realised": [views.amount(raw, token, engine.tokens) for token, raw in realised.items()],
        "gas_paid": views.wei(total["gas_paid_wei"]),
        "net_profit": views.wei(total["net_profit_wei"]),
        "this_run": {
            "blocks": measured.blocks,
            "opportunities": measured.opportunities,
            "filled": measured.filled,
            "reverted": measured.reverted,
            "refused": measured.refused,
            "held_back": engine.composition.loop.held_back,
            "left_alone": measured.left_alone,
            "detect_ms": percentiles_ms(measured.detect_ns),
            "send_ms": percentiles_ms(measured.send_ns),
        },
        "sent_before": {"on": engine.settings.scan.prior, "rows": engine.composition.loop.prior.shown()},
        "gas_error": {name: asdict(off) for name, off in engine.composition.loop.gas_seen.errors().items()},
        "untrusted": views.labels(realised, engine.tokens),
    }


async def engine_configuration(engine: Running, params: Nothing, principal: Principal) -> Answer:
    """Show every setting in force but the endpoints, which may hold a provider's key. No secret is a setting."""
    settings = engine.settings.model_dump(mode="json", exclude=_NOT_SHOWN)
    return {
        "settings": views.texts(settings),
        "policy_hash": engine.settings.risk.digest(),
        "policy": engine.composition.policy.standing(),
    }


def status_of(rpc: str | None, journal: Journal, state: Path) -> dict[str, Any]:
    """Say who trades where, so that a stranger can check the books with nothing but RPC, and what it came to."""
    return standing_of(rpc, journal, state) | {"totals": _as_text(totals_of(journal))} | said_of_paper(journal)


def standing_of(rpc: str | None, journal: Journal, state: Path) -> dict[str, Any]:
    """Say who trades where; reads a journal of any length in the same time."""
    genesis, held = journal.genesis, version_in_force(journal)
    named = ("executor", "treasury", "operator_secret", "native_wrapped")
    return {
        "paper": is_paper(journal),
        "rpc": rpc,
        "chain_id": int(genesis["chain_id"]),
        **{name: genesis[name] for name in named},
        "operator": operator_now(journal).address,
        "policy_hash": held.terms.risk.digest(),
        "policy": {"version": held.number, "how": held.how, "hash": held.hash},
        "tokens": [{**token, "decimals": int(token["decimals"])} for token in genesis["tokens"]],
        "start_block": int(genesis["start_block"]),
        "state": trading_state(journal, state),
        "halted": halt_reason(state),
        "journal_head": dict(zip(("seq", "hash"), journal.head, strict=True)),
    }


def trades_in(journal: Journal) -> list[dict[str, Any]]:
    """List every submission: `id, tx_hash, nonce, block, status, token, realised, gas_paid_wei` and its route."""
    return [_as_text(asdict(trade)) for trade in journal_trades(journal)]


def _as_text(body: dict[str, Any]) -> dict[str, Any]:
    """Write amounts as decimal strings: readers of JSON lose precision past 2^53. Counts stay numbers."""

    def one(name: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {k: str(v) if name == "realised" else v for k, v in cast("dict[str, Any]", value).items()}
        return str(value) if isinstance(value, int) and name not in _COUNTS else value

    return {name: one(name, value) for name, value in body.items()}
