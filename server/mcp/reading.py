"""Resources and prompts as the protocol sees them."""

import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.server.mcpserver.prompts import Prompt

from engine.domain.errors import ControlError
from resources.pages import RESOURCES, ResourceSpec
from resources.prompts import PROMPTS
from server.mcp.calls import as_text, shorter
from server.mcp.errors import refusal
from tools.spec import Ask, Shown

_ABSENT = ("not_found", "invalid_params")


def add_resources(server: MCPServer[Any], ask: Ask) -> None:
    """Register every resource and template."""
    for spec in RESOURCES:
        server.resource(
            spec.uri, name=spec.name, title=spec.title, description=spec.description, mime_type="application/json"
        )(_reader(spec, ask))


def add_prompts(server: MCPServer[Any]) -> None:
    """Register every prompt."""
    for spec in PROMPTS:
        server.add_prompt(Prompt.from_function(spec.run, title=spec.title, description=spec.description))


def _reader(spec: ResourceSpec, ask: Ask) -> Callable[..., Awaitable[str]]:
    @functools.wraps(spec.params)
    async def read(**given: str) -> str:
        try:
            if "chain" in given:
                await _on_chain(ask, given["chain"])
            asked = dict(spec.params(**given))
            page = Shown.of(await ask(spec.method, asked))
            while (fewer := shorter(page, asked.get("limit"))) is not None:
                asked["limit"] = fewer
                page = Shown.of(await ask(spec.method, asked))
        except ControlError as error:
            said = str(refusal(error.code, error.cause(), error.next_step or "list the resources", None))
            raise (ResourceNotFoundError if error.code in _ABSENT else ResourceError)(said) from error
        return as_text(page.model_dump(mode="json"))

    read.__signature__ = inspect.signature(spec.params).replace(return_annotation=str)  # type: ignore[attr-defined]
    read.__annotations__ = dict.fromkeys(inspect.signature(spec.params).parameters, str) | {"return": str}
    return read


async def _on_chain(ask: Ask, chain: str) -> None:
    """Raise `ControlError` unless the engine is on that chain, by name, other name or id."""
    for row in (await ask("market_chains", {}))["chains"]:
        if row["here"] and chain.lower() in (row["name"], str(row["id"]), *row["aliases"]):
            return
    raise ControlError(
        "this engine is on another chain", measured=chain[:32], next_step="see market_chains", code="not_found"
    )
