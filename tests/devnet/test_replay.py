"""A cassette of a real engine on a real chain: it goes through the same loop, desk, review and journal again."""

from __future__ import annotations

import asyncio
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from engine.config import Recording
from engine.domain.commands import Command, Halt
from engine.execution.keys import local_keys
from engine.loop import Asked
from engine.replay import memory
from engine.replay.cassette import unpack
from engine.replay.cutting import cassette_of
from engine.replay.recorder import SEGMENT_BLOCKS
from engine.replayed import played
from tests.conftest import SEED, LocalChain, local_chain
from tests.engine_on_chain import EngineOnChain, close_gap, engine_on, open_gap

pytestmark = pytest.mark.node

BLOCKS = SEGMENT_BLOCKS + 14
MADE_ANEW = {
    "loop": {
        "_agent", "_base", "_calls", "_clock", "_commands", "_deployments", "_desk", "_endpoint", "_executor",
        "_gas_float", "_in_force", "_journal", "_misses", "_native", "_operator", "_operator_watch", "_pace",
        "_publish", "_replacements", "_round", "_search", "_settlement", "_tape", "_terms", "_tip", "_tokens", "busy",
        "_pending", "feed", "forecast", "found", "gas_seen", "market", "measured", "prior",
        "settled",
    },
    "measured": {"blocks", "opportunities", "refused", "left_alone", "detect_ns", "send_ns"},
    "search": {"_market", "_tokens", "_terms", "_gas_seen", "_looked", "_tokens_known", "_universe", "held_back",
               "left_alone", "_prior"},
    "tokens": {"_endpoint", "_journal", "_executor", "_operator", "_terms", "_strikes"},
    "strikes": {"_trusted", "_window"},
    "desk": {
        "_clock", "_doors", "_endpoint", "_executor", "_forecast", "_gas_seen", "_in_force", "_journal", "_l1",
        "_ledger", "_signer", "_simulator",
    },
    "l1": {"seen"},
    "simulator": {"_endpoint", "_operator", "_overrides"},
    "replacements": {"_endpoint", "_in_force", "_journal", "_ledger", "_signer", "_state_folder", "_term"},
    "monitor": {"_chain", "_endpoint", "_executor", "_operator"},
    "forecast": {"_chain", "_endpoint", "_ordering", "_publish"},
    "ordering": {"_asks", "_chain", "_declared", "_endpoint", "_publish"},
    "gas": {"_journal"},
    "prior": {"_journal"},
    "misses": {"_endpoint", "_journal", "_prices_of", "_set_aside", "_terms"},
    "operator": {"_endpoint", "_executor", "_holds_next", "_journal", "_operator", "_publish", "_state_folder"},
    "calls": {"_journal", "_rows", "_unnamed"},
    "agents": {"_desk", "_in_force", "_journal", "_lenders", "_tickets"},
    "tickets": {"_unspent"},
}  # fmt: skip
"""What a replay puts together anew: ports, what follows from market and settings, and what is counted for people.
A batch of counted requests is fed in before the item that writes it, a ticket before the command that spends it."""


async def take(engine: EngineOnChain, command: Command) -> None:
    """Put a command through the inbox's own door."""
    answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
    await engine.parts.loop.take(Asked(command, answer))
    await answer


async def eventful(engine: EngineOnChain) -> None:
    """Live through gaps, rivals that are first, a reorg, requests of clients, a note beside the loop and a halt."""
    for number in range(BLOCKS):
        if number % 3 == 1:
            open_gap(engine.chain, trader=1 + number % 3)
        if number % 8 == 5:
            close_gap(engine.chain)
        if number == SEGMENT_BLOCKS + 4:
            engine.parts.calls.note("somebody", "status", "answered")
            engine.parts.calls.write()
            engine.parts.calls.note("somebody else", "trades", "answered")
            await take(engine, Halt(principal="test", reason="careful", reducing=True))
        if number == SEGMENT_BLOCKS + 7:
            engine.chain.rpc.call("anvil_reorg", 2, [])
        await engine.block()
    await take(engine, Halt(principal="test", reason="enough"))
    await engine.block(2)


@pytest.fixture(scope="module")
def taped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[bytes, set[str]]]:
    """Record one eventful stretch on a chain of its own; the cassette begins in the middle of it."""
    folder = tmp_path_factory.mktemp("taped")

    async def record(chain: LocalChain) -> tuple[bytes, set[str]]:
        (folder / "engine").mkdir()
        async with engine_on(chain, folder / "engine") as engine:
            await eventful(engine)
            recorder = engine.parts.recorder
            assert recorder is not None
            taken = recorder.since(engine.parts.loop.market.head.number - 10)
            assert taken is not None
            file = engine.state / "journal.sqlite"
            unnamed = {
                f"{room}: {name}"
                for room in memory.ROOMS
                for name in attributes(memory._room(engine.parts.loop, room))
                - set(memory.KEPT.get(room, ()))
                - MADE_ANEW[room]
            }
            return cassette_of(taken, journal_file=file, settings=engine.settings), unnamed

    chains = local_chain(42161, folder)
    chain = next(chains)
    yield anyio.run(record, chain)
    next(chains, None)


def attributes(room: object) -> set[str]:
    slots = {name for kind in type(room).__mro__ for name in getattr(kind, "__slots__", ())}
    return slots | set(getattr(room, "__dict__", {}))


def test_it_replays_to_the_same_lines_and_twice_to_the_same_bytes(
    taped: tuple[bytes, set[str]], tmp_path: Path
) -> None:
    data, _ = taped
    one = unpack(data, "a cassette")
    assert one.head.number > 1
    assert len(one.beginning) < one.beginning[-1].seq  # only what is still read comes along
    for name in ("first", "second"):
        result = anyio.run(lambda name=name: played(one, keep=tmp_path / name))
        assert [step.block.number for step in result.steps if not step.identical] == []
        assert result.hash == one.recorded[-1].hash
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
    kinds = {line.kind for line in one.recorded}
    assert {"decision", "intent", "outcome", "calls", "command", "state"} <= kinds
    assert {"BlockSeen", "RolledBack", "Halt"} <= {step.what for step in result.steps}
    assert not [step.quoted for step in result.steps if step.quoted]


def test_every_attribute_of_every_room_is_in_the_cassette_or_made_anew(taped: tuple[bytes, set[str]]) -> None:
    assert taped[1] == set()


def test_it_names_neither_this_machine_nor_an_endpoint_nor_a_key(taped: tuple[bytes, set[str]]) -> None:
    text = lzma.decompress(taped[0].partition(b"\n")[2]).decode()
    keys = local_keys(SEED)
    for secret in (keys.hot, keys.treasury, keys.secret, keys.relay):
        assert secret.removeprefix("0x") not in text
    assert str(Path.home()) not in text
    assert "/tmp" not in text
    assert set(unpack(taped[0], "a cassette").settings) >= {"scan", "risk"}
    assert "lockstep_socket" not in text
    assert "127.0.0.1" not in text.replace("127.0.0.1:9", "")


def test_code_that_decides_otherwise_is_found(taped: tuple[bytes, set[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    def dearer(*_: object) -> int:
        return 10**30

    monkeypatch.setattr("engine.loop.net_before_bid", dearer)
    result = anyio.run(played, unpack(taped[0], "a cassette"))
    differing = [step for step in result.steps if not step.agrees]
    assert differing
    assert all(step.then and not step.now for step in differing)


def test_the_ring_forgets_the_oldest_and_what_is_left_replays(chain: LocalChain, tmp_path: Path) -> None:
    async def record() -> bytes:
        async with engine_on(chain, tmp_path, recording=Recording(max_bytes=1)) as engine:
            recorder = engine.parts.recorder
            assert recorder is not None
            for number in range(2 * SEGMENT_BLOCKS + 6):
                if number % 5 == 1:
                    open_gap(chain, trader=1 + number % 3)
                await engine.block()
                assert recorder.blocks <= SEGMENT_BLOCKS
            assert recorder.first_block is not None
            assert recorder.since(recorder.first_block - 1) is None
            taken = recorder.since(recorder.first_block)
            assert taken is not None
            return cassette_of(taken, journal_file=engine.state / "journal.sqlite", settings=engine.settings)

    with chain.reverted():
        data = anyio.run(record)
    result = anyio.run(played, unpack(data, "a cassette"))
    assert all(step.identical for step in result.steps)
    assert any(step.now for step in result.steps)
