"""Each thing that can happen to a nonce, by name, on a real chain and to a whole engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from engine.domain.commands import Halt
from engine.risk.halt import halt_reason
from engine.verify.verify import verify_state
from tests.conftest import LocalChain
from tests.engine_on_chain import GENEROUS, EngineOnChain, as_operator, engine_on, open_gap

pytestmark = pytest.mark.node

LOW_BID = GENEROUS.model_copy(update={"bid_share_ppm": 0})
HIGH_BID = GENEROUS.model_copy(update={"bid_share_ppm": 500_000})


def kinds(engine: EngineOnChain) -> list[str]:
    """List the attempts in the order of signing."""
    return [entry.body["kind"] for entry in engine.journal.entries("attempt")]


def assert_books(engine: EngineOnChain) -> None:
    report = verify_state(engine.state, engine.chain.node.rpc_url, at_block=engine.parts.loop.market.head.number)
    assert report.ok, report.findings


async def dear_block(engine: EngineOnChain) -> None:
    """Mine a block whose base fee is just above what was signed first, and let the engine take it."""
    rpc, intent = engine.chain.rpc, next(engine.journal.entries("intent"))
    rpc.call("anvil_setNextBlockBaseFeePerGas", hex(int(intent.body["max_fee_wei"]) + 1))
    rpc.call("evm_mine")
    await engine.catch_up()


def test_what_the_base_fee_leaves_behind_is_raised_and_filled_once(
    own_chain: Callable[[], LocalChain], tmp_path: Path
) -> None:
    chain = own_chain()

    async def check() -> None:
        async with engine_on(chain, tmp_path, risk=LOW_BID) as engine:
            open_gap(chain)
            await engine.block()
            (trade,) = engine.trades()
            await dear_block(engine)
            assert kinds(engine) == ["bump"]
            (raised,) = engine.journal.entries("raise")
            held = engine.journal.rows("SELECT worst_wei FROM reservations WHERE held = 1")
            assert held == [(raised.body["worst_wei"],)]
            await dear_block(engine)
            (filled,) = engine.trades()
            assert (filled.status, filled.nonce) == ("filled", trade.nonce)
            assert filled.tx_hash != trade.tx_hash
            assert_books(engine)

    anyio.run(check)


def test_what_is_not_worth_the_new_base_fee_is_cancelled(own_chain: Callable[[], LocalChain], tmp_path: Path) -> None:
    chain = own_chain()

    async def check() -> None:
        async with engine_on(chain, tmp_path, risk=HIGH_BID) as engine:
            open_gap(chain)
            await engine.block()
            await dear_block(engine)
            assert kinds(engine) == ["cancel"]
            await dear_block(engine)
            assert [t.status for t in engine.trades()] == ["cancelled"]
            assert_books(engine)

    anyio.run(check)


def test_halting_with_cancel_takes_the_nonce_of_what_is_open(chain: LocalChain, tmp_path: Path) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            open_gap(chain)
            await engine.block()
            loop = engine.parts.loop
            halt = Halt(principal="test", reason="stop it all", cancel_open=True)
            answer = await engine.parts.commands.take(halt, engine.desk, loop.market.head, loop.view)
            assert (answer["state"], answer["cancelling"], answer["not_cancelled"]) == ("HALTED", 1, {})
            await engine.block()
            (trade,) = engine.trades()
            assert (trade.status, trade.realised) == ("cancelled", 0)
            receipt = chain.rpc.call("eth_getTransactionReceipt", trade.tx_hash)
            assert (int(receipt["gasUsed"], 16), receipt["to"], receipt["logs"]) == (21_000, engine.operator, [])
            assert trade.gas_paid_wei == 21_000 * int(receipt["effectiveGasPrice"], 16)
            assert engine.parts.ledger.held() == []
            assert_books(engine)

    with chain.reverted():
        anyio.run(check)


def test_a_cancel_that_a_reorg_takes_back_is_open_again_and_ends_again(
    own_chain: Callable[[], LocalChain], tmp_path: Path
) -> None:
    chain = own_chain()

    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            open_gap(chain)
            await engine.block()
            loop = engine.parts.loop
            halt = Halt(principal="test", reason="stop it all", cancel_open=True)
            await engine.parts.commands.take(halt, engine.desk, loop.market.head, loop.view)
            await engine.block()
            chain.rpc.call("anvil_reorg", 1, [])
            await engine.catch_up()
            assert [t.status for t in engine.trades()] == ["open"]
            await engine.block()
            assert [t.status for t in engine.trades()] == ["cancelled"]
            assert kinds(engine) == ["cancel"]
            assert_books(engine)

    anyio.run(check)


def test_a_second_owner_of_the_key_halts_the_engine_and_the_next_nonce_follows_the_chain(
    chain: LocalChain, tmp_path: Path
) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            as_operator(engine, engine.desk.next_nonce)
            before = engine.desk.next_nonce
            await engine.block()
            assert engine.desk.next_nonce == before + 1
            assert engine.parts.commands.state == "HALTED"
            (outside,) = engine.journal.entries("outside")
            assert outside.body["first_nonce"] == str(before)

    with chain.reverted():
        anyio.run(check)


def test_a_state_folder_that_was_rolled_back_halts_at_its_start(chain: LocalChain, tmp_path: Path) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            nonce = engine.desk.next_nonce
            as_operator(engine, nonce)  # as a later life of this folder would have
        chain.mine()
        async with engine_on(chain, tmp_path) as engine:
            assert "the chain holds transactions of the hot key that this journal does not" in str(
                halt_reason(tmp_path)
            )
            assert engine.parts.commands.state == "HALTED"
            assert engine.desk.next_nonce == nonce + 1
        async with engine_on(chain, tmp_path) as engine:
            assert len(list(engine.journal.entries("outside"))) == 1  # known by now

    with chain.reverted():
        anyio.run(check)


def test_a_replacement_that_a_reorg_takes_back_opens_ours_again(
    own_chain: Callable[[], LocalChain], tmp_path: Path
) -> None:
    chain = own_chain()

    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            open_gap(chain)
            await engine.block()
            (trade,) = engine.trades()
            as_operator(engine, trade.nonce)
            await engine.block()
            assert [t.status for t in engine.trades()] == ["replaced"]
            chain.rpc.call("anvil_reorg", 1, [])
            await engine.catch_up()
            assert [t.status for t in engine.trades()] == ["open"]
            await engine.block()
            assert [(t.tx_hash, t.status) for t in engine.trades()] == [(trade.tx_hash, "filled")]

    anyio.run(check)


def test_a_receipt_that_the_node_hides_for_a_while_ends_nothing(
    chain: LocalChain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            open_gap(chain)
            await engine.block()
            batch = engine.parts.endpoint.batch

            async def hides(requests: list[tuple[str, tuple[object, ...]]]) -> list[object]:
                answers = await batch(requests)
                hidden = [method == "eth_getTransactionReceipt" for method, _ in requests]
                return [None if gone else answer for gone, answer in zip(hidden, answers, strict=True)]

            monkeypatch.setattr(engine.parts.endpoint, "batch", hides)
            await engine.block(3)
            assert engine.trades()[0].status == "open"  # its nonce is used, and by our own bytes
            monkeypatch.undo()
            await engine.block()
            assert engine.trades()[0].status == "filled"
            assert halt_reason(tmp_path) is None

    with chain.reverted():
        anyio.run(check)
