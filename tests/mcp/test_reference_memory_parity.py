"""The reference memory server and ours, asked the same over MCP: the same results, and each difference by its name."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.types import TextContent

from engine.knowledge import jsonl
from server.mcp.build import build_server
from tests.archive_host import Host, hosted
from tests.mcp.others_tools import MODULES, SCRIPTS, node_env

REFERENCE = MODULES / "@modelcontextprotocol" / "server-memory" / "dist" / "index.js"
pytestmark = [
    pytest.mark.node,
    pytest.mark.skipif(not REFERENCE.is_file(), reason="make conformance installs the reference memory server"),
]
OPERATIONS = 200
NAMES = ("WETH", "USDC", "weth/usdc", "Ärger", 'a "quoted" name', "two\nlines", "100%", "a_b", "路由", "x" * 60)
KINDS = ("token", "pair", "Route")
TEXTS = ("pays after noon", "thin\nat night", "PAYS", "é", "", "a%b_c", '"', "reverts: stale head", "7")


@asynccontextmanager
async def reference(file: Path) -> AsyncGenerator[Client]:
    """Start the reference server on a file."""
    env = dict(node_env()) | {"MEMORY_FILE_PATH": str(file)}
    server = StdioServerParameters(command=str(SCRIPTS / "node"), args=[str(REFERENCE)], env=env)
    async with Client(server) as client:
        yield client


@asynccontextmanager
async def ours(host: Host) -> AsyncGenerator[Client]:
    async with Client(build_server(host, ["knowledge"])) as client:
        yield client


async def told(client: Client, tool: str, arguments: dict[str, Any]) -> tuple[bool, Any]:
    """Call a tool: whether it failed, and what it said."""
    result = await client.call_tool(tool, arguments)
    (content,) = result.content
    assert isinstance(content, TextContent)
    if not result.is_error:
        return False, result.structured_content
    try:
        said = json.loads(content.text)["cause"]
    except ValueError:
        said = content.text
    return True, "".join(c for c in said if c.isprintable())  # ours says everything that it refuses in one line


def operations(seed: int) -> list[tuple[str, dict[str, Any]]]:
    """Draw calls of every tool, most of them about things that exist; nothing twice in one batch."""
    lot = random.Random(seed)

    def some(of: tuple[str, ...], least: int = 0) -> list[str]:
        return lot.sample(of, lot.randint(least, 3))

    def relations() -> list[dict[str, str]]:
        ends = [(a, b) for a in NAMES for b in NAMES]
        return [{"from": a, "to": b, "relationType": lot.choice(KINDS)} for a, b in lot.sample(ends, lot.randint(0, 4))]

    made: dict[str, Any] = {
        "create_entities": lambda: {
            "entities": [
                {"name": name, "entityType": lot.choice(KINDS), "observations": some(TEXTS)} for name in some(NAMES)
            ]
        },
        "create_relations": lambda: {"relations": relations()},
        "add_observations": lambda: {
            "observations": [{"entityName": name, "contents": some(TEXTS)} for name in some(NAMES, 1)]
        },
        "delete_entities": lambda: {"entityNames": some(NAMES[5:])},
        "delete_observations": lambda: {
            "deletions": [{"entityName": name, "observations": some(TEXTS)} for name in some(NAMES)]
        },
        "delete_relations": lambda: {"relations": relations()},
        "read_graph": dict,
        "search_nodes": lambda: {"query": lot.choice((*NAMES, *TEXTS, "PAY", "e", "nothing like it"))},
        "open_nodes": lambda: {"names": some(NAMES)},
    }
    often = [7, 7, 5, 1, 2, 2, 2, 5, 3]
    tools = [*made, *lot.choices(list(made), often, k=OPERATIONS - len(made))]
    return [(tool, made[tool]()) for tool in tools]


@pytest.mark.parametrize("seed", [7, 8])
def test_two_hundred_operations_have_the_same_results_and_each_opens_the_others_file(tmp_path: Path, seed: int) -> None:
    async def run() -> None:
        file, written = tmp_path / "memory.jsonl", tmp_path / "written.jsonl"
        refused = 0
        async with hosted(tmp_path) as host, reference(file) as theirs, ours(host) as mine:
            for number, (tool, arguments) in enumerate(operations(seed)):
                expected, got = await told(theirs, tool, arguments), await told(mine, tool, arguments)
                refused += expected[0]
                if not expected[0]:
                    assert set(expected[1]) <= set(got[1]), (number, tool, arguments, got)
                    got = (got[0], {name: got[1][name] for name in expected[1]})
                assert got == expected, (number, tool, arguments)
            assert 5 <= refused <= OPERATIONS // 2
            whole = (await told(mine, "read_graph", {}))[1]
            assert len(whole["entities"]) > 2
            assert len(whole["relations"]) > 10
            lines = jsonl.read(file.read_text(encoding="utf-8"))
            assert (lines.entities, lines.relations, lines.faults) == (whole["entities"], whole["relations"], [])
            written.write_text(jsonl.write(whole["entities"], whole["relations"]), encoding="utf-8")
            assert written.read_text(encoding="utf-8") == file.read_text(encoding="utf-8")
        async with reference(written) as theirs:
            again = (await told(theirs, "read_graph", {}))[1]
            assert again == {"entities": whole["entities"], "relations": whole["relations"]}

    anyio.run(run)


def named(name: str) -> dict[str, Any]:
    return {"entities": [{"name": name, "entityType": "t", "observations": []}]}


async def all_at_once(client: Client, names: list[str]) -> list[str]:
    """Create each by a call of its own, all at once; return those that were acknowledged."""
    acknowledged: list[str] = []

    async def create(name: str) -> None:
        failed, said = await told(client, "create_entities", named(name))
        if not failed and said["entities"]:
            acknowledged.append(name)

    async with anyio.create_task_group() as tasks:
        for name in names:
            tasks.start_soon(create, name)
    return acknowledged


async def kept(client: Client) -> set[str]:
    return {row["name"] for row in (await told(client, "read_graph", {}))[1]["entities"]}


def test_fifty_calls_at_once_are_all_kept_where_the_reference_server_keeps_few(tmp_path: Path) -> None:
    async def run() -> None:
        names = [f"E{number}" for number in range(50)]
        async with hosted(tmp_path) as host, reference(tmp_path / "m.jsonl") as theirs, ours(host) as mine:
            told_theirs, told_mine = await all_at_once(theirs, names), await all_at_once(mine, names)
            kept_theirs, kept_mine = await kept(theirs), await kept(mine)
        print(f"50 calls of one client: reference acknowledged {len(told_theirs)}, kept {len(kept_theirs)};", end=" ")
        print(f"ours acknowledged {len(told_mine)}, kept {len(kept_mine)}")
        assert set(told_mine) == kept_mine == set(names)
        assert len(kept_theirs) < len(told_theirs)

    anyio.run(run)


def test_two_clients_with_a_hundred_creates_each_lose_nothing_where_the_reference_server_does(tmp_path: Path) -> None:
    async def pair(clients: list[Client]) -> tuple[int, set[str]]:
        acknowledged = 0

        async def create(client: Client, who: str) -> None:
            nonlocal acknowledged
            for number in range(100):
                failed, _ = await told(client, "create_entities", named(f"{who}{number}"))
                acknowledged += not failed

        async with anyio.create_task_group() as tasks:
            for client, who in zip(clients, "AB", strict=True):
                tasks.start_soon(create, client, who)
        return acknowledged, await kept(clients[0])

    @asynccontextmanager
    async def two(*made: Any) -> AsyncIterator[list[Client]]:
        async with AsyncExitStack() as stack:
            yield [await stack.enter_async_context(one) for one in made]

    async def run() -> None:
        file = tmp_path / "m.jsonl"
        async with two(reference(file), reference(file)) as clients:
            told_theirs, kept_theirs = await pair(clients)
        async with hosted(tmp_path) as host, two(ours(host), ours(host)) as clients:
            told_mine, kept_mine = await pair(clients)
        print(f"2 x 100 creates: reference acknowledged {told_theirs}, kept {len(kept_theirs)};", end=" ")
        print(f"ours acknowledged {told_mine}, kept {len(kept_mine)}")
        assert (told_mine, len(kept_mine)) == (200, 200)
        assert len(kept_theirs) < told_theirs

    anyio.run(run)


def test_each_difference_that_is_documented_is_one(tmp_path: Path) -> None:
    async def run() -> None:
        async with hosted(tmp_path) as host, reference(tmp_path / "m.jsonl") as theirs, ours(host) as mine:
            both = (theirs, mine)
            twice = {"entities": [*named("A")["entities"], *named("A")["entities"]]}
            assert [len((await told(c, "create_entities", twice))[1]["entities"]) for c in both] == [2, 1]
            relation = {"from": "A", "to": "B", "relationType": "r"}
            twice = {"relations": [relation, relation]}
            assert [len((await told(c, "create_relations", twice))[1]["relations"]) for c in both] == [2, 1]
            twice = {"observations": [{"entityName": "A", "contents": ["x", "x"]}]}
            added = [(await told(c, "add_observations", twice))[1]["results"][0]["addedObservations"] for c in both]
            assert added == [["x", "x"], ["x"]]
            hidden = named("a\u202eb\u200bc\u0007")
            names = [(await told(c, "create_entities", hidden))[1]["entities"][0]["name"] for c in both]
            assert names == ["a\u202eb\u200bc\u0007", "abc"]
            failed = [(await told(c, "create_entities", named("n" * 257)))[0] for c in both]
            assert failed == [False, True]
        (tmp_path / "m.jsonl").write_text('{"type":"entity","name":"A","entityType":"t","observations":[]}\n{"type":')
        async with reference(tmp_path / "m.jsonl") as theirs:
            assert (await told(theirs, "read_graph", {}))[0]
        lines = jsonl.read((tmp_path / "m.jsonl").read_text())
        assert ([row["name"] for row in lines.entities], len(lines.faults)) == (["A"], 1)

    anyio.run(run)
