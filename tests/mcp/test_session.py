"""An agent's session through a real client process on stdio, against a running engine on a local chain."""

from __future__ import annotations

import json
import signal
import threading
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from anyio.to_thread import run_sync
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from engine.journal.journal import JOURNAL_FILE, Journal
from engine.methods import METHODS
from server.mcp.http import FILE
from tests.conftest import LocalChain
from tests.devnet.processes import eventually
from tests.market_moves import pool_of_kind, swap
from tests.mcp.clients import answered, refused, stdio
from tests.scenario.ketch_processes import engine_runs, started, wait_for_engine
from tools.table import chosen

pytestmark = pytest.mark.node

Chains = Callable[[int], LocalChain]
SETTINGS = "[scan]\nfloor_wei = 1000000000000000000000000\n[agents]\ntrading = true\n[risk]\napproval_above_wei = {}\n"
"""The engine itself finds nothing worth trading; agents may."""
BLOCK_S = 0.25
ALL = ("--toolsets", "all")


@contextmanager
def mining(chain: LocalChain) -> Iterator[None]:
    """Mine while the context lasts: an engine's start waits for blocks."""
    done = threading.Event()

    def mine() -> None:
        while not done.wait(BLOCK_S):
            chain.mine()

    thread = threading.Thread(target=mine)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@contextmanager
def engine(chain: LocalChain) -> Iterator[Any]:
    state = chain.manifest_path.parent
    with started("up", "--profile", "devnet", "--json", "--state", state) as process:
        with mining(chain):
            wait_for_engine(state, process)
        yield process


@pytest.fixture
def chain_of_agents(own_chain: Chains) -> LocalChain:
    chain = own_chain(42161)
    (chain.manifest_path.parent / "ketch.toml").write_text(SETTINGS.format(10**24))
    return chain


@asynccontextmanager
async def agent(state: Path) -> AsyncGenerator[Client]:
    async with Client(stdio(state, *ALL)) as client:
        yield client


async def until(holds: Callable[[], Awaitable[bool]], within_s: float = 30) -> None:
    with anyio.fail_after(within_s):
        while not await holds():
            await anyio.sleep(0.02)


async def caught_up(client: Client, number: int) -> None:
    async def there() -> bool:
        return answered(await client.call_tool("engine_status", {}))["block"]["number"] >= number

    await until(there)


async def opened(client: Client, chain: LocalChain) -> dict[str, Any]:
    """Open a gap between two pools, and return the best cycle that the agent then finds."""
    pool = pool_of_kind(chain, "constant_product")
    decimals = {t.address: t.decimals for t in chain.deployment.tokens}[pool.tokens[0]]
    await run_sync(lambda: swap(chain, pool, amount_in=5 * 10**decimals))
    await caught_up(client, (await run_sync(chain.mine)).number)
    best = answered(await client.call_tool("scan_now", {"limit": 1}))["cycles"][0]
    return {"hops": best["hops"], "amount_in": best["amount_in"]["raw"]}


def test_an_agent_reads_scans_simulates_executes_and_traces_its_trade_to_the_chain(
    chain_of_agents: LocalChain,
) -> None:
    chain = chain_of_agents
    state = chain.manifest_path.parent

    async def run() -> None:
        async with agent(state) as client:
            assert answered(await client.call_tool("engine_status", {}))["you"]["role"] == "trader"
            cycle = await opened(client, chain)
            assert answered(await client.call_tool("what_if", cycle))["passes"] is True
            simulated = answered(await client.call_tool("simulate_trade", cycle))
            assert simulated["passes"], simulated["refusal"]
            spend = {"ticket": simulated["ticket"]["id"], "idempotency_key": "first"}
            async with agent(state) as thief:
                stolen = answered(await thief.call_tool("execute_trade", spend))
                assert (stolen["status"], stolen["rule"]) == ("refused", "ticket")
            done = answered(await client.call_tool("execute_trade", spend))
            assert done["status"] == "submitted", done
            assert answered(await client.call_tool("execute_trade", spend))["tx_hash"] == done["tx_hash"]
            await caught_up(client, (await run_sync(lambda: chain.mine(2))).number)
            receipt: Any = chain.rpc.call("eth_getTransactionReceipt", done["tx_hash"])
            assert int(receipt["status"], 16) == 1
            trade = answered(await client.call_tool("get_trade", {"id": done["intent"]}))
            assert trade["status"] == "filled"
            assert trade["lineage"]["outcome"]["block"]["hash"] == receipt["blockHash"]
            (page,) = (await client.read_resource(f"ketch://trades/{done['intent']}")).contents
            assert json.loads(page.text)["tx_hash"] == done["tx_hash"]  # type: ignore[union-attr]
            assert answered(await client.call_tool("list_trades", {}))["total"] == 1
            again = refused(await client.call_tool("execute_trade", {**spend, "amount_in": "1"}))
            assert again["code"] == "invalid_arguments"
            await every_reading_tool_answers(client, cycle)
        await over_http(state)

    with engine(chain):
        anyio.run(run)
    with Journal.read(state / JOURNAL_FILE) as journal:
        rows = [row for entry in journal.entries("calls") for row in entry.body["calls"]]
    agents = {row["principal"] for row in rows if row["method"] == "attach"}
    assert len(agents) == 3
    assert all(name.startswith("mcp-") for name in agents)
    decided: Counter[tuple[str, str]] = Counter()
    for row in rows:
        decided[row["method"], row["decision"]] += int(row["count"])
    assert decided["execute_trade", "answered"] == 3
    assert decided["tool execute_trade", "refused: invalid_arguments"] == 1
    assert decided["trade", "refused: not_found"] == 1


async def every_reading_tool_answers(client: Client, cycle: dict[str, Any]) -> None:
    tools = {spec.name for spec in chosen(["all"])}
    assert {tool.name for tool in (await client.list_tools()).tools} == tools
    pool = cycle["hops"][0]["pool"]
    given: dict[str, dict[str, Any]] = {
        "market_pool": {"pool": pool},
        "market_pools": {"token": cycle["hops"][0]["token_in"], "limit": 2},
        "quote_route": cycle,
        "what_if": cycle,
        "simulate_trade": cycle,
        "get_trade": {"id": answered(await client.call_tool("list_trades", {}))["trades"][0]["id"]},
        "strategy_propose": {"parameter": "scan.max_hops", "value": "3", "reason": "a test"},
    }
    given |= {name: dict(METHODS[name].example) for name in tools if name.startswith("workspace_")}
    of_the_archive = {spec.name for spec in chosen(["knowledge", "memory"])}
    for name in sorted(tools - {"halt", "execute_trade", "explain_opportunity", "explain_miss"} - of_the_archive):
        answered(await client.call_tool(name, given.get(name, {})))

    async def remembered() -> bool:
        return not (await client.call_tool("similar_to", {"id": given["get_trade"]["id"]})).is_error

    # the archive is a process of its own, which the engine starts when it has time
    await until(remembered, within_s=60)
    for miss in answered(await client.call_tool("misses_list", {"limit": 1}))["misses"]:
        assert answered(await client.call_tool("explain_miss", {"id": miss["id"]}))["reason"] == miss["reason"]
    unknown = {
        "get_trade": "intent-999999",
        "explain_opportunity": "opportunity-999999",
        "explain_miss": "miss-999999",
    }
    for name, thing in unknown.items():
        assert refused(await client.call_tool(name, {"id": thing}))["code"] == "not_found"
    first = answered(await client.call_tool("market_pools", {"limit": 20}))
    rest = answered(await client.call_tool("market_pools", {"limit": 50, "cursor": first["next_cursor"]}))
    assert {row["pool"] for row in first["pools"]}.isdisjoint(row["pool"] for row in rest["pools"])


async def over_http(state: Path) -> None:
    await until(lambda: run_sync((state / FILE).exists))
    door = json.loads((state / FILE).read_text())
    headers = {"authorization": f"Bearer {door['token']}"}
    async with (
        httpx2.AsyncClient(headers=headers) as http,
        Client(streamable_http_client(door["url"], http_client=http)) as client,
    ):
        assert answered(await client.call_tool("engine_status", {}))["running"] is True
        assert answered(await client.call_tool("halt", {"reason": "a test"}))["state"] == "HALTED"
        assert answered(await client.call_tool("engine_mode", {}))["state"] == "HALTED"


def test_clients_that_die_disturb_nobody_and_an_engine_that_restarts_is_found_again(
    chain_of_agents: LocalChain,
) -> None:
    chain = chain_of_agents
    state = chain.manifest_path.parent

    async def run(first: Any) -> None:
        async with agent(state) as client:
            me = answered(await client.call_tool("engine_status", {}))["you"]
            with started("mcp", "--state", state) as doomed:
                doomed.send_signal(signal.SIGKILL)
                doomed.wait(10)
            assert answered(await client.call_tool("engine_status", {}))["running"] is True
            first.send_signal(signal.SIGKILL)
            await run_sync(first.wait, 10)
            assert refused(await client.call_tool("scan_now", {}))["code"] == "not_running"
            assert answered(await client.call_tool("engine_status", {}))["running"] is False
            second = engine(chain)
            await run_sync(second.__enter__)
            try:
                assert answered(await client.call_tool("engine_status", {}))["you"] == me
            finally:
                await run_sync(lambda: second.__exit__(None, None, None))

    with engine(chain) as process:
        anyio.run(run, process)


def test_a_client_without_an_engine_gets_one_that_ends_with_it(chain_of_agents: LocalChain) -> None:
    chain = chain_of_agents
    state = chain.manifest_path.parent

    async def run() -> None:
        async with agent(state) as client:

            async def runs() -> bool:
                status = answered(await client.call_tool("engine_status", {}))
                assert "it ended" not in status.get("why", ""), status
                return status["running"]

            await until(runs, 90)
            assert engine_runs(state)

    with mining(chain):
        anyio.run(run)
        assert eventually(lambda: not engine_runs(state))
