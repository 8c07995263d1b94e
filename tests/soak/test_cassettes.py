"""Two hundred blocks with traders and rivals on one tape: small, quick to go through, and the same each time."""

from __future__ import annotations

import os
import time
from itertools import islice
from pathlib import Path
from threading import Thread

import anyio
import pytest

from engine.control import SOCKET_NAME
from engine.control_client import follow
from engine.replay.cassette import read
from engine.replayed import played
from engine.scanning.kernel import warm_up
from tests.devnet.processes import eventually
from tests.scenario.ketch_processes import result, started, wait_for_engine

pytestmark = [pytest.mark.soak, pytest.mark.node, pytest.mark.timeout(900)]

BLOCKS = 200
MAX_BYTES = 2 << 20
MAX_S = 5.0


def drain(pipe: int) -> None:
    """Read what an engine says until it ends: a full pipe would stop it."""
    while os.read(pipe, 1 << 16):
        pass
    os.close(pipe)


def live_through(state: Path, blocks: int) -> None:
    """Follow the engine until it has taken in so many blocks more."""
    told = (event for event in follow(state / SOCKET_NAME) if event["event"] == "block")
    assert len(list(islice(told, blocks))) == blocks


def test_two_hundred_blocks_with_rivals_are_small_and_replay_to_the_same_bytes(tmp_path: Path) -> None:
    file = tmp_path / "two-hundred.cassette"
    with started("devnet", "--state", tmp_path, "--rivals", "2") as chain:
        assert eventually((tmp_path / "devnet.json").exists, 90)
        with started("up", "--profile", "devnet", "--state", tmp_path) as engine:
            wait_for_engine(tmp_path, engine)
            assert engine.stderr is not None
            Thread(target=drain, args=(os.dup(engine.stderr.fileno()),), daemon=True).start()
            live_through(tmp_path, BLOCKS + 60)
            captured = result("capture", "--state", tmp_path, "--blocks", str(BLOCKS), "--out", file)
        assert chain.poll() is None
    assert captured["bytes"] == file.stat().st_size
    assert file.stat().st_size <= MAX_BYTES

    cassette = read(file)
    assert cassette.beginning[-1].kind != "genesis"  # it begins in the middle of the engine's life
    warm_up()
    began_s = time.process_time()
    first = anyio.run(lambda: played(cassette, keep=tmp_path / "first"))
    took_s = time.process_time() - began_s
    second = anyio.run(lambda: played(cassette, keep=tmp_path / "second"))
    blocks = sum(step.what == "BlockSeen" for step in first.steps)
    decisions = sum(len(step.then) for step in first.steps)
    print({"blocks": blocks, "decisions": decisions, "bytes": file.stat().st_size, "processor_s": round(took_s, 2)})
    assert blocks >= BLOCKS
    assert decisions > BLOCKS // 10
    assert [step.block.number for step in first.steps if not step.identical] == []
    assert first == second
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
    assert took_s <= MAX_S
