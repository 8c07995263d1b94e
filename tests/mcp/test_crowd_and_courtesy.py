"""Real clients of a running engine: who is asked before a trade waits, a hundred at once, and a shell beside them."""

from __future__ import annotations

import json
import signal
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from anyio.to_thread import run_sync
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import ElicitResult

from engine.control import SOCKET_NAME
from engine.control_client import call
from engine.domain.errors import ControlError
from engine.facade import Remote
from engine.risk.halt import HALT_FILE
from server.mcp.http import FILE
from tests.conftest import LocalChain
from tests.mcp.clients import ERAS, answered, refused, stdio
from tests.mcp.test_session import SETTINGS, agent, engine, opened, until

pytestmark = pytest.mark.node

Chains = Callable[[int], LocalChain]
LEGACY, STATELESS = ERAS
CROWD = 100
FORGED = {"expires_s": 2**31, "nonce": "00" * 16, "signature": "0x" + "11" * 65}


def prepared(chain: LocalChain, approval_above_wei: int) -> Path:
    state = chain.manifest_path.parent
    (state / "ketch.toml").write_text(
        SETTINGS.format(approval_above_wei).replace("trading = true", "trading = true\nask_s = 1")
    )
    return state


def says(action: str) -> Any:
    """Make a client that answers every question so; "nothing": never."""

    async def callback(context: Any, params: Any) -> ElicitResult:
        if action == "nothing":
            await anyio.sleep_forever()
        return ElicitResult(action=action, content={})  # type: ignore[arg-type]

    return callback


@asynccontextmanager
async def doors(state: Path) -> AsyncGenerator[Callable[..., Client]]:
    """Make clients over HTTP that share a pool of connections, and nothing else."""
    await until(lambda: run_sync((state / FILE).exists))
    door = json.loads((state / FILE).read_text())
    limits = httpx2.Limits(max_connections=2 * CROWD)
    headers = {"authorization": f"Bearer {door['token']}"}
    async with httpx2.AsyncClient(headers=headers, timeout=120, limits=limits) as http:

        def client(era: str, **given: Any) -> Client:
            return Client(streamable_http_client(door["url"], http_client=http), mode=era, **given)

        yield client


def test_no_answer_of_any_client_lets_a_trade_through_and_every_no_gives_it_up(own_chain: Chains) -> None:
    chain = own_chain(42161)
    state = prepared(chain, 1)

    async def spent(client: Client, cycle: dict[str, Any], key: str) -> dict[str, Any]:
        simulated = answered(await client.call_tool("simulate_trade", cycle))
        assert simulated["passes"], simulated["refusal"]
        spend = {"ticket": simulated["ticket"]["id"], "idempotency_key": key}
        return answered(await client.call_tool("execute_trade", spend))

    async def says_so(connect: Callable[[Any], Client], cycle: dict[str, Any], action: str, key: str) -> None:
        async with connect(says(action)) as client:
            told = await spent(client, cycle, key)
        if action == "accept":
            assert told["status"] == "waiting", told
        else:
            assert (told["status"], told["rule"]) == ("refused", "declined by the client"), (action, told)

    async def run() -> None:
        async with agent(state) as client:
            cycle = await opened(client, chain)
            assert (await spent(client, cycle, "cannot-be-asked"))["status"] == "waiting"
        flags = ("--toolsets", "all")
        async with doors(state) as over_http:
            for action in ("accept", "decline", "cancel", "nothing"):
                for era in ERAS:
                    if (era, action) != (STATELESS, "nothing"):  # who never comes back has done nothing
                        key = f"http-{era}-{action}"
                        await says_so(
                            lambda does, era=era: over_http(era, elicitation_callback=does), cycle, action, key
                        )
            for era, action in ((LEGACY, "nothing"), (STATELESS, "accept")):
                await says_so(
                    lambda does, era=era: Client(stdio(state, *flags), mode=era, elicitation_callback=does),
                    cycle,
                    action,
                    f"stdio-{action}",
                )
        operator = state / SOCKET_NAME
        assert len((await run_sync(call, operator, "approvals"))["approvals"]) == 4
        assert (await run_sync(call, operator, "all_trades"))["trades"] == []

    with engine(chain):
        anyio.run(run)


def test_a_hundred_clients_at_once_are_answered_in_the_one_form(own_chain: Chains) -> None:
    chain = own_chain(42161)
    state = prepared(chain, 10**24)

    async def one(client: Client, names: set[str], n: int) -> None:
        async with client:
            names.add(answered(await client.call_tool("engine_status", {}))["you"]["principal"])
            assert refused(await client.call_tool("scan_now", {"limit": -n}))["code"] == "invalid_arguments"
            spend = {"ticket": "x" * 32, "idempotency_key": f"k{n}"}
            assert answered(await client.call_tool("execute_trade", spend))["rule"] == "ticket"

    async def run() -> None:
        names: set[str] = set()
        async with doors(state) as over_http, anyio.create_task_group() as crowd:
            for n in range(1, CROWD + 1):
                crowd.start_soon(one, over_http(LEGACY), names, n)
        assert len(names) == CROWD

    with engine(chain):
        anyio.run(run)


def test_a_shell_under_the_same_user_stops_trading_and_starts_nothing(own_chain: Chains) -> None:
    chain = own_chain(42161)
    state = prepared(chain, 1)
    socket = state / SOCKET_NAME

    def every_signature_is_refused() -> None:
        resume = call(socket, "resume_challenge")
        for method, params in (
            ("resume", {"policy_hash": resume["policy_hash"], **FORGED}),
            ("policy_apply", {"previous": "0x" + "00" * 32, "hash": "0x" + "00" * 32, **FORGED}),
        ):
            with pytest.raises(ControlError):
                call(socket, method, params)

    async def first_run() -> str:
        async with agent(state) as client:
            cycle = await opened(client, chain)
            ticket = answered(await client.call_tool("simulate_trade", cycle))["ticket"]["id"]
            spend = {"ticket": ticket, "idempotency_key": "k"}
            waiting = answered(await client.call_tool("execute_trade", spend))
            assert waiting["status"] == "waiting"
            remote = Remote(socket)
            try:
                for acting in ({"resume": "x" * 43, "role": "operator"}, {"resume": "short"}, {"name": "a" * 65}):
                    with pytest.raises(ControlError):
                        await remote.ask("engine_status", {}, acting)
                stolen = await remote.ask("execute_trade", {**spend, "ticket": "y" * 32})
                assert stolen["rule"] == "ticket"
                with pytest.raises(ControlError, match="not for the role trader"):
                    await remote.ask("approve", {"approval": waiting["approval"], **FORGED})
            finally:
                await remote.aclose()
            return waiting["approval"]

    async def edits_the_settings_between_simulating_and_executing() -> None:
        settings = state / "ketch.toml"
        before = settings.read_text()
        async with agent(state) as client:
            cycle = await opened(client, chain)
            ticket = answered(await client.call_tool("simulate_trade", cycle))["ticket"]["id"]
            settings.write_text(before.replace("approval_above_wei = 1", f"approval_above_wei = {10**30}"))
            loosened = await run_sync(call, socket, "policy_reload")
            assert loosened["taken"] == [] and loosened["waiting"], "what loosens waits for the signature"
            settings.write_text(before + "max_open_intents = 1\n")
            assert (await run_sync(call, socket, "policy_reload"))["taken"], "what tightens is taken"
            spend = {"ticket": ticket, "idempotency_key": "edited"}
            assert answered(await client.call_tool("execute_trade", spend))["rule"] == "policy changed"
        settings.write_text(before)

    with engine(chain) as process:
        anyio.run(edits_the_settings_between_simulating_and_executing)
        approval = anyio.run(first_run)
        with pytest.raises(ControlError):
            call(socket, "approve", {"approval": approval, **FORGED})
        every_signature_is_refused()
        assert call(socket, "halt", {"reason": "a shell"})["state"] == "HALTED"
        (state / HALT_FILE).unlink()
        assert call(socket, "engine_mode")["state"] == "HALTED"
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    prepared(chain, 10**30)  # loosen by editing the settings, then restart
    with engine(chain):
        mode = call(socket, "engine_mode")
        assert mode["state"] == "HALTED"
        assert call(socket, "limits")["a_trade"]["approval_above"]["wei"] == "1"
        every_signature_is_refused()
        assert call(socket, "all_trades")["trades"] == []
        assert (state / FILE).stat().st_mode & 0o077 == 0
