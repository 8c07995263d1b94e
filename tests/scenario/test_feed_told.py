"""A feed beside a real engine: `ketch status` and `ketch doctor` say how early it is, and when it is gone."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from engine.control import SOCKET_NAME
from engine.control_client import call
from engine.devnet.rpc import Rpc
from tests.devnet.processes import eventually, manifest_in, start_devnet
from tests.feed_formats import flashblock
from tests.scenario.ketch_processes import END_S, READY_S, ketch, result, started, wait_for_engine

pytestmark = pytest.mark.node

TOLD_BLOCKS = 3


@contextmanager
def flashblocks_of(rpc_url: str) -> Generator[Server]:
    """Tell of each block as soon as the one before it is there; it logs nothing."""

    def talk(connection: ServerConnection) -> None:
        told = -1
        with Rpc(rpc_url) as rpc:
            while True:
                head: dict[str, Any] = rpc.call("eth_getBlockByNumber", "latest", False)
                number = int(head["number"], 16) + 1
                if number != told:
                    message = flashblock(hex(number), 0, number, parent_hash=head["hash"], receipts={})
                    connection.send(json.dumps(message))
                    told = number
                try:
                    connection.recv(timeout=0.05)
                except TimeoutError:
                    continue
                except ConnectionClosed:
                    return

    with serve(talk, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def feed_of(state: Path) -> dict[str, Any]:
    return call(state / SOCKET_NAME, "status")["feed"]


def finding(state: Path) -> dict[str, Any]:
    run = ketch("doctor", "--json", "--state", state)
    (found,) = (check for check in json.loads(run.stdout)["checks"] if check["check"] == "feed")
    return found


def test_status_and_doctor_say_how_early_a_feed_is_and_that_it_is_gone(tmp_path: Path) -> None:
    chain = start_devnet(tmp_path, "--with-parent", "--chain", "base")
    try:
        manifest_in(tmp_path, chain)
        rpc_url = json.loads((tmp_path / "devnet.json").read_bytes())["rpc"]
        with flashblocks_of(rpc_url) as server:
            url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}/a-providers-key"
            settings = {"KETCH_FEED__KIND": "flashblocks", "KETCH_FEED__URL": url}
            with started("up", "--profile", "devnet", "--json", "--state", tmp_path, environment=settings) as engine:
                wait_for_engine(tmp_path, engine)
                assert eventually(lambda: feed_of(tmp_path)["blocks_told"] >= TOLD_BLOCKS, READY_S)
                shown = result("status", "--state", tmp_path)["feed"]
                assert (shown["kind"], shown["connected"], shown["believed"]) == ("flashblocks", True, True)
                assert shown["lead_ms"]["p50"] > 0
                assert "a-providers-key" not in json.dumps(shown)
                assert finding(tmp_path)["ok"] is True
                assert "ms before its block" in finding(tmp_path)["found"]
                server.shutdown()
                assert eventually(lambda: feed_of(tmp_path)["connected"] is False, READY_S)
                gone = finding(tmp_path)
                assert gone["ok"] is False
                assert "not heeded" in gone["found"]
                assert "a-providers-key" not in json.dumps(gone)
    finally:
        chain.communicate(timeout=END_S)
