"""The toolset "risk": limits and what is left of them, what is at stake, what would be refused, what waits."""

from typing import Any

from tools.shapes import Block, Hops, Labels, Raw, Rows, Wei, route
from tools.spec import READS, Ask, Shown, ToolSpec


class Limits(Shown):
    """Limits in force, with what is spent, reserved and left of the day's."""

    policy_hash: str
    state: str
    a_trade: dict[str, Any]
    a_day: dict[str, Any]
    a_minute: dict[str, int]
    yours: dict[str, Any]
    exposure: dict[str, Any]
    halts_by_itself: dict[str, Any]
    open_intents: dict[str, int]
    lists: dict[str, Any]


class Exposure(Shown):
    """What is at stake now."""

    block: Block
    worst_loss_open: Wei
    own_capital_open: dict[str, Any]
    open: Rows
    own_funds: Rows
    untrusted_symbols: Labels


class WhatIf(Shown):
    """Every rule that would refuse a trade now."""

    passes: bool
    refusals: Rows
    legs: Rows
    proof: dict[str, Any] | None
    untrusted_symbols: Labels


class Approvals(Shown):
    """Trades that wait for the operator."""

    approvals: Rows


async def risk_limits(ask: Ask) -> Limits:
    """Use to see every limit in force and what is left today. No tool raises one.

    Example: {}
    """
    return Limits.of(await ask("limits", {}))


async def risk_exposure(ask: Ask) -> Exposure:
    """Use to see the worst loss of open trades, pools in flight and own funds.

    Example: {}
    """
    return Exposure.of(await ask("exposure", {}))


async def what_if(ask: Ask, hops: Hops, amount_in: Raw, min_profit: Raw = "0") -> WhatIf:
    """Use to list every rule that would refuse a cycle now and what would change that. No ticket, nothing is written.

    Example: {"hops": [{"pool": "0x1111111111111111111111111111111111111111", "token_in": "0x2222222222222222222222222222222222222222", "token_out": "0x3333333333333333333333333333333333333333"}, {"pool": "0x4444444444444444444444444444444444444444", "token_in": "0x3333333333333333333333333333333333333333", "token_out": "0x2222222222222222222222222222222222222222"}], "amount_in": "1000000000000000000"}
    """  # noqa: E501 - an example is one line
    return WhatIf.of(await ask("what_if", route(hops, amount_in=amount_in, min_profit=min_profit)))


async def pending_approvals(ask: Ask) -> Approvals:
    """Use to see which trades wait for the operator, and until when.

    Example: {}
    """
    return Approvals.of(await ask("approvals", {}))


TOOLS = (
    ToolSpec(run=risk_limits, title="Limits", hints=READS),
    ToolSpec(run=risk_exposure, title="Exposure", hints=READS),
    ToolSpec(run=what_if, title="What would be refused", hints=READS),
    ToolSpec(run=pending_approvals, title="Approvals pending", hints=READS),
)
