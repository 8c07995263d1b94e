"""What the market's graph ranks: routes, pairs, pools and venues by what they brought, states and failures by count."""

from collections.abc import Mapping
from typing import Any, Final

from engine.journal.stores import Answer
from engine.knowledge.algebra import central
from engine.knowledge.graph import Graph
from engine.knowledge.params import Rank
from engine.knowledge.writing import observations_of

_SUMS: Final[Mapping[str, str]] = {
    "routes": "route:",
    "pairs": "pair:",
    "pools": "pool:",
    "venues": "venue:",
    "states": "state:",
}


def rank(graph: Graph, asked: Rank) -> Answer:
    """Rank what was asked for; amounts are wei of the native coin, gas taken off."""
    if asked.of == "hubs":
        rows = _hubs(graph, asked)
    elif asked.of == "central":
        rows = central(graph, asked)
    elif asked.of == "failures":
        rows = _failures(graph, asked)
    else:
        rows = _ended(graph, asked)
    return {"of": asked.of, "rows": rows, "untrusted_fields": ["rows"], "read_to": graph.cursor().seq}


def _ended(graph: Graph, asked: Rank) -> list[dict[str, Any]]:
    """Sum up endings by what ended."""
    where, bound = _wanted(asked)
    prefix = _SUMS[asked.of]
    query = (
        "SELECT r.source, SUM(r.times), SUM(CASE WHEN r.target = 'outcome:filled' THEN r.times ELSE 0 END), SUM(r.gain)"
        f" AS gained, MAX(r.block) FROM relations r WHERE r.market = 1 AND r.type IN ('ended', 'preceded')"
        f" AND r.source >= ? AND r.source < ? {where} GROUP BY r.source ORDER BY gained DESC, r.source LIMIT ?"
    )
    found = graph.db.execute(query, (prefix, f"{prefix}\U0010ffff", *bound, asked.limit)).fetchall()
    return [
        {
            "name": name,
            "asked": times,
            "filled": filled,
            "gain_wei": str(_exact(graph, name)),
            "last_block": block,
            "endings": _endings(graph, name),
            "what": _said(graph, name),
        }
        for name, times, filled, _, block in found
    ]


def _wanted(asked: Rank) -> tuple[str, tuple[str, ...]]:
    """Say which routes count: those that begin with a token and pass every venue that is named."""
    where, bound = "", ()
    if asked.token is not None:
        where += (
            " AND EXISTS (SELECT 1 FROM relations b WHERE b.source = r.source AND b.type = 'begins with'"
            " AND b.target IN (?, (SELECT e.name FROM observations o JOIN entities e ON e.id = o.entity"
            " WHERE e.market = 1 AND e.type = 'token' AND o.content = ? LIMIT 1)))"
        )
        bound = (f"token:{asked.token.lower().removeprefix('token:')}", f"symbol {asked.token}")
    for venue in asked.venues:
        where += (
            " AND EXISTS (SELECT 1 FROM relations p JOIN relations v ON v.source = p.target AND v.type = 'is of'"
            " WHERE p.source = r.source AND p.type = 'passes' AND v.target = ?)"
        )
        bound = (*bound, f"venue:{venue.removeprefix('venue:')}")
    return where, bound


def _exact(graph: Graph, name: str) -> int:
    rows = graph.db.execute(
        "SELECT gain_wei FROM relations WHERE source = ? AND type IN ('ended', 'preceded') AND market = 1", (name,)
    )
    return sum(int(gain_wei) for (gain_wei,) in rows)


def _endings(graph: Graph, name: str) -> dict[str, int]:
    rows = graph.db.execute(
        "SELECT target, times FROM relations WHERE source = ? AND type IN ('ended', 'preceded') AND market = 1"
        " AND times > 0 ORDER BY times DESC, target",
        (name,),
    )
    return {target.removeprefix("outcome:"): times for target, times in rows}


def _said(graph: Graph, name: str) -> list[str]:
    """Say what an entity says of itself; a route also names its tokens in their order, a pair its symbols."""
    row = graph.db.execute("SELECT id FROM entities WHERE name = ? AND market = 1", (name,)).fetchone()
    said = observations_of(graph.db, row[0]) if row else []
    if name.startswith("pair:"):
        said += ["/".join(_symbol(graph, token) for token in name[5:].split("/"))]
    if name.startswith("route:"):
        for kind in ("begins with", "passes"):
            rows = graph.db.execute(
                "SELECT target FROM relations WHERE source = ? AND type = ? ORDER BY id", (name, kind)
            )
            said += [f"{kind} {target}" for (target,) in rows]
    return said


def _symbol(graph: Graph, token: str) -> str:
    row = graph.db.execute(
        "SELECT o.content FROM observations o JOIN entities e ON e.id = o.entity"
        " WHERE e.name = ? AND e.market = 1 AND o.content LIKE 'symbol %'",
        (f"token:{token}",),
    ).fetchone()
    return row[0].removeprefix("symbol ") if row else token


def _hubs(graph: Graph, asked: Rank) -> list[dict[str, Any]]:
    """Rank tokens and pools by how many relations of the market meet in them."""
    rows = graph.db.execute(
        "SELECT target, COUNT(*), SUM(times) FROM relations WHERE market = 1 AND type IN ('trades', 'passes',"
        " 'begins with', 'took') GROUP BY target ORDER BY 2 DESC, 3 DESC, 1 LIMIT ?",
        (asked.limit,),
    ).fetchall()
    return [
        {"name": name, "relations": count, "times": times, "what": _said(graph, name)} for name, count, times in rows
    ]


def _failures(graph: Graph, asked: Rank) -> list[dict[str, Any]]:
    """Count how requests ended that did not fill, with the states of the market that came before."""
    rows = graph.db.execute(
        "SELECT target, SUM(times), MAX(block) FROM relations WHERE market = 1 AND target <> 'outcome:filled'"
        " AND ((type = 'ended' AND source >= 'agent:' AND source < 'agent;') OR type = 'landed')"
        " GROUP BY target HAVING SUM(times) > 0 ORDER BY 2 DESC, 1 LIMIT ?",
        (asked.limit,),
    ).fetchall()
    states = "SELECT source, times FROM relations WHERE target = ? AND type = 'preceded' AND times > 0 ORDER BY 2 DESC"
    return [
        {
            "name": name,
            "times": times,
            "last_block": block,
            "preceded_by": dict(graph.db.execute(f"{states} LIMIT 5", (name,)).fetchall()),
        }
        for name, times, block in rows
    ]
