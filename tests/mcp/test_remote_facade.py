"""The facade over the control socket: one name for all connections, restarts, cancellation, refusals."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from engine.control import SOCKET_NAME, Feed, Handle, serve
from engine.domain.errors import ControlError
from engine.facade import InProcess, NotRunning, Remote
from engine.principals import Principal, named


async def answer(method: str, params: dict[str, Any], principal: Principal) -> dict[str, Any]:
    match method:
        case "slow":
            await anyio.sleep(params["s"])
            return {"slow": True}
        case "refuse":
            raise ControlError("over the limit", measured=3, limit=2, next_step="ask for less", code="limit", example=1)
        case _:
            return {"method": method, "params": params, "principal": principal.id}


def attach(params: dict[str, Any], *, once: bool = False) -> tuple[Principal, dict[str, Any]]:
    principal, token = named(may_trade=params.get("role") != "observer", resume=params.get("resume"))
    return principal, {"principal": principal.id, "role": principal.role, "resume": token}


@asynccontextmanager
async def daemon(
    state: Path, feed: Feed | None = None, answering: Handle = answer
) -> AsyncGenerator[anyio.CancelScope]:
    async with anyio.create_task_group() as tasks:
        await tasks.start(serve, state / SOCKET_NAME, answering, feed or Feed(), attach)
        yield tasks.cancel_scope
        tasks.cancel_scope.cancel()


def test_all_connections_of_a_client_carry_one_name_and_each_client_its_own(tmp_path: Path) -> None:
    async def run() -> None:
        names: set[str] = set()

        async def ask(remote: Remote) -> None:
            names.add((await remote.ask("who", {}))["principal"])

        async with daemon(tmp_path):
            for _ in range(2):
                remote = Remote(tmp_path / SOCKET_NAME, connections=4)
                async with anyio.create_task_group() as tasks:
                    for _ in range(20):
                        tasks.start_soon(ask, remote)
                assert await remote.role() == "trader"
                await remote.aclose()
        assert len(names) == 2

    anyio.run(run)


def test_a_hundred_clients_at_once_are_a_hundred_names_and_all_are_answered(tmp_path: Path) -> None:
    async def run() -> None:
        names: list[str] = []

        async def client() -> None:
            remote = Remote(tmp_path / SOCKET_NAME)
            for n in range(10):
                told = await remote.ask("echo", {"n": n})
                assert told["params"] == {"n": n}
            names.append(told["principal"])
            assert remote.principal == told["principal"]
            together.release()
            await everybody.wait()
            await remote.aclose()

        together, everybody = anyio.Semaphore(0), anyio.Event()
        async with daemon(tmp_path), anyio.create_task_group() as tasks:
            for _ in range(100):
                tasks.start_soon(client)
            for _ in range(100):
                await together.acquire()
            everybody.set()
        assert len(set(names)) == 100

    anyio.run(run)


def test_an_engine_that_restarts_is_found_again_under_the_same_name(tmp_path: Path) -> None:
    async def run() -> None:
        remote = Remote(tmp_path / SOCKET_NAME)
        async with daemon(tmp_path):
            before = await remote.ask("who", {})
        with pytest.raises(NotRunning) as refused:
            await remote.ask("who", {})
        assert (refused.value.code, refused.value.next_step) == ("not_running", f"ketch up --state {tmp_path}")
        async with daemon(tmp_path):
            assert await remote.ask("who", {}) == before
            await remote.aclose()

    anyio.run(run)


def test_a_cancelled_question_never_answers_the_next_one(tmp_path: Path) -> None:
    async def run() -> None:
        remote = Remote(tmp_path / SOCKET_NAME)
        async with daemon(tmp_path):
            with anyio.move_on_after(0.05):
                await remote.ask("slow", {"s": 0.2})
            for n in range(5):
                assert (await remote.ask("echo", {"n": n}))["params"] == {"n": n}
            await remote.aclose()

    anyio.run(run)


def test_a_refusal_keeps_code_cause_next_step_and_example(tmp_path: Path) -> None:
    async def run() -> None:
        remote = Remote(tmp_path / SOCKET_NAME)
        async with daemon(tmp_path):
            with pytest.raises(ControlError) as refused:
                await remote.ask("refuse", {})
            error = refused.value
            said = (error.code, error.cause(), error.next_step, error.example)
            assert said == ("limit", "over the limit, measured 3, limit 2", "ask for less", 1)
            assert (await remote.ask("echo", {}))["method"] == "echo"
            await remote.aclose()

    anyio.run(run)


def test_events_are_followed_until_the_engine_ends(tmp_path: Path) -> None:
    async def run() -> None:
        feed, heard = Feed(), []
        remote = Remote(tmp_path / SOCKET_NAME)
        async with daemon(tmp_path, feed) as scope, remote.events() as events:
            feed.publish({"event": "block"})
            async for event in events:
                heard.append(event)
                scope.cancel()
        assert heard == [{"event": "block"}]

    anyio.run(run)


def test_an_engine_in_this_process_is_asked_directly() -> None:
    async def run() -> None:
        feed = Feed()

        async def handle(method: str, params: dict[str, Any]) -> dict[str, Any]:
            return {"method": method, **params}

        facade = InProcess(handle, "trader", feed.follow)
        assert (await facade.ask("echo", {"a": 1}), await facade.role()) == ({"method": "echo", "a": 1}, "trader")
        async with facade.events() as events:
            feed.publish({"event": "block"})
            assert await anext(events) == {"event": "block"}  # type: ignore[arg-type]

    anyio.run(run)
