"""Who keeps the engine when the client that started it leaves: the next one does, and nobody keeps the operator's."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.to_thread import run_sync
from mcp import Client

from engine.journal.lock import LOCK_FILE
from server.mcp.succession import FILE, POLL_S
from tests.conftest import LocalChain
from tests.devnet.processes import eventually
from tests.mcp.clients import answered
from tests.mcp.test_http import INITIALIZE
from tests.mcp.test_session import SETTINGS, agent, engine, mining, until
from tests.scenario.ketch_processes import engine_runs, started

pytestmark = pytest.mark.node

Chains = Callable[[int], LocalChain]
START_S = 90


@pytest.fixture
def chain(own_chain: Chains) -> Iterator[LocalChain]:
    chain = own_chain(42161)
    (chain.manifest_path.parent / "ketch.toml").write_text(SETTINGS.format(10**24))
    yield chain
    assert eventually(lambda: not engine_runs(chain.manifest_path.parent))


def greeted(process: subprocess.Popen[str]) -> None:
    """Open a session, as a client does."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(json.dumps(INITIALIZE) + "\n")
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["result"]["serverInfo"]["name"] == "ketch"


async def status(client: Client) -> dict[str, Any]:
    return answered(await client.call_tool("engine_status", {}))


async def kept_by(state: Path, process: int) -> bool:
    """Tell whether the lock of the clients' engine names this process by now: it is written once the engine is up."""
    return int((state / FILE).read_text()) == process


async def runs_as(client: Client, state: Path, *, but: int = 0) -> int:
    """Wait until an engine runs that is another process than `but`; return its process."""

    async def there() -> bool:
        told = await client.call_tool("engine_status", {})
        if told.is_error:  # the engine ended while it was asked
            return False
        return answered(told)["running"] and int((state / LOCK_FILE).read_text()) != but

    await until(there, START_S)
    return int((state / LOCK_FILE).read_text())


@pytest.mark.parametrize("how", ["leaves", "is killed"])
def test_the_next_client_starts_an_engine_when_the_one_that_kept_it_is_gone(chain: LocalChain, how: str) -> None:
    state = chain.manifest_path.parent

    async def run(first: subprocess.Popen[str]) -> None:
        await until(lambda: run_sync(engine_runs, state), START_S)
        async with agent(state) as heir:
            kept = await runs_as(heir, state)
            await until(partial(kept_by, state, kept), START_S)
            me = (await status(heir))["you"]
            if how == "leaves":
                assert first.stdin is not None
                first.stdin.close()
                first.stdin = None
            else:
                first.send_signal(signal.SIGKILL)
            await run_sync(first.wait, 30)
            ours = await runs_as(heir, state, but=kept)
            await until(partial(kept_by, state, ours), START_S)
            assert (await status(heir))["you"] == me

    with mining(chain), started("mcp", "--state", state) as first:
        greeted(first)
        anyio.run(run, first)


def test_nobody_starts_an_engine_in_place_of_the_operators(chain: LocalChain) -> None:
    state = chain.manifest_path.parent

    async def run(operators: subprocess.Popen[str]) -> None:
        async with agent(state) as client, agent(state) as other:
            assert (await status(client))["running"] and (await status(other))["running"]
            operators.send_signal(signal.SIGTERM)
            await run_sync(operators.wait, 30)
            await anyio.sleep(3 * POLL_S)
            for each in (client, other):
                told = await status(each)
                assert (told["running"], told["why"]) == (False, "none was started")
                assert told["next_step"] == f"ketch up --state {state}"

    with engine(chain) as operators:
        anyio.run(run, operators)
