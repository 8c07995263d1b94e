"""A start is a recovery: what the journal left open is found on the chain or sent again as the same bytes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from engine.journal.journal import JOURNAL_FILE, Journal
from engine.journal.records import open_submissions
from engine.settling import left_open, mined_lately
from engine.verify.verify import verify_state
from tests.conftest import LocalChain
from tests.engine_on_chain import (
    EngineOnChain,
    as_operator,
    close_gap,
    engine_on,
    head_ref,
    open_gap,
    prepare,
    settings_of,
)

pytestmark = pytest.mark.node

ROOT = Path(__file__).parents[2]


def outcomes(journal: Journal) -> list[str]:
    return [entry.body["type"] for entry in journal.entries("outcome")]


def intents(journal: Journal) -> list[tuple[str, str]]:
    return [(entry.body["nonce"], entry.body["raw_tx"]) for entry in journal.entries("intent")]


def assert_books(chain: LocalChain, state: Path) -> None:
    report = verify_state(state, chain.node.rpc_url)
    assert report.ok, report.findings


async def submit(engine: EngineOnChain) -> str:
    """Open a gap, let the engine answer to it, and name the transaction."""
    open_gap(engine.chain)
    await engine.block()
    (trade,) = engine.trades()
    assert trade.status == "open"
    return trade.tx_hash


def test_killed_between_commit_and_sending_it_sends_the_same_bytes_after_restart(
    own_chain: Callable[[], LocalChain], tmp_path: Path
) -> None:
    chain = own_chain()
    state = tmp_path / "state"
    state.mkdir()
    anyio.run(prepare, chain, state, settings_of(chain, state))
    argv = [sys.executable, "-m", "tests.devnet.crashing_engine", str(state)]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            said = [json.loads(process.stdout.readline())]
            while said[-1] != {"event": "started"}:
                said.append(json.loads(process.stdout.readline()))
            open_gap(chain)
            chain.mine()
            while "signed" not in said[-1]:
                said.append(json.loads(process.stdout.readline()))
        finally:
            process.kill()
    (tx_hash,) = said[-1]["signed"]
    assert chain.rpc.call("eth_getTransactionByHash", tx_hash) is None
    with Journal.read(state / JOURNAL_FILE) as journal:
        (left,) = open_submissions(journal)
        before = intents(journal)
    assert left.tx_hash == tx_hash

    async def recover() -> None:
        async with engine_on(chain, state) as engine:
            assert chain.rpc.call("eth_getRawTransactionByHash", tx_hash) == "0x" + left.raw_tx.hex()
            assert engine.desk.next_nonce == left.nonce + 1
            await engine.block()
            assert [(t.tx_hash, t.status) for t in engine.trades()] == [(tx_hash, "filled")]
            assert intents(engine.journal) == before  # nothing was signed again

    anyio.run(recover)
    assert_books(chain, state)


def test_what_is_sent_is_on_disk_already(chain: LocalChain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            call, written = engine.parts.endpoint.call, list[bool]()

            async def looks_first(method: str, *params: object) -> object:
                if method == "eth_sendRawTransaction":
                    with Journal.read(tmp_path / JOURNAL_FILE) as another:  # sees what is committed, and no more
                        written.append(params[0] in [raw for _, raw in intents(another)])
                return await call(method, *params)

            monkeypatch.setattr(engine.parts.endpoint, "call", looks_first)
            await submit(engine)
            assert written
            assert all(written)

    with chain.reverted():
        anyio.run(check)


def test_an_intent_whose_receipt_is_there_is_closed_at_the_start(chain: LocalChain, tmp_path: Path) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            await submit(engine)
        chain.mine()
        async with engine_on(chain, tmp_path) as engine:
            (trade,) = engine.trades()
            assert trade.status == "filled"
            assert engine.desk.open == {}
            assert engine.desk.next_nonce == trade.nonce + 1
            assert_books(chain, tmp_path)

    with chain.reverted():
        anyio.run(check)


def test_a_revert_and_a_replacement_are_closed_at_the_start_too(chain: LocalChain, tmp_path: Path) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            await submit(engine)
        close_gap(chain)
        chain.mine()
        async with engine_on(chain, tmp_path) as engine:
            assert [t.status for t in engine.trades()] == ["reverted"]
            open_gap(chain)
            await engine.block()
            first, second = engine.trades()
            assert (second.status, second.nonce) == ("open", first.nonce + 1)
            as_operator(engine, second.nonce)
        chain.mine()
        async with engine_on(chain, tmp_path) as engine:
            assert [t.status for t in engine.trades()] == ["reverted", "replaced"]
            assert engine.desk.next_nonce == second.nonce + 1

    with chain.reverted():
        anyio.run(check)


def test_the_next_nonce_never_comes_from_the_nodes_pending(chain: LocalChain, tmp_path: Path) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            as_operator(engine, 0)
            assert chain.rpc.call("eth_getTransactionCount", engine.operator, "pending") == "0x1"
        async with engine_on(chain, tmp_path) as engine:
            assert engine.desk.next_nonce == 0

    with chain.reverted():
        anyio.run(check)


def test_a_reorg_that_drops_a_fill_opens_it_again_and_it_settles_once_more(
    own_chain: Callable[[], LocalChain], tmp_path: Path
) -> None:
    chain = own_chain()

    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            tx_hash = await submit(engine)
            signed = intents(engine.journal)
            await engine.block()
            assert [t.status for t in engine.trades()] == ["filled"]
            chain.rpc.call("anvil_reorg", 1, [])
            await engine.catch_up()
            assert [t.status for t in engine.trades()] == ["open"]
            assert engine.parts.loop.measured.filled == 0
            assert engine.journal.db.execute("SELECT held FROM reservations").fetchall() == [(1,)]
            assert chain.rpc.call("eth_getTransactionByHash", tx_hash) is not None  # sent again at once
            await engine.block()
            (trade,) = engine.trades()
            assert (trade.tx_hash, trade.status) == (tx_hash, "filled")
            assert engine.parts.loop.measured.filled == 1
            assert outcomes(engine.journal) == ["Filled", "Reorged", "Filled"]
            assert [e.body["how"] for e in engine.journal.entries("release")] == ["filled", "reorged", "filled"]
            assert engine.journal.db.execute("SELECT wei FROM spent WHERE what = 'gas'").fetchall() == [
                (str(trade.gas_paid_wei),)
            ]
            assert intents(engine.journal) == signed
            assert engine.parts.loop.market.head.hash == head_ref(chain).hash
            assert_books(chain, tmp_path)

    anyio.run(check)


def test_a_reorg_while_it_was_down_is_found_at_the_start(own_chain: Callable[[], LocalChain], tmp_path: Path) -> None:
    chain = own_chain()

    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            tx_hash = await submit(engine)
            signed = intents(engine.journal)
            await engine.block()
            assert [t.status for t in engine.trades()] == ["filled"]
        chain.rpc.call("anvil_reorg", 1, [])
        async with engine_on(chain, tmp_path) as engine:
            assert [t.status for t in engine.trades()] == ["open"]
            assert outcomes(engine.journal) == ["Filled", "Reorged"]
            await engine.block()
            assert [(t.tx_hash, t.status) for t in engine.trades()] == [(tx_hash, "filled")]
            assert intents(engine.journal) == signed
            assert_books(chain, tmp_path)

    anyio.run(check)


def test_a_reorg_after_a_restart_reaches_what_was_filled_before_it(
    own_chain: Callable[[], LocalChain], tmp_path: Path
) -> None:
    chain = own_chain()

    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            await submit(engine)
            await engine.block()
        async with engine_on(chain, tmp_path) as engine:
            await engine.block()  # the new engine knows the last two blocks
            chain.rpc.call("anvil_reorg", 1, [])
            await engine.catch_up()
            assert [t.status for t in engine.trades()] == ["filled"]  # its block is still there
        async with engine_on(chain, tmp_path) as engine:
            await submit_next(engine)
            await engine.block()
            assert [t.status for t in engine.trades()] == ["filled", "filled"]
            chain.rpc.call("anvil_reorg", 1, [])
            await engine.catch_up()
            assert [t.status for t in engine.trades()] == ["filled", "open"]
            await engine.block()
            assert [t.status for t in engine.trades()] == ["filled", "filled"]
            assert_books(chain, tmp_path)

    async def submit_next(engine: EngineOnChain) -> None:
        open_gap(chain, deployment="sushi_v2", usd=40_000)
        await engine.block()
        assert len(engine.trades()) == 2

    anyio.run(check)


def test_what_a_start_rebuilds_is_what_the_running_desk_held(chain: LocalChain, tmp_path: Path) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            await submit(engine)
            assert {t.submission.intent_id: t for t in left_open(engine.journal)} == engine.desk.open
            (held,) = engine.desk.open.values()
            await engine.block()
            ((trade, outcome, block),) = mined_lately(engine.journal, engine.parts.loop.market.head)
            assert trade == held
            assert outcome.block == block == engine.parts.loop.market.head

    with chain.reverted():
        anyio.run(check)
