"""Who is who behind the HTTP door: sessions, named tokens, roles, and that nobody becomes somebody else."""

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
from mcp.types import ElicitResult

from engine.domain.errors import ConfigError
from engine.principals import Principal
from server.mcp import tokens
from server.mcp.http import Door, serving
from tests.mcp.clients import ERAS, WEI, answered, refused
from tests.mcp.test_http import ACCEPT, INITIALIZE
from tests.mcp.test_remote_facade import daemon
from tests.scenario.ketch_processes import ketch

LEGACY, STATELESS = ERAS
SPEND = {"ticket": "t" * 32, "idempotency_key": "k"}


async def answer(method: str, params: dict[str, Any], principal: Principal) -> dict[str, Any]:
    match method:
        case "awaiting":
            return {"waits": True, "what": "swap", "notional": WEI, "limit": WEI, "ask_s": 5}
        case "execute_trade":
            return {"status": "refused" if "declined" in params else "waiting", "you": principal.id}
        case _:
            return {"running": True, "you": {"principal": principal.id, "role": principal.role}}


@asynccontextmanager
async def door(state: Path) -> AsyncGenerator[Door]:
    async with daemon(state, answering=answer), serving(state) as opened:
        yield opened


@asynccontextmanager
async def session(door: Door, token: str = "", mode: str = LEGACY, **given: Any) -> AsyncGenerator[Client]:
    headers = {"authorization": f"Bearer {token or door.token}"}
    async with (
        httpx2.AsyncClient(headers=headers) as http,
        Client(streamable_http_client(door.url, http_client=http), mode=mode, **given) as client,
    ):
        yield client


async def whom(client: Client) -> tuple[str, str]:
    you = answered(await client.call_tool("engine_status", {}))["you"]
    return you["principal"], you["role"]


def test_each_session_of_the_door_is_its_own_name_and_stays_it(tmp_path: Path) -> None:
    async def run() -> None:
        async with door(tmp_path) as opened, session(opened) as one, session(opened) as other:
            names = [(await whom(client))[0] for client in (one, other, one, other)]
            assert names[:2] == names[2:]
            assert len(set(names)) == 2

    anyio.run(run)


def test_a_named_token_is_one_name_in_both_eras_over_restarts_and_the_most_its_holder_may_do(tmp_path: Path) -> None:
    bot, eye = tokens.add(tmp_path, "bot", "trader"), tokens.add(tmp_path, "eye", "observer")

    async def run() -> None:
        seen: dict[str, set[tuple[str, str]]] = {bot: set(), eye: set()}
        for _ in range(2):
            async with door(tmp_path) as opened:
                for token, found in seen.items():
                    for era in ERAS:
                        async with session(opened, token, era) as client:
                            found.add(await whom(client))
                            tools = {tool.name for tool in (await client.list_tools()).tools}
                            assert ("execute_trade" in tools) is (token == bot)
                async with session(opened, eye) as client:
                    assert refused(await client.call_tool("execute_trade", SPEND))["code"] == "not_allowed"
        ((bots, trader),), ((eyes, observer),) = seen[bot], seen[eye]
        assert bots != eyes
        assert (trader, observer) == ("trader", "observer")

    anyio.run(run)


def test_nobody_takes_anothers_session_name_or_token(tmp_path: Path) -> None:
    bot, eye = tokens.add(tmp_path, "bot", "trader"), tokens.add(tmp_path, "eye", "observer")
    tokens.add(tmp_path / "other", "bot", "trader")
    elsewhere = tokens.add(tmp_path / "other", "stranger", "trader")

    async def run() -> None:
        async with door(tmp_path) as opened, httpx2.AsyncClient() as http:

            async def post(token: str, body: dict[str, Any], **headers: str) -> httpx2.Response:
                named = ACCEPT | {"authorization": f"Bearer {token}"} | headers
                return await http.post(opened.url, json=body, headers=named)

            made = await post(bot, INITIALIZE)
            theirs = {"mcp-session-id": made.headers["mcp-session-id"], "mcp-protocol-version": "2025-11-25"}
            ping = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
            assert (await post(bot, ping, **theirs)).status_code == 200
            for thief in (eye, opened.token):
                assert (await post(thief, ping, **theirs)).status_code == 404
            for wrong in (
                elsewhere,
                bot[:-1],
                bot + "x",
                bot.replace("ketch_", "catch_"),
                "ketch_" + "0" * 16 + bot[22:],
            ):
                assert (await post(wrong, INITIALIZE)).status_code == 401
            tokens.revoke(tmp_path, "bot")
            gone = await post(bot, ping, **theirs)
            assert (gone.status_code, gone.json()["code"]) == (401, "unauthorized")
            assert (await post(eye, INITIALIZE)).status_code == 200
            (tmp_path / tokens.FILE).write_text("{}")
            assert (await post(eye, INITIALIZE)).status_code == 401
            assert (await post(opened.token, INITIALIZE)).status_code == 200

    anyio.run(run)


@pytest.mark.parametrize("era", ERAS)
def test_a_client_that_can_be_asked_back_is_asked_through_the_door(tmp_path: Path, era: str) -> None:
    async def run() -> None:
        for action, status in (("accept", "waiting"), ("decline", "refused")):

            async def callback(context: Any, params: Any, action: Any = action) -> ElicitResult:
                return ElicitResult(action=action, content={})

            async with door(tmp_path) as opened, session(opened, mode=era, elicitation_callback=callback) as client:
                with anyio.fail_after(20):
                    told = answered(await client.call_tool("execute_trade", SPEND))
                assert told["status"] == status
                assert told["you"] == (await whom(client))[0]

    anyio.run(run)


def test_the_command_line_gives_lists_and_revokes_tokens_and_shows_each_once(tmp_path: Path) -> None:
    made = ketch("access", "bot", "--role", "trader", "--state", tmp_path, "--json")
    token = json.loads(made.stdout)["token"]
    file = tmp_path / tokens.FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert token not in file.read_text()
    assert token.rsplit("_", 1)[-1] not in file.read_text()
    again = ketch("access", "bot", "--state", tmp_path)
    assert (again.returncode, again.stderr.startswith("ketch: there is a token of that name, measured bot")) == (
        1,
        True,
    )
    assert json.loads(ketch("access", "--state", tmp_path, "--json").stdout) == {
        "tokens": [{"name": "bot", "role": "trader"}]
    }
    assert ketch("access", "bot", "--revoke", "--state", tmp_path).returncode == 0
    assert ketch("access", "bot", "--revoke", "--state", tmp_path).returncode == 1
    for name in ("", "-x", "Bot", "a b", "../x", "x" * 40):
        with pytest.raises(ConfigError, match="no name for a token"):
            tokens.add(tmp_path, name, "observer")
