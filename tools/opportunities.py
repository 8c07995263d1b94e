"""The toolset "opportunities": what the market holds now, what was seen, and why it was or was not taken."""

from typing import Any

from tools.shapes import Amount, Block, Cursor, Id, Labels, Limit, Page, Rows, Wei, given
from tools.spec import READS, Ask, Shown, ToolSpec


class Scan(Shown):
    """Profitable cycles, the best first; `hops` and `amount_in.raw` are what simulate_trade takes."""

    block: Block
    found: int
    cycles: Rows
    untrusted_symbols: Labels


class Opportunities(Page):
    """Recorded opportunities, the newest first."""

    opportunities: Rows
    untrusted_symbols: Labels


class Explanation(Shown):
    """An opportunity, its legs now, and what became of it."""

    id: str
    hops: Rows
    amount_in: Amount
    gross_profit: Amount
    net: Wei | None
    why: str
    legs_now: dict[str, Any]
    lineage: dict[str, Any] | None
    untrusted_symbols: Labels


async def scan_now(ask: Ask, limit: Limit = 5) -> Scan:
    """Use to see the profitable cycles that the market holds at this block, the best first. Cycles that share a pool
    exclude each other.

    Example: {"limit": 5}
    """
    return Scan.of(await ask("scan_now", {"limit": limit}))


async def list_opportunities(ask: Ask, limit: Limit = 10, cursor: Cursor = None) -> Opportunities:
    """Use to list what the engine recorded, the newest first; ids go to explain_opportunity.

    Example: {"limit": 10}
    """
    return Opportunities.of(await ask("opportunities", given(limit=limit, cursor=cursor)))


async def explain_opportunity(ask: Ask, id: Id) -> Explanation:  # noqa: A002 - the client's word for it
    """Use to learn what an opportunity would have cost and why it was or was not taken: rule, measured, limit.

    Example: {"id": "opportunity-12"}
    """
    return Explanation.of(await ask("explain_opportunity", {"id": id}))


TOOLS = (
    ToolSpec(run=scan_now, title="Scan now", hints=READS),
    ToolSpec(run=list_opportunities, title="Opportunities", hints=READS),
    ToolSpec(run=explain_opportunity, title="Explain an opportunity", hints=READS),
)
