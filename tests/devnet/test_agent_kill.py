"""kill -9 of a real engine between an agent's trade and its answer: one trade on chain, one answer for its key."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import anyio
import pytest
from anyio.to_thread import run_sync

from engine.control import SOCKET_NAME
from engine.domain.errors import ControlError
from engine.facade import Remote
from tests.conftest import LocalChain
from tests.market_moves import pool_of_kind, swap
from tests.mcp.test_session import SETTINGS, engine, mining
from tests.scenario.ketch_processes import clean_env, wait_for_engine

pytestmark = pytest.mark.node

Chains = Callable[[int], LocalChain]
DEADLINE_S = 60


async def caught_up(agent: Remote, number: int) -> None:
    with anyio.fail_after(DEADLINE_S):
        while (await agent.ask("engine_status", {}))["block"]["number"] < number:
            await anyio.sleep(0.02)


async def ticket(agent: Remote, chain: LocalChain) -> str:
    pool = pool_of_kind(chain, "constant_product")
    decimals = {t.address: t.decimals for t in chain.deployment.tokens}[pool.tokens[0]]
    await run_sync(lambda: swap(chain, pool, amount_in=5 * 10**decimals))
    await caught_up(agent, (await run_sync(chain.mine)).number)
    best = (await agent.ask("scan_now", {}))["cycles"][0]
    asked = {"hops": best["hops"], "amount_in": best["amount_in"]["raw"]}
    return (await agent.ask("simulate_trade", asked))["ticket"]["id"]


def test_a_killed_engine_answers_the_same_key_with_the_one_trade_that_it_had_sent(own_chain: Chains) -> None:
    chain = own_chain(42161)
    state = chain.manifest_path.parent
    (state / "ketch.toml").write_text(SETTINGS.format(10**24))
    agent = Remote(state / SOCKET_NAME)
    argv = [sys.executable, "-m", "tests.devnet.unanswering_engine", str(state)]
    spend: dict[str, Any] = {"idempotency_key": "key"}

    async def killed(process: subprocess.Popen[str]) -> dict[str, Any]:
        spend["ticket"] = await ticket(agent, chain)
        answers: list[ControlError] = []

        async def execute() -> None:
            with pytest.raises(ControlError) as refused:
                await agent.ask("execute_trade", spend)
            answers.append(refused.value)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(execute)
            assert process.stdout is not None
            while "unsaid" not in (line := await run_sync(process.stdout.readline)):
                assert line, "the engine ended before it traded"
            process.send_signal(signal.SIGKILL)
        assert answers[0].code == "not_running"
        return json.loads(line)["unsaid"]

    async def asked_again(unsaid: dict[str, Any]) -> None:
        await caught_up(agent, (await run_sync(lambda: chain.mine(2))).number)
        done = await agent.ask("execute_trade", spend)
        assert (done["status"], done["repeated"], done["tx_hash"]) == ("submitted", True, unsaid["tx_hash"])
        (trade,) = (await agent.ask("trades", {}))["trades"]
        assert (trade["tx_hash"], trade["status"]) == (unsaid["tx_hash"], "filled")
        receipt: Any = chain.rpc.call("eth_getTransactionReceipt", unsaid["tx_hash"])
        assert int(receipt["status"], 16) == 1
        sender: Any = chain.rpc.call("eth_getTransactionByHash", unsaid["tx_hash"])
        nonce: Any = chain.rpc.call("eth_getTransactionCount", sender["from"], "latest")
        assert int(nonce, 16) == int(sender["nonce"], 16) + 1
        assert await agent.ask("execute_trade", spend) == done
        await agent.aclose()

    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=clean_env()) as process:
        try:
            with mining(chain):
                wait_for_engine(state, process)
            unsaid = anyio.run(killed, process)
        finally:
            process.kill()
    assert unsaid["status"] == "submitted"
    with engine(chain):
        anyio.run(asked_again, unsaid)
