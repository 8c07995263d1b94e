"""Long lists: each page fits under the cap by itself, and following next_cursor shows every row once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_type_hints

import anyio
import pytest
from pydantic import BaseModel

from server.mcp.build import build_server
from server.mcp.calls import MAX_ANSWER_BYTES
from tests.mcp.clients import BLOCK, Canned, agent, answered
from tools.table import chosen

ROWS, WIDE, LIMIT = 120, 1_700, 50
LISTS = {
    "market_pools": ("market_pools", "pools"),
    "list_opportunities": ("opportunities", "opportunities"),
    "list_trades": ("trades", "trades"),
    "misses_list": ("misses", "misses"),
    "strategy_proposals": ("strategy_proposals", "proposals"),
    "workspace_files": ("workspace_files", "files"),
}
"""Tool -> the method that it asks, and the field of the rows."""


class Shelf(Canned):
    """A facade with many wide rows in each of its lists, which it pages as the engine does."""

    async def ask(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        field = dict(LISTS.values())[method]
        begin = int(params.get("cursor") or 0)
        end = min(ROWS, begin + params["limit"])
        rows = [{"id": n, "reason": "ü" * (WIDE // 2)} for n in range(begin, end)]
        self.asked.append((method, params))
        return {field: rows, "total": ROWS, "next_cursor": str(end) if end < ROWS else None, "block": BLOCK}


def test_every_list_of_the_toolsets_is_here() -> None:
    paged = {spec.name for spec in chosen(["all"]) if "next_cursor" in _fields(spec.run)}
    assert paged == set(LISTS)


def _fields(run: Any) -> Mapping[str, Any]:
    shown: type[BaseModel] = get_type_hints(run)["return"]
    return shown.model_fields


@pytest.mark.parametrize("tool", LISTS)
def test_a_list_of_wide_rows_pages_itself_below_the_cap_and_loses_none(tool: str) -> None:
    _, field = LISTS[tool]

    async def run() -> None:
        seen: list[int] = []
        cursor: str | None = None
        async with agent(build_server(Shelf(), ["all"])) as client:
            while True:
                given = {"limit": LIMIT} | ({"cursor": cursor} if cursor else {})
                result = await client.call_tool(tool, given)
                page = answered(result)
                assert page[field], "a page shows something"
                assert len(json.dumps(page, ensure_ascii=False, separators=(",", ":")).encode()) <= MAX_ANSWER_BYTES
                seen += [row["id"] for row in page[field]]
                cursor = page["next_cursor"]
                if cursor is None:
                    break
        assert seen == list(range(ROWS))

    anyio.run(run)


@pytest.mark.parametrize("name", ["trades", "opportunities"])
def test_a_resource_that_is_a_list_stays_below_the_cap_and_says_where_it_goes_on(name: str) -> None:
    async def run() -> None:
        async with agent(build_server(Shelf())) as client:
            (page,) = (await client.read_resource(f"ketch://{name}")).contents
            text = page.text  # type: ignore[union-attr]
            assert len(text.encode()) <= MAX_ANSWER_BYTES
            shown = json.loads(text)
            assert 10 < len(shown[name]) < 20
            assert shown["next_cursor"] == str(len(shown[name]))

    anyio.run(run)


def test_one_scan_of_wide_cycles_shows_the_best_that_fit() -> None:
    class Cycles(Canned):
        async def ask(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
            cycles = [{"id": n, "hops": "x" * WIDE} for n in range(params["limit"])]
            return {"block": BLOCK, "found": ROWS, "cycles": cycles}

    async def run() -> None:
        async with agent(build_server(Cycles())) as client:
            found = answered(await client.call_tool("scan_now", {"limit": LIMIT}))
            assert found["found"] == ROWS
            assert [row["id"] for row in found["cycles"]] == list(range(len(found["cycles"])))
            assert 10 < len(found["cycles"]) < 20

    anyio.run(run)
