"""An engine on a test's local chain, asked as its clients ask it; the chain mines only when told to."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
from anyio.to_thread import run_sync

from engine.app import Engine, _pump
from engine.compose import Composition, composed
from engine.config import load
from engine.devnet.mining import head, mine
from engine.domain.commands import Stop
from engine.domain.decision import Waiting
from engine.initialise import LOCAL_PASSPHRASE
from engine.journal.canonical import decode
from engine.principals import Principal
from engine.risk.approval import sign_approval
from tests.conftest import LocalChain
from tests.market_moves import pool_of_kind, swap
from tests.policy_signing import apply_waiting

AGENT = Principal(id="mcp-1", role="trader")
OTHER = Principal(id="mcp-2", role="trader")
OPERATOR = Principal(id="uid:0 pid:1", role="operator")
QUIET: dict[str, object] = {"profile": "devnet", "scan.floor_wei": 10**24, "agents.trading": True}
"""Settings under which the engine itself finds nothing worth trading, and agents may."""
DEADLINE_S = 20.0


@dataclass(slots=True)
class Asked:
    """A running engine and its chain."""

    engine: Engine
    composition: Composition
    chain: LocalChain

    async def ask(self, method: str, params: dict[str, Any] | None = None, by: Principal = AGENT) -> dict[str, Any]:
        return await self.engine.handle(method, params or {}, by)

    async def mine(self, blocks: int = 1) -> None:
        """Mine, and wait until the engine is done with the newest block."""
        await run_sync(self.chain.mine, blocks)
        await self.catch_up()

    async def later(self, seconds: int) -> None:
        """Mine one block that comes so much later."""
        rpc = self.chain.rpc
        timestamp_s = head(rpc).timestamp_s + seconds
        mine(rpc, base_fee_wei=self.chain.profile.base_fee_wei, timestamp_s=timestamp_s)
        await self.catch_up()

    async def catch_up(self) -> None:
        newest = head(self.chain.rpc).number
        with anyio.fail_after(DEADLINE_S):
            while self.composition.loop.market.head.number < newest:
                await anyio.sleep(0.01)
        await self.ask("strategy_propose", {"parameter": "scan.max_hops", "value": "3", "reason": "a way to wait"})

    async def cycle(self, share: int = 1) -> dict[str, Any]:
        """Open a gap and return the best cycle's parameters, as `simulate_trade` takes them."""
        pool = pool_of_kind(self.chain, "constant_product")
        decimals = {t.address: t.decimals for t in self.chain.deployment.tokens}[pool.tokens[0]]
        swap(self.chain, pool, amount_in=5 * 10**decimals // share)
        await self.mine()
        best = (await self.ask("scan_now"))["cycles"][0]
        return {"hops": best["hops"], "amount_in": best["amount_in"]["raw"]}

    async def ticket(self, params: dict[str, Any], by: Principal = AGENT) -> str:
        simulated = await self.ask("simulate_trade", params, by)
        assert simulated["passes"], simulated["refusal"]
        return simulated["ticket"]["id"]

    async def execute(self, ticket: str, key: str, by: Principal = AGENT) -> dict[str, Any]:
        return await self.ask("execute_trade", {"ticket": ticket, "idempotency_key": key}, by)

    async def signed(self, approval: str) -> dict[str, Any]:
        """Sign an approval as `ketch approve` does."""
        asked = await self.ask("approve_challenge", {"approval": approval}, OPERATOR)
        state = self.chain.manifest_path.parent
        approve = sign_approval(
            state,
            LOCAL_PASSPHRASE,
            decode(Waiting, asked["waiting"]),
            principal="cli",
            journal=asked["journal"],
            expires_s=asked["expires_s"],
            nonce=asked["nonce"],
        )
        return {
            "approval": approval,
            "expires_s": approve.expires_s,
            "nonce": approve.nonce,
            "signature": approve.signature,
        }


@asynccontextmanager
async def engine_on(chain: LocalChain, *, applied: bool = True, **changes: object) -> AsyncGenerator[Asked]:
    """Run an engine on the chain's state folder; `changes` are settings, `__` for the dot.

    Limits that are looser than the folder's are signed for by the operator, unless `applied` is off.
    """
    state = chain.manifest_path.parent
    given = QUIET | {name.replace("__", "."): value for name, value in changes.items()}
    settings = load(state, environ={}, given=given)
    async with anyio.create_task_group() as tasks:
        set_up, mined_out = anyio.Event(), anyio.Event()

        async def mine_meanwhile() -> None:
            while not set_up.is_set():
                await run_sync(chain.mine)
                await anyio.sleep(0.05)
            mined_out.set()

        tasks.start_soon(mine_meanwhile)
        send, receive = anyio.create_memory_object_stream[Any](1024)
        async with composed(
            settings, state=state, passphrase=str, publish=lambda _event: None, fills_wanted=None
        ) as composition:
            set_up.set()
            loosening = apply_waiting(composition.policy, state, composition.start.timestamp_s)
            if loosening is not None and applied:
                composition.policy.apply(loosening, composition.start)
            await mined_out.wait()  # one thread at a time mines and asks the chain
            engine = Engine(settings, state, composition, send)
            tasks.start_soon(composition.loop.run, receive)
            tasks.start_soon(_pump, composition, send)
            asked = Asked(engine, composition, chain)
            with anyio.fail_after(DEADLINE_S):
                while composition.loop._base_fee_wei is None:
                    await anyio.sleep(0.01)
            await asked.mine()
            with send, receive:
                yield asked
                await engine.command(Stop(reason="the test ended"))
                tasks.cancel_scope.cancel()
