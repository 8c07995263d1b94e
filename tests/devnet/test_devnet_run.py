"""The chain as a program: manifest, lockstep, and every way it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.devnet.rpc import Rpc
from tests.devnet.processes import children_of, eventually, finish, gone, manifest_in, start_devnet

pytestmark = pytest.mark.node

BLOCKS = 40


@contextmanager
def _running(state: Path, *flags: str) -> Iterator[tuple[Any, dict[str, Any]]]:
    process = start_devnet(state, *flags)
    try:
        yield process, manifest_in(state, process)
    finally:
        process.kill()
        process.communicate()


class _Engine:
    """The engine's side of the lockstep handshake."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(20)
        self._socket.connect(path)
        self._lines = self._socket.makefile("rw")

    def done(self, block: int) -> dict[str, Any]:
        self._lines.write(json.dumps({"done": block}) + "\n")
        self._lines.flush()
        return json.loads(self._lines.readline())

    def close(self) -> None:
        self._lines.close()
        self._socket.close()


def _lockstep_hashes(state: Path, seed: int, blocks: int) -> list[str]:
    with _running(state, "--lockstep", "--seed", str(seed)) as (_, manifest), Rpc(manifest["rpc"]) as rpc:
        engine = _Engine(manifest["control"])
        head = rpc.block_number()
        for _ in range(blocks):
            rpc.call("eth_getBlockByNumber", "pending", False)  # looking changes nothing
            head = engine.done(head)["head"]
        engine.close()
        numbers = range(head - blocks + 1, head + 1)
        return [rpc.call("eth_getBlockByNumber", hex(number), False)["hash"] for number in numbers]


def test_one_seed_gives_one_chain_in_lockstep(tmp_path: Path) -> None:
    first = _lockstep_hashes(tmp_path / "a", 7, BLOCKS)
    assert len(set(first)) == BLOCKS
    assert first == _lockstep_hashes(tmp_path / "b", 7, BLOCKS)
    assert first != _lockstep_hashes(tmp_path / "c", 8, BLOCKS)


def test_lockstep_mines_when_the_engine_is_done_with_the_head_and_only_then(tmp_path: Path) -> None:
    with _running(tmp_path, "--lockstep") as (_, manifest), Rpc(manifest["rpc"]) as rpc:
        assert stat.S_IMODE(Path(manifest["control"]).stat().st_mode) == 0o600
        engine = _Engine(manifest["control"])
        head = rpc.block_number()
        assert engine.done(head - 1) == {"ok": False, "head": head}
        assert engine.done(head) == {"ok": True, "head": head + 1}
        assert rpc.block_number() == head + 1
        engine.close()
        talks_nonsense = socket.socket(socket.AF_UNIX)
        talks_nonsense.connect(manifest["control"])
        talks_nonsense.sendall(b"GET / HTTP/1.1\n")
        assert talks_nonsense.recv(1) == b""
        talks_nonsense.close()
        again = _Engine(manifest["control"])
        assert again.done(head + 1)["ok"] is True
        again.close()


def test_a_long_state_path_still_gets_a_socket(tmp_path: Path) -> None:
    state = tmp_path / ("long" * 30)
    with _running(state, "--lockstep") as (_, manifest), Rpc(manifest["rpc"]) as rpc:
        engine = _Engine(manifest["control"])
        assert engine.done(rpc.block_number())["ok"] is True
        engine.close()


def test_the_manifest_says_everything_that_others_need(tmp_path: Path) -> None:
    with _running(tmp_path, "--chain", "base", "--seed", "3") as (process, manifest), Rpc(manifest["rpc"]) as rpc:
        assert manifest["format"] == 1
        assert manifest["pid"] == process.pid
        assert (manifest["chain_id"], manifest["seed"], manifest["block_time_ms"]) == (8453, 3, 500)
        assert (manifest["lockstep"], manifest["control"]) == (False, None)
        assert manifest["ws"] == manifest["rpc"].replace("http", "ws")
        assert len(manifest["tokens"]) == 6
        contracts = manifest["deployments"]
        assert set(contracts["uniswap_v3"]) == {"factory", "router", "quoter", "positions"}
        assert set(contracts["balancer_v2"]) == {"vault", "weighted_factory", "stable_factory"}
        for roles in contracts.values():
            for address in roles.values():
                assert address == address.lower()
                assert len(rpc.call("eth_getCode", address, "latest")) > 2
        assert Path(manifest["rivals_log"]) == tmp_path / "rivals.jsonl"


def test_blocks_come_at_their_pace_with_one_base_fee_and_trades_that_succeed(tmp_path: Path) -> None:
    with _running(tmp_path, "--block-time-ms", "50") as (_, manifest), Rpc(manifest["rpc"]) as rpc:
        assert eventually(lambda: rpc.block_number() >= 60)
        blocks = [rpc.call("eth_getBlockByNumber", hex(number), False) for number in range(5, 60)]
        assert {int(block["baseFeePerGas"], 16) for block in blocks} == {20_000_000}
        receipts = [r for block in blocks for r in rpc.call("eth_getBlockReceipts", block["number"])]
        assert len(receipts) >= 3
        assert sum(receipt["status"] == "0x1" for receipt in receipts) >= 0.8 * len(receipts)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with _running(tmp_path) as (process, _):
        children = children_of(process.pid)
        assert len(children) == 2
        process.send_signal(number)
        code, said = finish(process)
        assert (code, "Traceback" in said) == (0, False)
        assert all(gone(child) for child in children)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["devnet.lock"]


def test_it_ends_when_its_parents_pipe_closes(tmp_path: Path) -> None:
    with _running(tmp_path, "--with-parent") as (process, _):
        children = children_of(process.pid)
        code, _ = finish(process)  # closes its standard input
        assert code == 0
        assert all(gone(child) for child in children)


def test_nothing_is_left_when_it_is_killed(tmp_path: Path) -> None:
    with _running(tmp_path) as (process, _):
        children = children_of(process.pid)
        process.kill()
        assert eventually(lambda: all(gone(child) for child in children), 5)


def test_when_the_node_dies_it_says_so_in_one_line_and_fails(tmp_path: Path) -> None:
    with _running(tmp_path, "--lockstep") as (process, manifest):
        node = next(pid for pid in children_of(process.pid) if _listens(pid, manifest["rpc"]))
        os.kill(node, signal.SIGKILL)
        code, said = finish(process)
        assert code == 1
        assert said.splitlines()[-1].startswith("ketch: the local node stopped")
        assert "Traceback" not in said


def _listens(pid: int, rpc: str) -> bool:
    from engine.devnet.node import owned_ports

    return int(rpc.rsplit(":", 1)[1]) in owned_ports(pid)


def test_one_state_folder_has_one_chain(tmp_path: Path) -> None:
    with _running(tmp_path):
        code, said = finish(start_devnet(tmp_path))
        assert code == 1
        assert said.startswith("ketch: another local chain runs in")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--chain", "5"), "ketch: this chain cannot be run locally"),
        (("--chain", "polygon"), "ketch: this chain cannot be run locally"),
    ],
)
def test_bad_input_is_one_line(tmp_path: Path, flags: tuple[str, ...], said: str) -> None:
    code, line = finish(start_devnet(tmp_path, *flags))
    assert code == 1
    assert line.startswith(said)
    assert line.count("\n") == 1


def test_a_state_folder_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    state = tmp_path / "file"
    state.write_text("")
    code, line = finish(start_devnet(state))
    assert code == 1
    assert line.startswith("ketch: the state folder cannot be used")
