"""The toolset "trading": prove a closed cycle for a ticket, spend the ticket, trace what became of it.

An agent's trade is a closed cycle through the executor, as the engine's own are: there is no swap, transfer or approve.
"""

from typing import Annotated, Any

from pydantic import Field

from tools.shapes import (
    Block,
    Cursor,
    Hops,
    Id,
    Labels,
    Limit,
    Page,
    Raw,
    Refusal,
    Rows,
    TradeStatus,
    Wei,
    given,
    route,
)
from tools.spec import PROVES, READS, TRADES, Ask, Shown, ToolSpec


class Simulation(Shown):
    """A proof on the newest block; `ticket` comes with one that passes every rule when agents may trade."""

    block: Block
    passes: bool
    refusal: Refusal | None
    legs: Rows
    proof: dict[str, Any] | None
    needs_approval: bool
    approval_above: Wei | None
    ticket: dict[str, Any] | None
    next_step: str
    untrusted_symbols: Labels


class Execution(Shown):
    """submitted: signed and on its way; refused: which rule and what to do; waiting: for the operator's signature."""

    status: str
    next_step: str = ""


class Trades(Page):
    """Trades, the newest first."""

    trades: Rows
    total: int
    untrusted_symbols: Labels


class Trade(Shown):
    """A trade with its lineage from block to outcome."""

    id: str
    status: str
    tx_hash: str | None = None
    lineage: dict[str, Any] | None
    untrusted_symbols: Labels


async def simulate_trade(ask: Ask, hops: Hops, amount_in: Raw, min_profit: Raw = "0") -> Simulation:
    """Use before every trade: proves a closed cycle on the newest block, leg by leg and cost by cost, and says which
    rule would refuse it. One that passes carries a ticket: for exactly this trade, for you, once, until it expires.
    Amounts are raw units of the first token.

    Example: {"hops": [{"pool": "0x1111111111111111111111111111111111111111", "token_in": "0x2222222222222222222222222222222222222222", "token_out": "0x3333333333333333333333333333333333333333"}, {"pool": "0x4444444444444444444444444444444444444444", "token_in": "0x3333333333333333333333333333333333333333", "token_out": "0x2222222222222222222222222222222222222222"}], "amount_in": "1000000000000000000"}
    """  # noqa: E501 - an example is one line
    return Simulation.of(await ask("simulate_trade", route(hops, amount_in=amount_in, min_profit=min_profit)))


async def execute_trade(
    ask: Ask,
    ticket: Annotated[str, Field(min_length=1, max_length=128)],
    idempotency_key: Annotated[str, Field(pattern="^[A-Za-z0-9_.:-]{1,64}$")],
) -> Execution:
    """Use with a ticket of simulate_trade. The same key returns the same result and never a second trade. Above the
    approval threshold it waits for the operator's signature, which no tool can give.

    Example: {"ticket": "the id that simulate_trade gave", "idempotency_key": "trade-1"}
    """
    return Execution.of(await ask("execute_trade", {"ticket": ticket, "idempotency_key": idempotency_key}))


async def list_trades(ask: Ask, status: TradeStatus | None = None, limit: Limit = 20, cursor: Cursor = None) -> Trades:
    """Use to list trades and how they ended, the newest first.

    Example: {"status": "filled", "limit": 10}
    """
    return Trades.of(await ask("trades", given(status=status, limit=limit, cursor=cursor)))


async def get_trade(ask: Ask, id: Id) -> Trade:  # noqa: A002 - the client's word for it
    """Use to trace one trade, by intent, decision or transaction hash: block, opportunity, proof, decision, outcome.

    Example: {"id": "intent-7"}
    """
    return Trade.of(await ask("trade", {"id": id}))


TOOLS = (
    ToolSpec(run=simulate_trade, title="Simulate a trade", hints=PROVES),
    ToolSpec(run=execute_trade, title="Execute a trade", hints=TRADES, writes=True, asks_first=True),
    ToolSpec(run=list_trades, title="Trades", hints=READS),
    ToolSpec(run=get_trade, title="One trade with its lineage", hints=READS),
)
