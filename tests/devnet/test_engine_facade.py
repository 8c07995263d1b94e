"""A whole engine as its clients see it: over the control socket while it runs, from the journal when it does not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.to_thread import run_sync

from engine.app import offline_status, offline_trades, run_engine
from engine.config import Settings
from engine.control import SOCKET_NAME
from engine.control_client import call
from engine.domain.errors import ControlError, JournalError
from engine.initialise import LOCAL_PASSPHRASE
from engine.journal.journal import JOURNAL_FILE, Journal
from engine.risk.halt import halt_reason
from engine.risk.operator import sign_resume
from engine.verify.verify import verify_state
from tests.conftest import LocalChain
from tests.engine_on_chain import balance_of, open_gap, prepare, settings_of, token_of
from tests.scenario.ketch_processes import ketch

pytestmark = pytest.mark.node

DEADLINE_S = 30.0
SHOWN_BY_STATUS = {"rpc", "chain_id", "executor", "treasury", "operator", "tokens", "state", "totals", "block", "pools"}
SHOWN_BY_TRADES = {"id", "tx_hash", "nonce", "block", "status", "realised", "gas_paid_wei"}


@dataclass(slots=True)
class Running:
    """An engine that runs beside the test; the test mines."""

    chain: LocalChain
    state: Path
    settings: Settings
    stop: anyio.Event
    events: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Ask over the control socket, as the command line does."""
        return await run_sync(lambda: call(self.state / SOCKET_NAME, method, params))

    async def mine_until(self, holds: Callable[[], bool]) -> None:
        """Mine blocks, each once the engine has taken the last, until it holds."""
        with anyio.fail_after(DEADLINE_S):
            while not holds():
                number = self.chain.mine().number
                while not holds() and not any(e["event"] == "block" and e["number"] == number for e in self.events):
                    await anyio.sleep(0.005)

    def seen(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == kind]

    async def fill(self, **gap: Any) -> None:
        """Open a gap and wait for a fill."""
        before = len(self.seen("trade"))
        open_gap(self.chain, **gap)
        await self.mine_until(lambda: len(self.seen("trade")) > before)

    def journal(self) -> Journal:
        return Journal.read(self.state / JOURNAL_FILE)


@asynccontextmanager
async def running(chain: LocalChain, state: Path, *, trades: int | None = None) -> AsyncIterator[Running]:
    """Run an engine; its summary is there when the context has ended."""
    settings = settings_of(chain, state)
    if not (state / JOURNAL_FILE).exists():
        await prepare(chain, state, settings)
    beside = Running(chain, state, settings, anyio.Event())

    async def run() -> None:
        beside.summary = await run_engine(
            settings,
            state=state,
            trades=trades,
            on_event=beside.events.append,
            stop=beside.stop,
            passphrase=lambda: LOCAL_PASSPHRASE,
        )

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        with anyio.fail_after(DEADLINE_S):
            while not beside.seen("started"):
                await anyio.sleep(0.005)
        yield beside
        beside.stop.set()


async def signed_resume(engine: Running, **changes: Any) -> dict[str, Any]:
    """Ask what to sign and sign it as the operator; `changes` forge the answer."""
    asked = await engine.ask("resume_challenge")
    signed = sign_resume(engine.state, LOCAL_PASSPHRASE, principal="", **asked)
    return {name: getattr(signed, name) for name in ("policy_hash", "expires_s", "nonce", "signature")} | changes


def test_status_and_trades_hold_what_a_stranger_needs(chain: LocalChain, tmp_path: Path) -> None:
    async def check() -> None:
        async with running(chain, tmp_path) as engine:
            await engine.fill()
            status = await engine.ask("status")
            assert set(status) >= SHOWN_BY_STATUS
            assert (status["rpc"], status["chain_id"]) == (chain.manifest.rpc, chain.manifest.chain_id)
            assert {"address", "decimals", "symbol"} <= set(status["tokens"][0])
            assert {(t["symbol"], t["decimals"]) for t in status["tokens"]} == {
                (t.symbol, t.decimals) for t in chain.deployment.tokens
            }
            (trade,) = (await engine.ask("all_trades"))["trades"][:1]
            assert set(trade) >= SHOWN_BY_TRADES
            assert isinstance(trade["realised"], str)
            assert isinstance(trade["gas_paid_wei"], str)
            assert (trade["status"], trade["nonce"]) == ("filled", 0)
            receipt = chain.rpc.call("eth_getTransactionReceipt", trade["tx_hash"])
            assert trade["block"] == int(receipt["blockNumber"], 16)
            assert status["totals"]["realised"] == {trade["token"]: trade["realised"]}
            assert (await engine.ask("venues"))["pools"] == status["pools"] == len(chain.deployment.pools)
            assert (await engine.ask("drift"))["ok"] is True

    with chain.reverted():
        anyio.run(check)


def test_what_is_said_without_an_engine_is_what_the_engine_said(chain: LocalChain, tmp_path: Path) -> None:
    async def check() -> None:
        async with running(chain, tmp_path) as engine:
            await engine.fill()
            status, trades = await engine.ask("status"), (await engine.ask("all_trades"))["trades"]
        offline = offline_status(tmp_path, status["rpc"])
        assert offline["running"] is False
        shared = (set(offline) & set(status)) - {"running", "journal_head"}
        assert shared >= SHOWN_BY_STATUS - {"block", "pools"}
        assert {name: offline[name] for name in shared} == {name: status[name] for name in shared}
        assert json.loads(json.dumps(offline_trades(tmp_path))) == trades

    with chain.reverted():
        anyio.run(check)


def test_ends_after_its_fills_with_books_that_add_up(chain: LocalChain, tmp_path: Path) -> None:
    async def check() -> None:
        async with running(chain, tmp_path, trades=2) as engine:
            await engine.fill()
            await engine.fill(deployment="sushi_v2", usd=40_000)
            with anyio.fail_after(DEADLINE_S):
                while not engine.seen("stopped"):
                    chain.mine()
                    await anyio.sleep(0.02)
        summary = engine.summary
        assert summary["filled"] == 2
        assert summary["realised"] == summary["onchain_delta"] != {}
        assert int(summary["net_profit_wei"]) > 0
        assert int(summary["available_profit_wei"]) > 0
        assert summary["detect_ms"]["p50"] > 0
        report = verify_state(tmp_path, chain.node.rpc_url)
        assert report.ok, report.findings
        assert {t: str(raw) for t, raw in report.onchain_delta.items() if raw} == summary["onchain_delta"]
        assert str(report.gas_paid_wei) == summary["gas_paid_wei"]

    with chain.reverted():
        anyio.run(check)


def test_a_sweeps_gas_is_in_the_net_profit_and_its_transfer_is_no_profit(chain: LocalChain, tmp_path: Path) -> None:
    weth = token_of(chain, "WETH")

    async def check() -> None:
        async with running(chain, tmp_path) as engine:
            await engine.fill()
            before = (await engine.ask("status"))["totals"]
            swept = await engine.ask("sweep", token=weth)
            fills = len(engine.seen("trade"))
            await engine.mine_until(lambda: len(engine.seen("trade")) > fills)
            after = (await engine.ask("status"))["totals"]
            assert balance_of(chain, weth, engine.journal().genesis["treasury"]) == int(swept["amount"])
        receipt = chain.rpc.call("eth_getTransactionReceipt", swept["tx_hash"])
        gas = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
        assert int(after["net_profit_wei"]) == int(before["net_profit_wei"]) - gas
        assert after["realised"] == before["realised"]
        assert engine.summary["realised"] == engine.summary["onchain_delta"]
        report = verify_state(tmp_path, chain.node.rpc_url)
        assert report.ok, report.findings

    with chain.reverted():
        anyio.run(check)


def test_only_the_operators_signature_resumes_and_only_once(chain: LocalChain, tmp_path: Path) -> None:
    async def check() -> None:
        async with running(chain, tmp_path) as engine:
            assert (await engine.ask("halt", reason="a test", reducing=False))["state"] == "HALTED"
            good = await signed_resume(engine)
            forged = {
                "another signature": {"signature": good["signature"][:-4] + "ffff"},
                "no signature": {"signature": "0x"},
                "another policy": {"policy_hash": "0x" + "00" * 32},
                "another time": {"expires_s": good["expires_s"] + 1},
                "another nonce": {"nonce": "00" * 16},
                "in the past": await signed_resume_until(engine, 1),
            }
            for what, changes in forged.items():
                with pytest.raises(ControlError):
                    await engine.ask("resume", **good | changes)
                assert (await engine.ask("status"))["state"] == "HALTED", what
                assert halt_reason(tmp_path) is not None, what
            assert (await engine.ask("resume", **good))["state"] == "ACTIVE"
            assert halt_reason(tmp_path) is None
            await engine.fill()
            await engine.ask("halt", reason="again", reducing=False)
            with pytest.raises(ControlError, match="used before"):
                await engine.ask("resume", **good)
            assert (await engine.ask("status"))["state"] == "HALTED"

    async def signed_resume_until(engine: Running, expires_s: int) -> dict[str, Any]:
        asked = await engine.ask("resume_challenge")
        signed = sign_resume(engine.state, LOCAL_PASSPHRASE, principal="", **asked | {"expires_s": expires_s})
        return {name: getattr(signed, name) for name in ("policy_hash", "expires_s", "nonce", "signature")}

    with chain.reverted():
        anyio.run(check)


def test_a_halt_survives_the_engine(chain: LocalChain, tmp_path: Path) -> None:
    async def check() -> None:
        async with running(chain, tmp_path) as engine:
            await engine.ask("halt", reason="for good", reducing=False)
        assert offline_status(tmp_path)["state"] == "HALTED"
        async with running(chain, tmp_path) as engine:
            open_gap(chain)
            number = chain.mine(3).number
            await engine.mine_until(lambda: any(e["number"] > number for e in engine.seen("block")))
            assert engine.seen("submitted") == []

    with chain.reverted():
        anyio.run(check)


def test_a_second_engine_does_not_start_on_the_same_folder(chain: LocalChain, tmp_path: Path) -> None:
    async def check() -> None:
        async with running(chain, tmp_path) as engine:
            with pytest.raises(JournalError, match="owned by another engine"):
                await run_engine(
                    engine.settings,
                    state=tmp_path,
                    trades=None,
                    on_event=lambda event: None,
                    stop=anyio.Event(),
                    passphrase=lambda: "",
                )
            assert (await engine.ask("status"))["running"] is True

    with chain.reverted():
        anyio.run(check)


def test_verify_is_true_after_a_run_and_names_the_row_after_one_byte_was_changed(
    chain: LocalChain, tmp_path: Path
) -> None:
    async def run() -> None:
        async with running(chain, tmp_path) as engine:
            await engine.fill()

    with chain.reverted():
        anyio.run(run)
        verdict = ketch("verify", "--state", tmp_path, "--json")
        assert (verdict.returncode, verdict.stderr) == (0, "")
        file = tmp_path / JOURNAL_FILE
        whole = file.read_bytes()
        with Journal.read(file) as journal:
            (outcome,) = journal.entries("outcome")
        at = whole.index(b'"gas_paid_wei":"' + outcome.body["gas_paid_wei"].encode()) + len(b'"gas_paid_wei":"')
        file.write_bytes(whole[:at] + (b"8" if whole[at : at + 1] == b"9" else b"9") + whole[at + 1 :])
        verdict = ketch("verify", "--state", tmp_path, "--json")
        assert verdict.returncode == 1
        assert f"row {outcome.seq}" in verdict.stderr
        file.write_bytes(whole)
        assert ketch("verify", "--state", tmp_path, "--json").returncode == 0
        nowhere = ketch("verify", "--state", tmp_path, "--rpc", "http://127.0.0.1:9", "--json")
        assert nowhere.returncode == 1
        assert "chain not reached" in nowhere.stderr
        assert "Traceback" not in nowhere.stderr
