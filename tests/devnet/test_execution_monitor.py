"""What became of a submission is what the chain says: filled, reverted and why, replaced, and until then open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from engine.journal.trades import Trade
from engine.risk.halt import halt_reason
from engine.verify.verify import verify_state
from tests.conftest import LocalChain
from tests.engine_on_chain import EngineOnChain, as_operator, close_gap, engine_on, head_ref, open_gap

pytestmark = pytest.mark.node


@asynccontextmanager
async def submitted(chain: LocalChain, state: Path) -> AsyncIterator[tuple[EngineOnChain, Trade]]:
    """An engine with one trade in the mempool."""
    async with engine_on(chain, state) as engine:
        open_gap(chain)
        await engine.block()
        (trade,) = engine.trades()
        assert trade.status == "open"
        yield engine, trade


def assert_books(engine: EngineOnChain) -> None:
    report = verify_state(engine.state, engine.chain.node.rpc_url, at_block=engine.parts.loop.market.head.number)
    assert report.ok, report.findings


def held(engine: EngineOnChain) -> int:
    """Count the reservations that no outcome has released."""
    return engine.journal.db.execute("SELECT COUNT(*) FROM reservations WHERE held = 1").fetchone()[0]


def test_a_fill_is_written_down_with_its_profit_and_gas(chain: LocalChain, tmp_path: Path) -> None:
    async def check() -> None:
        async with submitted(chain, tmp_path) as (engine, trade):
            assert held(engine) == 1
            before = engine.balance(str(trade.token))
            await engine.block()
            (filled,) = engine.trades()
            receipt = chain.rpc.call("eth_getTransactionReceipt", filled.tx_hash)
            assert (filled.status, filled.block) == ("filled", int(receipt["blockNumber"], 16))
            assert filled.realised == engine.balance(str(trade.token)) - before > 0
            assert filled.gas_paid_wei == int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
            assert held(engine) == 0
            assert_books(engine)

    with chain.reverted():
        anyio.run(check)


def test_a_revert_is_written_down_with_the_contracts_reason_and_its_gas(chain: LocalChain, tmp_path: Path) -> None:
    async def check() -> None:
        async with submitted(chain, tmp_path) as (engine, _):
            close_gap(chain, usd=22_000)  # not all of it: what is left is under the floor, and no loss
            await engine.block()
            trade, *later = engine.trades()
            assert (trade.status, trade.reason, trade.realised) == ("reverted", "below floor", 0)
            receipt = chain.rpc.call("eth_getTransactionReceipt", trade.tx_hash)
            assert trade.gas_paid_wei == int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16) > 0
            assert engine.parts.loop.measured.reverted == 1
            assert held(engine) == len(later) == 0  # its tokens are checked before they are traded again
            query = "SELECT what, wei FROM spent WHERE what IN ('gas', 'loss') AND name = ''"
            spent = dict(engine.journal.db.execute(query).fetchall())
            assert spent == {"gas": str(trade.gas_paid_wei), "loss": str(trade.gas_paid_wei)}
            await engine.block()
            assert held(engine) == len(engine.trades()) - 1 == 1  # what is left of the gap, asked for anew
            assert_books(engine)

    with chain.reverted():
        anyio.run(check)


def test_a_nonce_used_by_another_is_named_and_halts_the_engine(chain: LocalChain, tmp_path: Path) -> None:
    async def check() -> None:
        async with submitted(chain, tmp_path) as (engine, trade):
            by = as_operator(engine, trade.nonce)
            await engine.block()
            assert engine.trades()[0].status == "replaced"
            (outcome,) = (e.body for e in engine.journal.entries("outcome"))
            assert (outcome["by"], outcome["block"]["hash"]) == (by, head_ref(chain).hash)
            assert engine.parts.commands.state == "HALTED"
            assert "somebody else holds the key" in str(halt_reason(tmp_path))
            assert held(engine) == 0
            assert engine.trades()[0].gas_paid_wei == 0
            report = verify_state(tmp_path, chain.node.rpc_url)
            assert [f.what for f in report.findings] == [  # a key that somebody else uses is a finding
                f"nonce {trade.nonce} was used by a transaction that the journal does not hold"
            ]

    with chain.reverted():
        anyio.run(check)


def test_a_transaction_that_the_node_drops_stays_open_and_is_sent_again_as_the_same_bytes(
    chain: LocalChain, tmp_path: Path
) -> None:
    async def check() -> None:
        async with submitted(chain, tmp_path) as (engine, trade):
            raw = chain.rpc.call("eth_getRawTransactionByHash", trade.tx_hash)
            chain.rpc.call("anvil_dropTransaction", trade.tx_hash)
            await engine.block()
            assert engine.trades()[0].status == "open"
            assert chain.rpc.call("eth_getRawTransactionByHash", trade.tx_hash) == raw
            await engine.block()
            assert [(t.tx_hash, t.status) for t in engine.trades()] == [(trade.tx_hash, "filled")]
            assert_books(engine)

    with chain.reverted():
        anyio.run(check)


def test_nothing_is_signed_on_pools_that_a_transaction_on_its_way_will_change(
    chain: LocalChain, tmp_path: Path
) -> None:
    async def check() -> None:
        async with submitted(chain, tmp_path) as (engine, trade):
            busy = {pool for pool, _, _ in trade.route}
            for _ in range(3):
                chain.rpc.call("anvil_dropTransaction", trade.tx_hash)
                await engine.block()
            later = engine.trades()[1:]
            assert not any({pool for pool, _, _ in t.route} & busy for t in later)

    with chain.reverted():
        anyio.run(check)


def test_a_node_that_answers_nothing_leaves_the_trade_open(
    chain: LocalChain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            call = engine.parts.endpoint.call

            async def no_sending(method: str, *params: object) -> object:
                if method == "eth_sendRawTransaction":
                    return await call("anvil_noSuchThing")
                return await call(method, *params)

            monkeypatch.setattr(engine.parts.endpoint, "call", no_sending)
            open_gap(chain)
            await engine.block()
            (unsent,) = engine.published("unsent")
            (trade,) = engine.trades()
            assert (unsent["id"], trade.status) == (trade.id, "open")
            assert len(engine.published("submitted")) == 1
            assert not engine.published("passed")
            monkeypatch.undo()
            await engine.desk.send_again(head_ref(chain), [trade.id])
            await engine.block()
            assert [t.status for t in engine.trades()] == ["filled"]

    with chain.reverted():
        anyio.run(check)
