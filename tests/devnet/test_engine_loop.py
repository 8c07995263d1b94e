"""The loop on a real chain, block by block: when it trades, with whose capital, and what makes it stop."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from engine.chains.endpoints import RpcError
from engine.domain.commands import Halt, Sweep
from engine.domain.errors import ControlError
from engine.domain.units import Address
from engine.initialise import LOCAL_PASSPHRASE
from engine.principals import Principal
from engine.risk.halt import HALT_FILE
from engine.risk.operator import sign_resume
from engine.verify.verify import verify_state
from tests.conftest import LocalChain
from tests.engine_on_chain import (
    GENEROUS,
    EngineOnChain,
    balance_of,
    close_gap,
    engine_on,
    open_gap,
    pool_between,
    token_of,
)
from tests.market_moves import swap

pytestmark = pytest.mark.node


def assert_books(engine: EngineOnChain) -> None:
    report = verify_state(engine.state, engine.chain.node.rpc_url, at_block=engine.parts.loop.market.head.number)
    assert report.ok, report.findings


async def command(engine: EngineOnChain, given: Halt | Sweep) -> dict[str, object]:
    return await engine.parts.commands.take(given, engine.desk, engine.parts.loop.market.head, engine.parts.loop.view)


def open_small_gap(chain: LocalChain) -> None:
    """Sell some LINK where it is thin: a gap that the 0.2 WETH of a local engine can take whole."""
    pool = pool_between(chain, "sushi_v2", "USDT", "LINK")
    link = token_of(chain, "LINK")
    swap(chain, pool, amount_in=40 * 10**18, forward=pool.tokens[0] == link, trader=3)


def test_reducing_trades_with_borrowed_capital_only(chain: LocalChain, tmp_path: Path) -> None:
    async def capital_of_trade(state: Path, *, reducing: bool) -> str | None:
        async with engine_on(chain, state) as engine:
            if reducing:
                answer = await command(engine, Halt(principal="test", reason="careful", reducing=True))
                assert answer == {"state": "REDUCING"}
            open_small_gap(chain)
            await engine.block(2)
            trade = engine.trades()[0]
            assert trade.status == "filled"
            assert_books(engine)
            return trade.capital

    for reducing in (False, True):
        state = tmp_path / str(reducing)
        state.mkdir()
        with chain.reverted():
            capital = anyio.run(lambda state=state, reducing=reducing: capital_of_trade(state, reducing=reducing))
        assert (capital == "own") is not reducing, capital


def test_a_halt_file_of_another_process_stops_signing_at_the_next_block(chain: LocalChain, tmp_path: Path) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            open_gap(chain)
            await engine.block(2)
            assert engine.parts.loop.measured.filled == 1
            before = len(engine.trades())
            write = f"import pathlib; pathlib.Path({str(tmp_path / HALT_FILE)!r}).write_text('anything')"
            subprocess.run([sys.executable, "-c", write], check=True)
            open_gap(chain, deployment="sushi_v2", usd=40_000)
            await engine.block(2)
            assert len(engine.trades()) == before
            assert engine.parts.commands.state == "HALTED"
            (tmp_path / HALT_FILE).unlink()
            await engine.block(2)
            assert (len(engine.trades()), engine.parts.commands.state) == (before, "HALTED")  # the journal holds it
            here = engine.parts
            resume = sign_resume(
                tmp_path,
                LOCAL_PASSPHRASE,
                principal="",
                journal=next(here.journal.entries(limit=1)).hash,
                policy_hash=here.policy.policy.digest(),
                expires_s=here.loop.market.head.timestamp_s + 100,
                nonce="11" * 16,
            )
            await here.commands.take(resume, here.desk, here.loop.market.head, here.loop.view)
            await engine.block(2)
            assert len(engine.trades()) > before  # and the gap that stood was not forgotten
            assert_books(engine)

    with chain.reverted():
        anyio.run(check)


def test_a_halt_does_not_lose_what_is_on_its_way(chain: LocalChain, tmp_path: Path) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            open_gap(chain)
            await engine.block()
            assert (await command(engine, Halt(principal="test", reason="stop")))["state"] == "HALTED"
            await engine.block()
            assert [t.status for t in engine.trades()] == ["filled"]
            assert_books(engine)

    with chain.reverted():
        anyio.run(check)


def test_a_sweep_moves_the_executors_balance_to_the_treasury_even_when_halted(
    chain: LocalChain, tmp_path: Path
) -> None:
    weth = token_of(chain, "WETH")

    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            open_gap(chain)
            await engine.block(2)
            await command(engine, Halt(principal="test", reason="stop"))
            held, paid = engine.balance(weth), engine.balance(weth, engine.treasury)
            answer = await command(engine, Sweep(principal="test", token=weth))
            assert answer["amount"] == str(held)
            with pytest.raises(ControlError, match="on its way"):
                await command(engine, Sweep(principal="test", token=weth))
            await engine.block()
            assert (engine.balance(weth), engine.balance(weth, engine.treasury)) == (0, paid + held)
            sweep = engine.trades()[-1]
            assert (sweep.status, sweep.tx_hash, sweep.hops) == ("filled", answer["tx_hash"], 0)
            assert engine.parts.loop.measured.filled == 1  # a sweep is no trade
            with pytest.raises(ControlError, match="nothing to sweep"):
                await command(engine, Sweep(principal="test", token=weth))
            assert_books(engine)

    with chain.reverted():
        anyio.run(check)


def test_what_is_no_token_cannot_be_swept(chain: LocalChain, tmp_path: Path) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            for nonsense in ("0x" + "12" * 20, "0x1234", "", "hello", engine.operator):
                with pytest.raises((ControlError, RpcError)):
                    await command(engine, Sweep(principal="test", token=Address(nonsense)))
            assert engine.trades() == []

    with chain.reverted():
        anyio.run(check)


def test_funds_that_are_being_swept_fund_no_trade(chain: LocalChain, tmp_path: Path) -> None:
    weth = token_of(chain, "WETH")

    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            await command(engine, Sweep(principal="test", token=weth))
            open_small_gap(chain)
            chain.rpc.call("anvil_dropTransaction", engine.trades()[0].tx_hash)  # it waits a while
            await engine.block()
            trade = engine.trades()[1]
            assert trade.token == weth
            assert trade.capital != "own"
        async with engine_on(chain, tmp_path) as engine:  # a restart remembers
            assert {t.sweeps for t in engine.desk.open.values()} == {weth, None}

    with chain.reverted():
        anyio.run(check)


def test_no_more_is_open_than_the_policy_allows_and_a_gap_is_taken_when_there_is_room(
    chain: LocalChain, tmp_path: Path
) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path, risk=GENEROUS.model_copy(update={"max_open_intents": 1})) as engine:
            open_gap(chain)
            open_gap(chain, deployment="sushi_v2", usd=40_000, trader=2)
            await engine.block()
            assert len(engine.desk.open) == 1
            for _ in range(2):
                chain.rpc.call("anvil_dropTransaction", engine.trades()[0].tx_hash)
                await engine.block()
            assert len(engine.trades()) == 1
            assert not engine.published("refused")
            await engine.block(3)
            assert len(engine.trades()) >= 2
            assert {t.status for t in engine.trades()} == {"filled"}
            assert_books(engine)

    with chain.reverted():
        anyio.run(check)


def test_a_block_that_the_node_leaves_in_the_middle_of_it_is_passed_over(
    chain: LocalChain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            endpoint = engine.parts.endpoint
            call = endpoint.call

            async def leaves(method: str, *params: object) -> object:
                if method == "eth_simulateV1":
                    raise RpcError(method, -32001, "block not found", None)
                return await call(method, *params)

            open_gap(chain)
            with monkeypatch.context() as lying:
                lying.setattr(endpoint, "call", leaves)
                await engine.block()
            (passed,) = engine.published("passed")
            assert "block not found" in passed["why"]
            assert engine.trades() == []
            await engine.block(2)  # nothing has changed, but the gap was never decided on
            assert [t.status for t in engine.trades()] == ["filled"]

    with chain.reverted():
        anyio.run(check)


def test_a_decided_gap_is_not_decided_again_until_its_pools_change(chain: LocalChain, tmp_path: Path) -> None:
    async def check() -> None:
        strict = GENEROUS.model_copy(update={"max_notional_wei": 1})
        async with engine_on(chain, tmp_path, risk=strict) as engine:
            open_gap(chain)
            await engine.block()
            refused = engine.published("refused")
            assert "notional" in {event["rule"] for event in refused}
            await engine.block(3)
            assert engine.published("refused") == refused
            open_gap(chain, usd=5_000, trader=2)
            await engine.block()
            assert len(engine.published("refused")) > len(refused)
            assert engine.trades() == []

    with chain.reverted():
        anyio.run(check)


def test_drift_is_empty_while_it_trades(chain: LocalChain, tmp_path: Path) -> None:
    from engine.app import Engine

    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            send, _receive = anyio.create_memory_object_stream(1)
            with send, _receive:
                facade = Engine(engine.settings, tmp_path, engine.parts, send)
                for usd in (60_000, 30_000, 45_000):
                    open_gap(chain, usd=usd)
                    open_small_gap(chain)
                    await engine.block()
                    drift = await facade.handle("drift", {}, Principal(id="test", role="operator"))
                    assert (drift["ok"], drift["differences"]) == (True, [])
                    assert drift["pools"] == len(chain.deployment.pools)
            assert len(engine.trades()) >= 2

    with chain.reverted():
        anyio.run(check)


def test_every_event_can_be_said_in_json(chain: LocalChain, tmp_path: Path) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            open_gap(chain)
            await engine.block()
            close_gap(chain)
            await engine.block(2)
            said = json.loads(json.dumps(engine.events))
            assert said == engine.events
            assert {event["event"] for event in said} >= {"block", "submitted", "trade"}

    with chain.reverted():
        anyio.run(check)


def test_profit_that_is_counted_is_profit_that_lies_there(chain: LocalChain, tmp_path: Path) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            tokens = engine.settings.base_tokens
            before = {t: balance_of(chain, t, engine.executor) for t in tokens}
            for usd in (60_000, 25_000, 50_000, 35_000):
                open_gap(chain, usd=usd)
                open_small_gap(chain)
                await engine.block()
            while engine.desk.open:
                await engine.block()
            earned = dict.fromkeys(tokens, 0)
            for trade in engine.trades():
                assert trade.status == "filled"
                earned[Address(str(trade.token))] += trade.realised
            assert earned == {t: balance_of(chain, t, engine.executor) - before[t] for t in tokens}
            assert_books(engine)

    with chain.reverted():
        anyio.run(check)


def test_signs_nothing_that_the_hot_key_cannot_pay_for(chain: LocalChain, tmp_path: Path) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            chain.rpc.call("anvil_setBalance", engine.operator, hex(10**13))
        async with engine_on(chain, tmp_path) as engine:
            open_gap(chain)
            await engine.block()
            (refused,) = [e for e in engine.published("refused") if e["rule"] == "gas float"]
            assert f"{10**13} wei" in refused["measured"]
            assert (engine.trades(), engine.desk.next_nonce) == ([], 0)
            assert engine.journal.db.execute("SELECT held FROM reservations").fetchall() == [(0,)]
            with pytest.raises(ControlError, match="cannot pay for the sweep"):
                chain.rpc.call("anvil_setBalance", engine.operator, "0x1")
                chain.mine()
                await engine.catch_up()
                await command(engine, Sweep(principal="test", token=token_of(chain, "WETH")))
            chain.rpc.call("anvil_setBalance", engine.operator, hex(10**18))
            open_gap(chain, usd=5_000, trader=2)
            await engine.block(2)
            assert [t.status for t in engine.trades()] == ["filled"]
            assert_books(engine)

    with chain.reverted():
        anyio.run(check)
