"""Completions for the arguments of resources, prompts and, by the same names, tools: chain, venue, token, ids."""

from collections.abc import Awaitable, Callable
from typing import Any

from mcp.types import Completion, CompletionArgument, CompletionContext

from engine.domain.errors import ControlError
from tools.spec import Ask, clean

MAX_VALUES = 100

Source = Callable[[Ask], Awaitable[list[str]]]


async def _chains(ask: Ask) -> list[str]:
    return [row["name"] for row in (await ask("market_chains", {}))["chains"]]


async def _venues(ask: Ask) -> list[str]:
    return [row["deployment"] for row in (await ask("market_venues", {}))["venues"]]


async def _tokens(ask: Ask) -> list[str]:
    return [row["token"] for row in (await ask("market_prices", {}))["prices"]]


async def _pools(ask: Ask) -> list[str]:
    return [row["pool"] for row in (await ask("market_pools", {"limit": MAX_VALUES}))["pools"]]


async def _trades(ask: Ask) -> list[str]:
    return [row["id"] for row in (await ask("trades", {"limit": MAX_VALUES}))["trades"]]


async def _strategies(ask: Ask) -> list[str]:
    return [row["name"] for row in (await ask("strategy_list", {}))["strategies"]]


SOURCES: dict[str, Source] = {
    "chain": _chains,
    "venue": _venues,
    "token": _tokens,
    "address": _pools,
    "id": _trades,
    "strategy": _strategies,
}
"""Argument name -> where its values come from."""


def completing(ask: Ask) -> Callable[..., Awaitable[Completion | None]]:
    """Make the completion of one server; without an engine there is nothing to complete from."""

    async def complete(ref: Any, argument: CompletionArgument, context: CompletionContext | None) -> Completion | None:
        source = SOURCES.get(argument.name)
        if source is None:
            return None
        try:
            values = sorted({value for value in clean(await source(ask)) if value.startswith(argument.value)})
        except ControlError:
            return None
        return Completion(values=values[:MAX_VALUES], total=len(values), has_more=len(values) > MAX_VALUES)

    return complete
