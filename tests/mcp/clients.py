"""Clients of the MCP server, and an engine of canned answers behind it."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mcp import Client, StdioServerParameters
from mcp.types import CallToolResult, TextContent

from engine.control import Feed
from engine.domain.errors import ControlError
from engine.facade import Events, parsed_events
from tests.scenario.ketch_processes import clean_env

ERAS = ("legacy", "2026-07-28")
TOKEN = "0x" + "11" * 20
BLOCK = {"chain_id": 42161, "number": 7, "hash": "0x" + "ab" * 32, "timestamp_s": 1_800_000_000}
AMOUNT = {"raw": "9007199254740993", "human": "0.009007199254740993", "token": TOKEN}
WEI = {"wei": "1", "human": "0.000000000000000001"}
ANSWERS: dict[str, dict[str, Any]] = {
    "engine_status": {"running": True, "state": "ACTIVE", "chain": "arbitrum", "block": BLOCK},
    "market_chains": {
        "chains": [
            {"id": 1, "name": "ethereum", "aliases": ["eth"], "here": False},
            {"id": 42161, "name": "arbitrum", "aliases": ["arb"], "here": True},
        ]
    },
    "market_venues": {"venues": [{"deployment": "uniswap_v3", "family": "concentrated", "pools": 3}], "pools": 3},
    "market_prices": {"block": BLOCK, "prices": [{"token": TOKEN, "one_token": WEI}]},
    "scan_now": {"block": BLOCK, "found": 0, "cycles": []},
    "trades": {"trades": [], "total": 0, "next_cursor": None},
    "halt": {"state": "HALTED"},
}


class Canned:
    """A facade of canned answers that remembers what it was asked."""

    def __init__(self, answers: Mapping[str, Any] | None = None, *, role: str = "observer") -> None:
        self.answers = {**ANSWERS, **(answers or {})}
        self.asked: list[tuple[str, Mapping[str, Any]]] = []
        self.feed = Feed()
        self.principal = "mcp-test"
        self.granted = role

    async def ask(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.append((method, params))
        answer = self.answers.get(method)
        if isinstance(answer, Exception):
            raise answer
        if answer is None:
            raise ControlError("there is no such thing", measured=method, next_step="look elsewhere", code="not_found")
        return answer

    async def role(self, *, anew: bool = False) -> str:
        return self.granted

    def events(self) -> Events:
        return parsed_events(self.feed.follow())


def text_of(result: Any) -> str:
    assert isinstance(result, CallToolResult)
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


def answered(result: Any) -> dict[str, Any]:
    """Return the structured answer of a call that must have succeeded; its text says the same."""
    assert not result.is_error, text_of(result)
    assert json.loads(text_of(result)) == result.structured_content
    return result.structured_content


def refused(result: Any) -> dict[str, Any]:
    """Return the refusal of a call that must have failed: always code, cause, next step and example."""
    assert result.is_error, text_of(result)
    body = json.loads(text_of(result))
    assert set(body) == {"code", "cause", "next_step", "example"}
    assert body["code"] and body["cause"] and body["next_step"]
    for word in ("pydantic", "https://err", "Traceback", "Error executing"):
        assert word not in text_of(result)
    return body


def stdio(state: Path, *flags: str) -> StdioServerParameters:
    """Name the command that a client starts: `ketch mcp` on a state folder."""
    argv = ["-P", "-m", "server.cli", "mcp", "--state", str(state), *flags]
    return StdioServerParameters(command=sys.executable, args=argv, env=clean_env())


@asynccontextmanager
async def agent(server: Any, mode: str = "auto") -> AsyncGenerator[Client]:
    async with Client(server, mode=mode) as client:
        yield client
