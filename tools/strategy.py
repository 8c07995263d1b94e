"""The toolset "strategy": what runs, with which parameters, and proposals, which change nothing by themselves."""

from typing import Annotated

from pydantic import Field

from tools.shapes import Cursor, Limit, Page, Rows, given
from tools.spec import READS, SUGGESTS, Ask, Shown, ToolSpec


class Strategies(Shown):
    """Strategies that run."""

    strategies: Rows


class Parameters(Shown):
    """Parameters in force with their defaults."""

    parameters: Rows
    policy_hash: str


class Proposals(Page):
    """Proposals, the newest first."""

    proposals: Rows


class Proposed(Shown):
    """A proposal that is written down for the operator."""

    proposal: str
    applied: bool


async def strategy_list(ask: Ask) -> Strategies:
    """Use to learn which strategies run and how they did in this run.

    Example: {}
    """
    return Strategies.of(await ask("strategy_list", {}))


async def strategy_parameters(ask: Ask) -> Parameters:
    """Use to see the parameters in force beside their defaults.

    Example: {}
    """
    return Parameters.of(await ask("strategy_parameters", {}))


async def strategy_proposals(ask: Ask, limit: Limit = 20, cursor: Cursor = None) -> Proposals:
    """Use to list what was proposed, the newest first.

    Example: {"limit": 10}
    """
    return Proposals.of(await ask("strategy_proposals", given(limit=limit, cursor=cursor)))


async def strategy_propose(
    ask: Ask,
    parameter: Annotated[str, Field(min_length=1, max_length=64)],
    value: Annotated[str, Field(min_length=1, max_length=64)],
    reason: Annotated[str, Field(min_length=1, max_length=500)],
) -> Proposed:
    """Use to suggest another value for a parameter. It is written down for the operator and changes nothing.

    Example: {"parameter": "scan.floor_wei", "value": "1000", "reason": "small cycles revert more often than they pay"}
    """
    return Proposed.of(await ask("strategy_propose", {"parameter": parameter, "value": value, "reason": reason}))


TOOLS = (
    ToolSpec(run=strategy_list, title="Strategies", hints=READS),
    ToolSpec(run=strategy_parameters, title="Parameters in force", hints=READS),
    ToolSpec(run=strategy_proposals, title="Proposals", hints=READS),
    ToolSpec(run=strategy_propose, title="Propose a parameter", hints=SUGGESTS, writes=True),
)
