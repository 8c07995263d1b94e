"""The toolset "misses": what others earned that we did not, why, and which fix pays most."""

from typing import Any

from tools.shapes import Amount, Cursor, Id, Labels, Limit, Page, Rows, Wei, given
from tools.spec import READS, Ask, Shown, ToolSpec


class MissesSummary(Shown):
    """Misses by reason, the dearest first; `unvalued` have no known price and count in no sum."""

    watching: bool
    misses: int
    net: Wei
    unvalued: int
    by_reason: Rows


class Misses(Page):
    """What others landed, the newest first."""

    misses: Rows
    untrusted_symbols: Labels


class MissExplained(Shown):
    """One arbitrage of somebody else, what we knew of it, and what would have made it ours."""

    id: str
    tx_hash: str
    profit: Amount
    net: Wei | None
    reason: str
    measured: str
    limit: str
    swaps: Rows
    ours: dict[str, Any]
    what_would_help: str
    untrusted_symbols: Labels


async def misses_summary(ask: Ask) -> MissesSummary:
    """Use first to learn what others earned that this engine did not: money by reason, and what would change it.

    Example: {}
    """
    return MissesSummary.of(await ask("misses_summary", {}))


async def misses_list(ask: Ask, limit: Limit = 20, cursor: Cursor = None) -> Misses:
    """Use to list arbitrages that others landed, the newest first, each with the reason why it was not ours.

    Example: {"limit": 10}
    """
    return Misses.of(await ask("misses", given(limit=limit, cursor=cursor)))


async def explain_miss(ask: Ask, id: Id) -> MissExplained:  # noqa: A002 - the client's word for it
    """Use to see one miss swap by swap: what was landed, what we knew, expected and bid, what would have to change.

    Example: {"id": "miss-42"}
    """
    return MissExplained.of(await ask("explain_miss", {"id": id}))


TOOLS = (
    ToolSpec(run=misses_summary, title="Misses by reason", hints=READS),
    ToolSpec(run=misses_list, title="Misses", hints=READS),
    ToolSpec(run=explain_miss, title="Explain a miss", hints=READS),
)
