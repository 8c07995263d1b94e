"""A private trade is seen by its relay and the block that carries it; the public pool never has it, come what may."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import msgspec
import pytest
from eth_account import Account
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import desk as desk_module
from engine.devnet.relay import Relay, running_relay, signer_of
from engine.domain.errors import ConfigError
from engine.execution.keys import local_keys
from engine.execution.private import signature_header
from engine.verify.verify import verify_state
from tests.conftest import SEED, LocalChain, local_chain
from tests.devnet.recording_proxy import Recorded, recording
from tests.engine_on_chain import EngineOnChain, close_gap, engine_on, open_gap, settings_of

pytestmark = pytest.mark.node


@dataclass(frozen=True, slots=True, kw_only=True)
class Ethereum:
    """A local chain 1 with a relay, seen by the engine through a recording proxy."""

    chain: LocalChain
    relay: Relay
    public: Recorded

    def pooled(self) -> list[str]:
        """Name what everybody can see pending."""
        content = self.chain.rpc.call("txpool_content")
        return [t["hash"] for part in content.values() for queue in part.values() for t in queue.values()]

    def leaked(self, engine: EngineOnChain) -> list[str]:
        """Name the private trades that the public endpoint was given or the pool holds."""
        pooled = self.pooled()
        intents = [entry.body for entry in engine.journal.entries("intent")]
        return [
            body["intent_id"]
            for body in intents
            if body["door"] == "private"
            and (body["tx_hash"] in pooled or self.public.saw(bytes.fromhex(body["raw_tx"][2:])))
        ]


@pytest.fixture(scope="module")
def ethereum(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalChain]:
    yield from local_chain(1, tmp_path_factory.mktemp("ethereum"))


@asynccontextmanager
async def with_relay(chain: LocalChain) -> AsyncIterator[Ethereum]:
    with running_relay() as relay:
        async with recording(chain.node.ws_url) as public:
            manifest = msgspec.structs.replace(chain.manifest, ws=public.url, relay=relay.url)
            yield Ethereum(chain=replace(chain, manifest=manifest, relay=relay), relay=relay, public=public)


async def submit(engine: EngineOnChain) -> bytes:
    """Open a gap, let the engine answer to it, and return the bytes it signed."""
    open_gap(engine.chain)
    await engine.block()
    entry = engine.journal.last("intent")
    assert entry is not None, engine.events
    return bytes.fromhex(entry.body["raw_tx"][2:])


@pytest.mark.parametrize("mode", ["private_transaction", "bundle"])
def test_a_private_trade_fills_and_only_its_relay_saw_it_before_the_block(
    ethereum: LocalChain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    write_mode(tmp_path, mode)

    async def check() -> None:
        async with with_relay(ethereum) as here, engine_on(here.chain, tmp_path) as engine:
            raw = await submit(engine)
            (trade,) = engine.trades()
            assert trade.status == "open"
            assert trade.tx_hash not in here.pooled()
            assert ethereum.rpc.call("eth_getTransactionByHash", trade.tx_hash) is None
            assert any("0x" + raw.hex() in offer.raws for offer in here.relay.offers)
            await engine.block()
            assert [t.status for t in engine.trades()] == ["filled"]
            assert not here.public.saw(raw)
            (block,) = [ethereum.rpc.call("eth_getBlockByNumber", "latest", False)]
            assert block["transactions"][0] == trade.tx_hash  # the builder's own come first
            reputation = Account.from_key(local_keys(SEED).relay).address.lower()
            assert set(here.relay.signers) == {reputation} != {engine.operator}
            assert verify_state(tmp_path, ethereum.node.rpc_url).ok

    with ethereum.reverted():
        anyio.run(check)


def test_a_trade_that_would_revert_is_left_out_by_the_builder_and_pays_nothing(
    ethereum: LocalChain, tmp_path: Path
) -> None:
    async def check() -> None:
        async with with_relay(ethereum) as here, engine_on(here.chain, tmp_path) as engine:
            raw = await submit(engine)
            before = ethereum.rpc.call("eth_getBalance", engine.operator, "latest")
            here.relay.fault = "drop"
            close_gap(here.chain)  # what it would have earned is gone a block later
            await engine.block()
            here.relay.fault = None
            await engine.block(3)
            assert ethereum.rpc.call("eth_getBalance", engine.operator, "latest") == before
            assert engine.trades()[0].status == "open"
            assert not here.public.saw(raw)

    with ethereum.reverted():
        anyio.run(check)


@pytest.mark.parametrize(
    ("crash", "fault"),
    [
        ("before sending", "down"),
        ("before sending", "unset"),
        ("after sending", "refuse"),
        ("after sending", "hang"),
        ("after sending", "drop"),
    ],
)
def test_a_restart_never_sends_a_private_trade_to_everybody(
    ethereum: LocalChain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, crash: str
) -> None:
    class Crash(Exception):
        pass

    async def crashes(doors: object, submissions: Sequence[object], *_: object, **__: object) -> dict[str, str]:
        if submissions:
            raise Crash
        return {}

    async def check() -> None:
        async with with_relay(ethereum) as here:
            chain = here.chain
            if crash == "before sending":
                with pytest.raises(Crash):
                    async with engine_on(chain, tmp_path) as engine:
                        monkeypatch.setattr(desk_module, "send_all", crashes)
                        await submit(engine)
                monkeypatch.undo()
            else:
                async with engine_on(chain, tmp_path) as engine:
                    await submit(engine)
            if fault == "down":
                chain = replace(chain, manifest=msgspec.structs.replace(chain.manifest, relay="http://127.0.0.1:9"))
            elif fault == "unset":
                chain = replace(chain, manifest=msgspec.structs.replace(chain.manifest, relay=None))
            else:
                here.relay.fault = fault  # type: ignore[assignment]
            here.relay.offers.clear()
            monkeypatch.setattr("engine.execution.private._TIMEOUT_S", 0.2)
            async with engine_on(chain, tmp_path) as engine:
                first = engine.trades()[0]
                await engine.block(2)
                await engine.desk.send_again(engine.parts.loop.market.head, list(engine.desk.open))
                assert here.leaked(engine) == []
                assert engine.trades()[0].status == "open"
            here.relay.fault = None
            async with engine_on(here.chain, tmp_path) as engine:  # the relay is back: the very same bytes land
                await engine.block(2)
                assert {t.tx_hash: t.status for t in engine.trades()}[first.tx_hash] == "filled"
                assert here.leaked(engine) == []
            assert verify_state(tmp_path, ethereum.node.rpc_url).ok

    with ethereum.reverted():
        anyio.run(check)


@settings(max_examples=4, suppress_health_check=list(HealthCheck))
@given(
    steps=st.lists(
        st.sampled_from(["block", "gap", "restart", "reorg", "refuse", "drop", "well", "again"]),
        min_size=6,
        max_size=10,
    ),
    mode=st.sampled_from(["private_transaction", "bundle"]),
)
def test_whatever_happens_in_any_order_no_private_trade_reaches_the_pool(
    ethereum: LocalChain, tmp_path_factory: pytest.TempPathFactory, steps: list[str], mode: str
) -> None:
    state = tmp_path_factory.mktemp("state")
    write_mode(state, mode)

    async def run(here: Ethereum, left: list[str]) -> None:
        async with engine_on(here.chain, state) as engine:
            while left:
                match left.pop(0):
                    case "block":
                        await engine.block()
                    case "gap":
                        open_gap(here.chain)
                        await engine.block()
                    case "restart":
                        return
                    case "reorg":
                        await engine.block()
                        here.chain.rpc.call("anvil_reorg", 1, [])
                        await engine.catch_up()
                    case "again":
                        await engine.desk.send_again(engine.parts.loop.market.head, list(engine.desk.open))
                    case fault:
                        here.relay.fault = None if fault == "well" else fault  # type: ignore[assignment]
                assert here.leaked(engine) == []

    async def check() -> None:
        async with with_relay(ethereum) as here:
            left = ["gap", *steps]
            while left:
                await run(here, left)

    with ethereum.reverted():
        anyio.run(check)


def test_with_the_fallback_on_a_dead_relay_sends_to_everybody(ethereum: LocalChain, tmp_path: Path) -> None:
    (tmp_path / "ketch.toml").write_text("[submission]\nfall_back_to_public = true\n")

    async def check() -> None:
        async with with_relay(ethereum) as here, engine_on(here.chain, tmp_path) as engine:
            here.relay.fault = "refuse"
            raw = await submit(engine)
            (entry,) = engine.journal.entries("intent")
            assert entry.body["door"] == "private_then_public"
            assert here.public.saw(raw)
            await engine.block()
            assert [t.status for t in engine.trades()] == ["filled"]

    with ethereum.reverted():
        anyio.run(check)


@pytest.mark.parametrize(("mode", "requests_an_offer"), [("private_transaction", 1), ("bundle", 2)])
def test_a_trade_is_offered_anew_at_each_block_the_relay_loses_two_and_the_third_lands(
    ethereum: LocalChain, tmp_path: Path, mode: str, requests_an_offer: int
) -> None:
    write_mode(tmp_path, mode)

    async def check() -> None:
        async with with_relay(ethereum) as here, engine_on(here.chain, tmp_path) as engine:
            here.relay.losing = 2 * requests_an_offer
            raw = await submit(engine)
            for offered in (1, 2, 3):
                assert here.relay.seen["0x" + raw.hex()] == offered * requests_an_offer
                assert [trade.status for trade in engine.trades()] == ["open"]
                assert all(not held.attempts for held in engine.desk.open.values())  # the very same bytes
                await engine.block()
            assert [t.status for t in engine.trades()] == ["filled"]
            assert engine.published("unsent") == []
            assert here.leaked(engine) == []
            assert verify_state(tmp_path, ethereum.node.rpc_url).ok

    with ethereum.reverted():
        anyio.run(check)


def test_a_trade_that_no_block_took_is_offered_until_its_deadline_then_its_nonce_is_freed_for_the_next(
    ethereum: LocalChain, tmp_path: Path
) -> None:
    async def check() -> None:
        async with with_relay(ethereum) as here, engine_on(here.chain, tmp_path) as engine:
            here.relay.fault = "drop"
            await submit(engine)
            (intent,) = engine.journal.entries("intent")
            deadline_s = int(intent.body["deadline_s"])
            close_gap(here.chain)
            while engine.parts.loop.market.head.timestamp_s < deadline_s:
                assert not any(t.outstanding.cancels for t in engine.desk.open.values())
                offered = sum(here.relay.seen.values())
                await engine.block()
                due = engine.parts.loop.market.head.timestamp_s < deadline_s
                assert sum(here.relay.seen.values()) > offered or not due
            await engine.block(2)  # the cancel is sent at the deadline and mined in the block after
            assert [t.status for t in engine.trades()] == ["cancelled"]
            assert here.leaked(engine) == []
            here.relay.fault = None
            await submit(engine)
            await engine.block()
            assert [t.status for t in engine.trades()] == ["cancelled", "filled"]
            assert here.leaked(engine) == []
            assert verify_state(tmp_path, ethereum.node.rpc_url).ok

    with ethereum.reverted():
        anyio.run(check)


def test_private_relays_are_refused_on_any_other_chain(chain: LocalChain, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the only door of arbitrum is its sequencer"):
        settings_of(chain, tmp_path, **{"submission.private": ["https://relay.example"]})


def test_a_relay_over_plain_http_is_refused(ethereum: LocalChain, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"submission\.private.*must be an https:// URL"):
        settings_of(ethereum, tmp_path, **{"submission.private": ["http://relay.example"]})


def test_a_relay_believes_no_signature_over_another_body() -> None:
    key = local_keys(SEED).relay
    assert signer_of(b"{}", signature_header(key, b"{}")) == Account.from_key(key).address.lower()
    with pytest.raises(ValueError, match="over this body"):
        signer_of(b"{} ", signature_header(key, b"{}"))


def write_mode(state: Path, mode: str) -> None:
    state.mkdir(exist_ok=True)
    (state / "ketch.toml").write_text(f'[submission]\nmode = "{mode}"\n')
