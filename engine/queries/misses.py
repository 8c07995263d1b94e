"""The toolset "misses": what others earned that we did not, why, and which fix pays most."""

from engine.domain.errors import ControlError
from engine.journal import ancestry
from engine.journal.journal import Entry, Journal
from engine.misses.explain import Miss
from engine.misses.ledger import by_reason, read_miss, recorded
from engine.params import Name, Nothing, Page, Params
from engine.principals import Principal
from engine.queries import views
from engine.queries.paging import before, page
from engine.queries.running import Answer, Running


class MissParams(Params):
    """One miss, by id."""

    id: Name


async def misses_summary(engine: Running, params: Nothing, principal: Principal) -> Answer:
    """Add up what others landed by the reason why it was not ours, the dearest reason first."""
    return {"watching": engine.settings.misses.watch, **summary_of(engine.composition.journal)}


def summary_of(journal: Journal) -> Answer:
    """Add up the misses that a journal holds."""
    found = recorded(journal)
    return {
        "misses": len(found),
        "net": views.wei(sum(miss.net_wei or 0 for miss in found)),
        "unvalued": sum(miss.net_wei is None for miss in found),
        "by_reason": [
            {
                "reason": row.reason,
                "misses": row.misses,
                "net": views.wei(row.net_wei),
                "unvalued": row.unvalued,
                "what_would_help": row.what_would_help,
            }
            for row in by_reason(found)
        ],
    }


async def misses(engine: Running, params: Page, principal: Principal) -> Answer:
    """List what others landed, the newest first."""
    journal = engine.composition.journal
    found = ancestry.newest(journal, "miss", before_seq=before(params), limit=params.limit + 1)
    rows, cursor = page(found, params.limit)
    tokens = [read_miss(entry).arbitrage.token for entry in rows]
    await engine.learn(tokens)
    return {
        "misses": [_summary(engine, entry, read_miss(entry)) for entry in rows],
        "next_cursor": cursor,
        "untrusted": views.labels(tokens, engine.tokens),
    }


async def explain_miss(engine: Running, params: MissParams, principal: Principal) -> Answer:
    """Say of one miss what was landed, swap by swap, what we knew, would have done and bid, and what would help."""
    entry = ancestry.at_place(engine.composition.journal, "miss", params.id)
    if entry is None:
        raise ControlError(
            "there is no such miss", measured=params.id, next_step="list them with misses", code="not_found"
        )
    miss = read_miss(entry)
    swaps = miss.arbitrage.swaps
    tokens = [token for swap in swaps for token in (swap.token_in, swap.token_out)]
    await engine.learn(tokens)
    return {
        **_summary(engine, entry, miss),
        "swaps": [
            {
                "pool": swap.pool,
                "family": swap.family,
                "amount_in": views.amount(swap.amount_in, swap.token_in, engine.tokens),
                "amount_out": views.amount(swap.amount_out, swap.token_out, engine.tokens),
            }
            for swap in swaps
        ],
        "position": miss.arbitrage.position,
        "gas": views.wei(miss.arbitrage.gas_wei),
        "ours": {
            "amount_in_raw": None if miss.our_amount_in is None else str(miss.our_amount_in),
            "expected_net": views.wei(miss.our_net_wei),
            "bid_wei_per_gas": None if miss.our_bid_wei is None else str(miss.our_bid_wei),
            **_short(miss),
        },
        "what_would_help": by_reason([miss])[0].what_would_help,
        "untrusted": views.labels(tokens, engine.tokens),
    }


def _short(miss: Miss) -> views.View:
    """Say what bid would have been needed, and each limit that forbade it with the value that allows it."""
    if miss.short is None or miss.short.needed_wei is None:
        return {}
    return {
        "needed_bid_wei_per_gas": str(miss.short.needed_wei),
        "forbidden_by": [
            {"setting": one.setting, "value": str(one.value), "needed": str(one.needed)}
            for one in miss.short.forbidden_by
        ],
    }


def _summary(engine: Running, entry: Entry, miss: Miss) -> views.View:
    block = entry.body["block"]
    return {
        "id": f"miss-{entry.seq}",
        "block": {"number": int(block["number"]), "hash": block["hash"]},
        "tx_hash": miss.arbitrage.tx_hash,
        "account": miss.arbitrage.account,
        "hops": len(miss.arbitrage.swaps),
        "profit": views.amount(miss.arbitrage.profit, miss.arbitrage.token, engine.tokens),
        "net": views.wei(miss.net_wei),
        "reason": miss.reason,
        "measured": miss.measured,
        "limit": miss.limit,
    }
