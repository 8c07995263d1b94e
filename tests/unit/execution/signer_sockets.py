"""A signer behind its socket, in a thread, and the engine's way of asking it."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio

from engine.domain.decision import Fees
from engine.domain.ports import Signs
from engine.execution.gas_day import CappedSigner, GasDay
from engine.execution.remote_signer import RemoteSigner
from engine.execution.signer_wire import (
    SIGNER_SOCKET_NAME,
)
from engine.signer_process import serve_signer
from tests.unit.execution.test_signer import (
    CHAIN,
    EXECUTOR,
    GAS_LIMIT,
    MAX_FEE_WEI,
    signer,
)

FEES = Fees(max_fee_wei=MAX_FEE_WEI, priority_fee_wei=1)
WORST_WEI = GAS_LIMIT * MAX_FEE_WEI
DAY_NS = 86_400 * 10**9
ADDRESS = signer().address


@contextmanager
def served(state: Path, holder: Signs, *, uid: int | None = None) -> Generator[Path]:
    """Run the signer's socket in a thread of its own."""
    path, ready, over = state / SIGNER_SOCKET_NAME, threading.Event(), threading.Event()

    async def run() -> None:
        async with anyio.create_task_group() as tasks:
            await tasks.start(lambda *, task_status: serve_signer(path, holder, uid=uid, task_status=task_status))
            ready.set()
            await anyio.to_thread.run_sync(over.wait)
            tasks.cancel_scope.cancel()

    thread = threading.Thread(target=anyio.run, args=(run,))
    thread.start()
    try:
        assert ready.wait(10)
        yield path
    finally:
        over.set()
        thread.join(10)


def capped(state: Path, *, limit_wei: int = 10**18, max_gas_wei: int = 10**16, now_ns: int = DAY_NS) -> CappedSigner:
    day = GasDay(state / "signer-gas.json", limit_wei=limit_wei, now_ns=lambda: now_ns)
    return CappedSigner(signer(), day=day, max_gas_wei=lambda: max_gas_wei)


def remote(path: Path, *, answer_within_s: float = 5.0, **changes: Any) -> RemoteSigner:
    named: dict[str, Any] = {"address": ADDRESS, "chain": CHAIN, "executor": EXECUTOR} | changes
    return RemoteSigner(path, answer_within_s=answer_within_s, **named)
