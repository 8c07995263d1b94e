"""How long a call of an agent takes: through each door, beside a bare server and the facade alone, in one run.

The engine and its local chain are processes of their own, as in use. A figure is taken from calls that were all
answered; `added_ms` is the difference of the medians at one caller.
"""

import json
import statistics
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from mcp import Client, StdioServerParameters
from mcp.types import CallToolResult

from engine.domain.errors import ControlError
from engine.facade import Remote
from server.bare import bare_server
from server.children import child
from server.mcp.build import build_server

AT_ONCE = 16
WARM_UP = 20
START_S = 240.0
POLL_S = 0.1
TARGET_MS = 1.0
BLOCK_MS = 2_000

Call = Callable[[], Awaitable[object]]
Figures = dict[str, float | int]


async def measure(state: Path, calls: int) -> dict[str, Any]:
    """Run everything on a fresh state folder; raises `ControlError` when the engine does not start."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(_engine(state))
        facade = Remote(state / "control.sock", connections=AT_ONCE)
        stack.push_async_callback(facade.aclose)
        simulated = await _simulation(facade)

        async def status() -> object:
            return await facade.ask("engine_status", {})

        async def simulate() -> object:
            return await facade.ask("simulate_trade", simulated)

        door = json.loads((state / "mcp.json").read_bytes())
        http = await stack.enter_async_context(_bare_http())
        asked: dict[tuple[str, str], Call] = {
            ("facade", "engine_status"): status,
            ("facade", "simulate_trade"): simulate,
        }
        for name, ours, bare in (
            ("memory", build_server(facade, ["all"]), bare_server()),
            (
                "stdio",
                _command("server.cli", "mcp", "--toolsets", "all", "--state", str(state)),
                _command("server.bare"),
            ),
            ("http", _over_http(door["url"], door["token"]), _over_http(http, "")),
        ):
            trivial, product = (
                await stack.enter_async_context(_client(bare)),
                await stack.enter_async_context(_client(ours)),
            )
            asked[name, "bare_trivial"] = _calling(trivial, "echo", {"said": "x"})
            asked[name, "engine_status"] = _calling(product, "engine_status", {})
            asked[name, "simulate_trade"] = _calling(product, "simulate_trade", simulated)
        doors: dict[str, dict[str, Any]] = {}
        for (name, what), alone in (await _in_turn(asked, calls)).items():
            crowd = await _at_once(asked[name, what], calls)
            doors.setdefault(name, {})[what] = {"1": alone, str(AT_ONCE): crowd}
        return {"calls": calls, "target_ms": TARGET_MS, "doors": doors, "added_ms": _added(doors)}


def _added(doors: dict[str, dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Compare medians at one caller: the status with the bare call, simulating with the facade's own on top of it."""

    def median(door: str, what: str) -> float:
        return doors[door][what]["1"]["p50_ms"]

    return {
        door: {
            "engine_status_over_bare": round(median(door, "engine_status") - median(door, "bare_trivial"), 3),
            "simulate_over_facade": round(median(door, "simulate_trade") - median("facade", "simulate_trade"), 3),
            "simulate_over_facade_and_bare": round(
                median(door, "simulate_trade") - median("facade", "simulate_trade") - median(door, "bare_trivial"), 3
            ),
        }
        for door in doors
        if door != "facade"
    }


def _calling(client: Client, tool: str, arguments: dict[str, Any]) -> Call:
    async def call() -> object:
        result = await client.call_tool(tool, arguments)
        if not isinstance(result, CallToolResult) or result.is_error:
            raise ControlError(f"{tool} failed while it was measured", measured=str(result)[:300])
        return result

    return call


async def _in_turn(asked: Mapping[tuple[str, str], Call], calls: int) -> dict[tuple[str, str], Figures]:
    """Measure at one caller, a call of each kind after the other: what the machine does meanwhile, it does to all."""
    took_ms: dict[tuple[str, str], list[float]] = {kind: [] for kind in asked}
    for n in range(WARM_UP + calls):
        for kind, call in asked.items():
            began = time.perf_counter()
            await call()
            if n >= WARM_UP:
                took_ms[kind].append((time.perf_counter() - began) * 1e3)
    return {kind: _figures(took, sum(took) / 1e3) for kind, took in took_ms.items()}


async def _at_once(call: Call, calls: int) -> Figures:
    took_ms: list[float] = []

    async def caller() -> None:
        for _ in range(calls // AT_ONCE):
            began = time.perf_counter()
            await call()
            took_ms.append((time.perf_counter() - began) * 1e3)

    began = time.perf_counter()
    async with anyio.create_task_group() as tasks:
        for _ in range(AT_ONCE):
            tasks.start_soon(caller)
    return _figures(took_ms, time.perf_counter() - began)


def _figures(took_ms: list[float], whole_s: float) -> Figures:
    return {
        "p50_ms": round(statistics.median(took_ms), 3),
        "p99_ms": round(statistics.quantiles(took_ms, n=100)[98], 3),
        "calls_per_s": round(len(took_ms) / whole_s),
    }


@asynccontextmanager
async def _client(server: Any) -> AsyncGenerator[Client]:
    made = server() if callable(server) else server
    async with AsyncExitStack() as stack:
        target = await stack.enter_async_context(made) if hasattr(made, "__aenter__") else made
        yield await stack.enter_async_context(Client(target))


async def _simulation(facade: Remote) -> dict[str, Any]:
    """Take the best cycle, or there and back through one pool: both are proved by the executor on the newest block."""
    found = (await facade.ask("scan_now", {}))["cycles"]
    if found:
        return {"hops": found[0]["hops"], "amount_in": found[0]["amount_in"]["raw"]}
    pool = (await facade.ask("market_pools", {"limit": 1}))["pools"][0]
    one, other = (token["token"] if isinstance(token, dict) else token for token in pool["tokens"][:2])
    there = {"pool": pool["pool"], "token_in": one, "token_out": other}
    return {"hops": [there, {"pool": pool["pool"], "token_in": other, "token_out": one}], "amount_in": "1000000"}


@asynccontextmanager
async def _engine(state: Path) -> AsyncGenerator[None]:
    """Run a local chain without rivals, and the engine on it."""
    python = [sys.executable, "-P", "-m"]
    chain_argv = ["engine.devnet", "--state", str(state), "--block-time-ms", str(BLOCK_MS), "--with-parent"]
    engine_argv = ["server.cli", "up", "--profile", "devnet", "--with-parent", "--state", str(state), "--json"]
    async with child("chain", [*python, *chain_argv]) as chain, anyio.create_task_group() as reading:
        reading.start_soon(_drain, chain)
        await _written(state / "devnet.json")
        async with child("engine", [*python, *engine_argv]) as engine:
            reading.start_soon(_drain, engine)
            await _written(state / "mcp.json")
            with anyio.fail_after(START_S):
                while not await _answers(state):
                    await anyio.sleep(POLL_S)
            yield
        reading.cancel_scope.cancel()


async def _answers(state: Path) -> bool:
    facade = Remote(state / "control.sock")
    try:
        return bool((await facade.ask("scan_now", {}))["block"])
    except ControlError:
        return False
    finally:
        await facade.aclose()


async def _drain(running: Any) -> None:
    async for _ in running.lines():
        pass


async def _written(file: Path) -> None:
    with anyio.fail_after(START_S):
        while not file.exists():
            await anyio.sleep(POLL_S)


def _command(module: str, *flags: str) -> StdioServerParameters:
    return StdioServerParameters(command=sys.executable, args=["-P", "-m", module, *flags])


def _over_http(url: str, token: str) -> Callable[[], Any]:
    @asynccontextmanager
    async def transport() -> AsyncGenerator[Any]:
        import httpx2
        from mcp.client.streamable_http import streamable_http_client

        headers = {"authorization": f"Bearer {token}"} if token else {}
        async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
            yield streamable_http_client(url, http_client=http)

    return transport


@asynccontextmanager
async def _bare_http() -> AsyncGenerator[str]:
    async with child("the bare server", [sys.executable, "-P", "-m", "server.bare", "http"]) as process:
        async for line in process.lines():
            yield line.strip()
            break
