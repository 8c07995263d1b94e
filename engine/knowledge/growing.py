"""What the journal's entries add to the market's graph: who found, asked for and traded what, and how it ended.

A trade is one row from its request on; its gain is what its release says: profit less gas and loss, in wei of the
native coin. Whatever a reorg takes back is taken back here.
"""

import hashlib
import json
import logging
import sqlite3
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from engine.journal.journal import Entry
from engine.knowledge.params import readable
from engine.knowledge.states import market_state
from engine.knowledge.tables import note, noted
from engine.knowledge.writing import MARKET, Origin, add_entity, add_relation, index, lose, observations_of, observe

FAMILIES_OF: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "uniswap_v2": ("constant_product",),
        "sushi_v2": ("constant_product",),
        "uniswap_v3": ("concentrated",),
        "balancer_v2": ("weighted", "stable"),
    }
)
"""Deployment -> the families of its pools: a plan names its deployments, not which hop is whose."""

_log = logging.getLogger(__name__)
_Body = Mapping[str, Any]


def grow(db: sqlite3.Connection, entry: Entry) -> None:
    """Add what one entry says; one that says less than it should (an older format) adds nothing, and is logged."""
    step = _STEPS.get(entry.kind)
    if step is None:
        return
    db.execute("SAVEPOINT grow")
    try:
        step(db, entry.body, Origin(author="engine", seq=entry.seq, block=block_of(entry.body)))
    except (KeyError, TypeError, ValueError) as fault:
        db.execute("ROLLBACK TO grow")
        _log.warning("knowledge: entry %s of kind %s adds nothing: %r", entry.seq, entry.kind, fault)
    db.execute("RELEASE grow")


def route_name(hops: Any) -> str:
    """Name a route by its hops: the same swaps in the same order are the same route."""
    text = ">".join(f"{hop['token_in']}:{hop['pool']}" for hop in hops)
    return f"route:{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def block_of(body: _Body) -> int:
    """Find the block that an entry is about, 0 where it names none."""
    for where in (body, body.get("stamp") or {}):
        if isinstance(where.get("block"), dict):
            return int(where["block"]["number"])
    return int((body.get("time") or {}).get("number", 0))


def _entity(db: sqlite3.Connection, kind: str, key: str, origin: Origin, *said: str) -> str:
    """Make an entity of the market if need be, and let it say what it does not say yet; returns its name."""
    name = f"{kind}:{readable(key)[:128]}"
    number = add_entity(db, MARKET, name, kind, origin)
    made = number is not None
    if number is None:
        (number,) = db.execute("SELECT id FROM entities WHERE name = ? AND market = 1", (name,)).fetchone()
    new = [readable(text)[:400] for text in said if made or text not in observations_of(db, number)]
    observe(db, number, new)
    if made or new:
        db.execute("UPDATE entities SET changed = ?, block = ? WHERE id = ?", (origin.seq, origin.block, number))
        index(db, number)
    return name


def _relate(
    db: sqlite3.Connection, source: str, kind: str, target: str, origin: Origin, *, times: int = 1, gain_wei: int = 0
) -> None:
    """Add to a relation of the market: how many times it was seen (-1: once less), and what it brought."""
    if times == 1 and add_relation(db, MARKET, source, target, kind, origin, gain_wei):
        return
    key = (source, target, kind)
    where = "source = ? AND target = ? AND type = ? AND market = 1"
    (had,) = db.execute(f"SELECT gain_wei FROM relations WHERE {where}", key).fetchone()
    total = int(had) + gain_wei
    db.execute(
        f"UPDATE relations SET times = times + ?, gain_wei = ?, gain = ?, changed = ?, block = ? WHERE {where}",
        (times, str(total), float(total), origin.seq, origin.block, *key),
    )
    if times < 0:
        lose(db, MARKET, origin, "relation", source, kind, target)


def _genesis(db: sqlite3.Connection, body: _Body, origin: Origin) -> None:
    chain = _entity(db, "chain", body["chain_id"], origin)
    note(db, "chain", chain)
    for token in body.get("tokens", ()):
        told = (f"symbol {token['symbol']}", f"{token['decimals']} decimals")
        _relate(db, _entity(db, "token", token["address"], origin, *told), "is on", chain, origin)


def _token(db: sqlite3.Connection, body: _Body, origin: Origin) -> None:
    reason = f": {body['reason']}" if body["reason"] else ""
    _entity(db, "token", body["token"], origin, f"checked {body['standing']}{reason}")


def _opportunity(db: sqlite3.Connection, body: _Body, origin: Origin) -> None:
    route = _route(db, body["route"]["hops"], origin)
    _relate(db, _entity(db, "strategy", body["strategy"], origin), "found", route, origin)


def _route(db: sqlite3.Connection, hops: Any, origin: Origin) -> str:
    """Make a route with its tokens and pools; returns its name."""
    tokens = [hop["token_in"] for hop in hops]
    route = _entity(db, "route", route_name(hops)[6:], origin, f"{len(hops)} hops")
    if db.execute("SELECT 1 FROM relations WHERE source = ? AND type = 'begins with'", (route,)).fetchone():
        return route
    _relate(db, route, "begins with", _entity(db, "token", tokens[0], origin), origin)
    for hop in hops:
        pool = _entity(db, "pool", hop["pool"], origin)
        _relate(db, route, "passes", pool, origin)
        for token in (hop["token_in"], hop["token_out"]):
            _relate(db, pool, "trades", _entity(db, "token", token, origin), origin)
    for pair in _pairs(hops):
        _relate(db, route, "crosses", _entity(db, "pair", pair, origin), origin)
    return route


def _pairs(hops: Any) -> list[str]:
    return sorted({"/".join(sorted((hop["token_in"], hop["token_out"]))) for hop in hops})


def _request(db: sqlite3.Connection, body: _Body, origin: Origin) -> None:
    hops = body["route"]["hops"]
    route = _route(db, hops, origin)
    agent = _entity(db, "agent", body["principal"], origin)
    _relate(db, agent, "asked for", route, origin)
    row = (body["stamp"]["id"], route, json.dumps([f"pair:{pair}" for pair in _pairs(hops)]), agent)
    db.execute("INSERT OR REPLACE INTO trades (request, route, pairs, principal) VALUES (?, ?, ?, ?)", row)


def _proof(db: sqlite3.Connection, body: _Body, origin: Origin) -> None:
    """Learn the venues of the route's pools, and what state the market was in."""
    request = body["plan"]["request"]
    (route,) = db.execute("SELECT route FROM trades WHERE request = ?", (request,)).fetchone() or (None,)
    chain, families = noted(db, "chain"), body["plan"]["families"]
    if route is None or chain is None:
        return
    passed = db.execute("SELECT target FROM relations WHERE source = ? AND type = 'passes' ORDER BY id", (route,))
    pools = [pool for (pool,) in passed.fetchall()]
    each = families * len(pools) if len(families) == 1 else families  # a plan names each family once
    if len(pools) == len(each):
        for pool, family in zip(pools, each, strict=True):
            fitting = [d for d in body["plan"]["deployments"] if family in FAMILIES_OF.get(d, ())]
            _entity(db, "pool", pool[5:], origin, f"{family} pool")
            if len(fitting) != 1:  # whose it is, another route may say
                continue
            venue = _entity(db, "venue", fitting[0], origin)
            if not db.execute("SELECT 1 FROM relations WHERE source = ? AND target = ?", (pool, venue)).fetchone():
                _relate(db, pool, "is of", venue, origin)
                _relate(db, venue, "is on", chain, origin)
    _entity(db, "route", route[6:], origin, f"shape {'+'.join(families)}")
    landed = noted(db, "rival landed")
    name = market_state(int(body["costs"]["base_fee_wei"]), origin.block, None if landed is None else int(landed))
    state = _entity(db, "state", name, origin)
    db.execute("UPDATE trades SET state = ? WHERE request = ?", (state, request))


def _decision(db: sqlite3.Connection, body: _Body, origin: Origin) -> None:
    request = body["request"]
    if body["verdict"] == "approved":
        row = (body["reservation"], body["stamp"]["id"], request)
        db.execute("UPDATE trades SET reservation = ?, decision = ? WHERE request = ?", row)
    else:
        _end(db, request, f"refused: {body['rule']}", 0, origin)


def _intent(db: sqlite3.Connection, body: _Body, _origin: Origin) -> None:
    row = (body["intent_id"], body["decision_id"])
    db.execute("UPDATE trades SET intent = ? WHERE decision = ?", row)


def _outcome(db: sqlite3.Connection, body: _Body, _origin: Origin) -> None:
    reason = f": {body['reason']}" if body.get("reason") else ""
    row = (body["type"].lower() + reason, body["intent_id"])
    db.execute("UPDATE trades SET outcome = ? WHERE intent = ?", row)


def _release(db: sqlite3.Connection, body: _Body, origin: Origin) -> None:
    """Count how a trade ended and what it brought, or take that back after a reorg."""
    name = body["reservation"]
    row = db.execute("SELECT request, outcome, ended, gain_wei FROM trades WHERE reservation = ?", (name,)).fetchone()
    if row is None:
        return
    request, outcome, ended, gain_wei = row
    if body["how"] == "reorged":
        if ended is not None:
            _count(db, request, ended, -int(gain_wei), origin, times=-1)
        db.execute("UPDATE trades SET ended = NULL, gain_wei = NULL WHERE request = ?", (request,))
        return
    gain = int(body.get("profit_wei") or 0) - int(body["gas_wei"])
    _end(db, request, outcome if body["how"] != "unused" else "not sent", gain, origin)


def _end(db: sqlite3.Connection, request: str, how: str, gain_wei: int, origin: Origin) -> None:
    db.execute("UPDATE trades SET ended = ?, gain_wei = ? WHERE request = ?", (how, str(gain_wei), request))
    _count(db, request, how, gain_wei, origin)


def _count(db: sqlite3.Connection, request: str, how: str, gain_wei: int, origin: Origin, *, times: int = 1) -> None:
    """Add an ending to everything that it is the ending of: route, pairs, pools, venues, state and agent."""
    row = db.execute("SELECT route, pairs, principal, state FROM trades WHERE request = ?", (request,)).fetchone()
    if row is None:
        return
    route, pairs, agent, state = row
    outcome = _entity(db, "outcome", how, origin)
    passed = "SELECT DISTINCT target FROM relations WHERE source = ? AND type = ? AND market = 1 ORDER BY target"
    pools = [pool for (pool,) in db.execute(passed, (route, "passes")).fetchall()]
    venues = sorted({venue for pool in pools for (venue,) in db.execute(passed, (pool, "is of")).fetchall()})
    for what in (route, agent, *json.loads(pairs), *pools, *venues):
        _relate(db, what, "ended", outcome, origin, times=times, gain_wei=gain_wei)
    if state is not None:
        _relate(db, state, "preceded", outcome, origin, times=times, gain_wei=gain_wei)


def _miss(db: sqlite3.Connection, body: _Body, origin: Origin) -> None:
    """Learn of a rival's arbitrage: along which pools, and why it was not ours."""
    rival = _entity(db, "rival", body["arbitrage"]["account"], origin)
    outcome = _entity(db, "outcome", f"missed: {body['reason']}", origin)
    _relate(db, rival, "landed", outcome, origin)
    for pool in sorted({swap["pool"] for swap in body["arbitrage"]["swaps"]}):
        _relate(db, rival, "took", _entity(db, "pool", pool, origin), origin)
    note(db, "rival landed", str(origin.block))


_STEPS: Final[Mapping[str, Callable[[sqlite3.Connection, _Body, Origin], None]]] = MappingProxyType(
    {
        "genesis": _genesis,
        "token": _token,
        "opportunity": _opportunity,
        "request": _request,
        "proof": _proof,
        "decision": _decision,
        "intent": _intent,
        "outcome": _outcome,
        "release": _release,
        "miss": _miss,
    }
)
