"""MCP over HTTP: who is let in, where it is written down, and that both eras work behind the door."""

from __future__ import annotations

import json
import stat
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from engine.domain.errors import ControlError
from server.mcp.http import FILE, MAX_BODY_BYTES, Door, serving
from tests.mcp.clients import ERAS, answered, refused
from tests.mcp.test_remote_facade import daemon

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "a test", "version": "1"},
    },
}
URI = "ketch://status"
ACCEPT = {"accept": "application/json, text/event-stream"}


@asynccontextmanager
async def connected(door: Door, mode: str = "auto") -> AsyncGenerator[Client]:
    async with (
        httpx2.AsyncClient(headers={"authorization": f"Bearer {door.token}"}) as http,
        Client(streamable_http_client(door.url, http_client=http), mode=mode) as client,
    ):
        yield client


@pytest.mark.parametrize("era", ERAS)
def test_a_client_with_the_token_is_served_in_both_eras(tmp_path: Path, era: str) -> None:
    async def run() -> None:
        async with daemon(tmp_path), serving(tmp_path) as door, connected(door, era) as client:
            assert len((await client.list_tools()).tools) > 20
            result = await client.call_tool("halt", {"reason": "odd"})
            assert refused(result)["code"] == "bug" or answered(result)

    anyio.run(run)


def test_nothing_is_answered_without_the_token_or_to_a_foreign_host_or_origin(tmp_path: Path) -> None:
    async def run() -> None:
        async with daemon(tmp_path), serving(tmp_path) as door, httpx2.AsyncClient() as http:
            token = {"authorization": f"Bearer {door.token}"}

            async def status(**headers: str) -> int:
                return (await http.post(door.url, json=INITIALIZE, headers=ACCEPT | headers)).status_code

            assert await status(**token) == 200
            assert await status(**token, origin=f"http://127.0.0.1:{door.port}") == 200
            assert await status() == 401
            for wrong in ("Bearer", f"Bearer {door.token[:-1]}", f"Basic {door.token}", door.token):
                assert await status(authorization=wrong) == 401
            for host in (
                "evil.example",
                f"evil.example:{door.port}",
                "127.0.0.1",
                f"127.0.0.1.evil.example:{door.port}",
            ):
                assert await status(**token, host=host) == 421
            for origin in ("http://evil.example", "null", "http://localhost.evil.example", "https://claude.ai"):
                assert await status(**token, origin=origin) == 403
            for method in ("GET", "DELETE", "OPTIONS"):
                assert (await http.request(method, door.url)).status_code == 401
            big = await http.post(door.url, content=b"x" * (MAX_BODY_BYTES + 1), headers=ACCEPT | token)
            assert big.status_code == 413

    anyio.run(run)


def test_where_and_the_token_are_written_for_the_owner_alone_and_stay_over_a_restart(tmp_path: Path) -> None:
    async def run() -> None:
        file = tmp_path / FILE
        async with daemon(tmp_path), serving(tmp_path) as first:
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            written = json.loads(file.read_text())
            assert (written["url"], written["token"]) == (first.url, first.token)
            assert first.url.startswith("http://127.0.0.1:")
            with pytest.raises(ControlError, match="the port for agents is taken"):
                async with serving(tmp_path / "other", port=first.port):
                    pass
        async with daemon(tmp_path), serving(tmp_path) as second:
            assert second == first
        file.write_text(json.dumps({"url": "http://x", "token": "guess"}))
        async with daemon(tmp_path), serving(tmp_path) as third:
            assert third.token != "guess"

    anyio.run(run)


def test_without_an_engine_the_door_says_so_and_finds_it_again(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving(tmp_path) as door, connected(door) as client:
            body: dict[str, Any] = refused(await client.call_tool("engine_mode", {}))
            assert body["code"] == "not_running"
            async with daemon(tmp_path):
                again = await client.call_tool("engine_mode", {})
                assert "not_running" not in str(again.content)

    anyio.run(run)


def test_the_door_closes_soon_and_quietly_while_a_client_listens(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        async with daemon(tmp_path), anyio.create_task_group() as tasks:
            listening = anyio.Event()

            async def listen(door: Door) -> None:
                async with connected(door, "2026-07-28") as client, client.listen(resource_subscriptions=[URI]):
                    listening.set()
                    await anyio.sleep_forever()

            with anyio.fail_after(10):
                async with serving(tmp_path) as door:
                    tasks.start_soon(listen, door)
                    await listening.wait()
            tasks.cancel_scope.cancel()

    anyio.run(run)
    assert [record for record in caplog.records if record.name.startswith(("uvicorn", "mcp"))] == []
