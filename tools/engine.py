"""The toolset "engine": where it is, how it does, what it is set to, and the brake."""

from typing import Annotated, Any

from pydantic import Field

from tools.shapes import Rows, Wei
from tools.spec import READS, STOPS, Ask, Shown, ToolSpec


class EngineStatus(Shown):
    """Where the engine is; with `running` false, what is missing and the next step."""

    running: bool
    state: str | None = None
    chain: str | None = None
    block: dict[str, Any] | None = None
    submissions: dict[str, int] | None = None
    agents_may_trade: bool = False
    next_step: str = ""


class EngineMode(Shown):
    """What may happen with money now."""

    state: str
    agents_may_trade: bool
    meaning: str
    next_step: str


class EnginePerformance(Shown):
    """What was found, tried and earned."""

    totals: dict[str, Any]
    realised: Rows
    gas_paid: Wei
    net_profit: Wei | None
    this_run: dict[str, Any]
    sent_before: dict[str, Any]
    gas_error: dict[str, Any]


class EngineConfiguration(Shown):
    """Every setting in force but endpoints and secrets."""

    settings: dict[str, Any]
    policy_hash: str
    policy: dict[str, Any]


class Halted(Shown):
    """The trading state after a halt."""

    state: str


async def engine_status(ask: Ask) -> EngineStatus:
    """Use first: whether the engine runs, on which chain and block, whether it trades, what is open, who you are.
    When nothing runs it says what is missing and the next step.

    Example: {}
    """
    return EngineStatus.of(await ask("engine_status", {}))


async def engine_mode(ask: Ask) -> EngineMode:
    """Use before trading: what may happen with money right now, and what it takes to change that.

    Example: {}
    """
    return EngineMode.of(await ask("engine_mode", {}))


async def engine_performance(ask: Ask) -> EnginePerformance:
    """Use for reviews: opportunities, trades, profit and gas in total, this run's latencies in ms, how trades that
    were sent ended by worth, route shape and market state (sent_before; wei), and how far gas estimates were from
    receipts (gas; table, estimate with what was learned, simulation; L1 fee in wei).

    Example: {}
    """
    return EnginePerformance.of(await ask("engine_performance", {}))


async def engine_configuration(ask: Ask) -> EngineConfiguration:
    """Use to see the settings in force. Endpoints and secrets are never shown.

    Example: {}
    """
    return EngineConfiguration.of(await ask("engine_configuration", {}))


async def halt(ask: Ask, reason: Annotated[str, Field(min_length=1, max_length=200)], reducing: bool = False) -> Halted:
    """Use when something is wrong: stop signing trades at once (reducing: keep those with borrowed capital). Anyone
    may halt; only the operator's signature resumes.

    Example: {"reason": "prices look wrong on one venue"}
    """
    return Halted.of(await ask("halt", {"reason": reason, "reducing": reducing}))


TOOLS = (
    ToolSpec(run=engine_status, title="Engine status", hints=READS),
    ToolSpec(run=engine_mode, title="Trading mode", hints=READS),
    ToolSpec(run=engine_performance, title="Performance", hints=READS),
    ToolSpec(run=engine_configuration, title="Configuration in force", hints=READS),
    ToolSpec(run=halt, title="Halt trading", hints=STOPS),
)
