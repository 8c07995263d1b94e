"""Paper from the command line: an endpoint checked end to end, no key, and PAPER on everything that it says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.control_client import call
from tests.conftest import LocalChain
from tests.devnet.processes import eventually
from tests.engine_on_chain import open_gap
from tests.paper_on_chain import paper_folder, stand_in_for_arbitrum
from tests.public_node import Weather, public_node
from tests.scenario.ketch_processes import ketch, refused, started, wait_for_engine

pytestmark = pytest.mark.node

DOCTOR = ("doctor", "--profile", "paper", "--chain", "arbitrum")


@pytest.fixture
def rollup(chain: LocalChain) -> Iterator[LocalChain]:
    """The shared chain with an L1 fee oracle that charges nothing, undone at the end."""
    with chain.reverted():
        stand_in_for_arbitrum(chain.rpc)
        yield chain


def test_the_doctor_says_what_an_endpoint_lacks_and_what_is_done_instead(rollup: LocalChain, tmp_path: Path) -> None:
    lacks = frozenset({"eth_simulateV1"})
    poor = Weather(per_second=60, burst=25, lacks=lacks, most_log_blocks=1)
    rollup.rpc.call("anvil_mine", "0x1")
    with public_node(rollup.node.rpc_url, poor) as node:
        run = ketch(*DOCTOR, "--rpc", node.http, "--json", "--state", tmp_path)
    rows = {row["check"]: row for row in json.loads(run.stdout.splitlines()[-1])["checks"]}
    whole = ("settings", "endpoint", "chain id", "logs by block hash", "multicall", "state overrides")
    assert {name: rows[name]["ok"] for name in whole} == dict.fromkeys(whole, True), rows
    made_up_for = {
        "subscriptions": "polled",
        "eth_simulateV1": "eth_call and eth_estimateGas",
        "log ranges": "halved",
        "rate": "wait their turn",
    }
    for name, instead in made_up_for.items():
        assert rows[name]["ok"] is None, rows[name]
        assert instead in rows[name]["next_step"]


def test_the_doctor_finds_the_wrong_chain_and_an_endpoint_that_cannot_do(rollup: LocalChain, tmp_path: Path) -> None:
    with public_node(rollup.node.rpc_url, Weather(lacks=frozenset({"eth_call"}))) as node:
        run = ketch(*DOCTOR[:-1], "base", "--rpc", node.http, "--json", "--state", tmp_path)
    rows = {row["check"]: row for row in json.loads(run.stdout.splitlines()[-1])["checks"]}
    assert run.returncode == 1
    assert rows["chain id"]["ok"] is False
    assert rows["state overrides"]["ok"] is False
    assert rows["eth_simulateV1"]["ok"] is True


def test_an_engine_on_paper_needs_no_key_and_says_paper_everywhere(rollup: LocalChain, tmp_path: Path) -> None:
    state = paper_folder(tmp_path, rollup.manifest_path, rpc=rollup.node.rpc_url)
    options = ("--profile", "paper", "--chain", "arbitrum", "--rpc", rollup.node.rpc_url, "--no-mcp")
    with started("up", *options, "--json", "--state", state, environment={"KETCH_ARCHIVE__RUN": "false"}) as process:
        wait_for_engine(state, process)
        open_gap(rollup)

        def filled() -> bool:
            rollup.mine()
            return int(call(state / "control.sock", "status", timeout_s=10)["totals"]["filled"]) > 0

        assert eventually(filled, 60)
        assert call(state / "control.sock", "status")["paper"] is True
        assert call(state / "control.sock", "engine_performance")["paper"] is True
        process.terminate()
        out, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    summary = json.loads(out.splitlines()[-1])
    assert summary["paper"] is True
    assert summary["on_paper"]["optimistic"]["fill_ratio"] == 1.0
    for command in ("status", "trades", "verify"):
        run = ketch(command, "--state", state)
        assert run.returncode == 0, run.stderr
        assert run.stdout.startswith("PAPER: nothing here was sent"), run.stdout
    secret = tmp_path / "secret"
    secret.write_text("a long enough secret")
    live = ("init", "--profile", "live", "--secret-file", secret, "--state", state)
    run = ketch(*live, KETCH_TREASURY="0x" + "11" * 20, KETCH_KEY_PASSPHRASE="words")
    assert "is initialised already" in refused(run)
    assert "no key to replace" in refused(ketch("rotate-key", "--state", state))
    assert "burns no gas" in refused(ketch("top-up", "--state", state))
