"""The command line beside a running engine on a local chain, and after it."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from engine.control import SOCKET_NAME
from engine.control_client import call
from engine.devnet.rpc import Rpc
from engine.domain.errors import ControlError
from engine.initialise import LOCAL_PASSPHRASE
from engine.journal.journal import JOURNAL_FILE, Journal
from engine.knowledge.graph import Graph
from engine.knowledge.params import Rank
from engine.knowledge.ranking import rank
from tests.devnet.processes import eventually, manifest_in, start_devnet
from tests.scenario.ketch_processes import END_S, READY_S, ketch, refused, result, started, wait_for_engine

pytestmark = pytest.mark.node

ENGINE = ("up", "--profile", "devnet", "--json", "--state")


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Run a local chain and an engine on it; the state folder's path is longer than a socket's may be."""
    folder = tmp_path_factory.mktemp("long" * 30)
    chain = start_devnet(folder, "--with-parent")
    try:
        manifest_in(folder, chain)
        with started(*ENGINE, folder) as engine:
            wait_for_engine(folder, engine)
            asked = folder / SOCKET_NAME  # asking by the command line over and over would starve the engine
            assert eventually(lambda: call(asked, "status")["totals"]["filled"] > 0, READY_S)
            yield folder
    finally:
        chain.communicate(timeout=END_S)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_text(LOCAL_PASSPHRASE + "\n")
    return file


def test_status_lets_a_stranger_check_the_books_with_rpc_alone(state: Path):
    status = result("status", "--state", state)
    with Rpc(status["rpc"]) as rpc:
        assert int(rpc.call("eth_chainId"), 16) == status["chain_id"]
        assert len(rpc.call("eth_getCode", status["executor"], "latest")) > 2
        for listed in result("trades", "--state", state)["trades"]:
            if listed["status"] != "filled":
                continue
            receipt: Any = rpc.call("eth_getTransactionReceipt", listed["tx_hash"])
            assert int(receipt["blockNumber"], 16) == listed["block"]
            assert receipt["from"].lower() == status["operator"]
            paid = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
            assert str(paid) == listed["gas_paid_wei"]
    assert {"address", "decimals", "symbol"} <= set(status["tokens"][0])
    assert status["treasury"] != status["operator"]


def test_a_proposal_is_applied_and_taken_back_at_the_terminal(state: Path):
    asked, file = state / SOCKET_NAME, state / "ketch.toml"
    wanted = {"changes": [{"setting": "misses.watch", "value": "false"}], "reason": "it costs a question a block"}
    name = call(asked, "workspace_propose", wanted)["proposal"]
    assert name in ketch("workspace", "proposals", "--state", state).stdout
    unsaid = ketch("workspace", "apply", name, "--state", state)
    assert (unsaid.returncode, file.exists()) == (130, False)
    assert "misses.watch: true -> false" in unsaid.stderr
    result("workspace", "apply", name, "--yes", "--state", state)
    assert file.read_text() == "[misses]\nwatch = false\n"
    (row,) = result("workspace", "settings", "misses.watch", "--state", state)["settings"]
    assert (row["value"], row["waits"]) == ("true", "false")
    result("workspace", "rollback", "--yes", "--state", state)
    assert "watch" not in file.read_text()
    file.unlink()


@pytest.mark.parametrize("command", ["status", "trades", "venues", "tokens", "doctor"])
def test_what_reads_also_speaks_to_people(state: Path, command: str):
    run = ketch(command, "--state", state)
    assert (run.returncode, run.stderr) == (0, "")
    assert len(run.stdout.splitlines()) > 1


def test_verify_and_drift_hold_while_the_engine_runs(state: Path):
    assert result("verify", "--state", state)["ok"] is True
    drift = result("doctor", "--drift", "--state", state)
    assert drift["ok"] is True
    assert drift["differences"] == []
    assert drift["pools"] >= 24


def test_tokens_are_listed_with_what_their_check_said_and_checked_again_when_asked(state: Path):
    listed = result("tokens", "--state", state)
    assert listed["not_checked_yet"] == 0
    assert [row for row in listed["tokens"] if row["standing"] != "sound"] == []
    base = result("status", "--state", state)["native_wrapped"]
    (before,) = [row for row in listed["tokens"] if row["token"] == base]
    again = result("tokens", "--recheck", base, "--state", state)
    assert (again["token"], again["standing"]) == (base, "sound")
    assert again["block"] > before["block"]
    assert "no pool of the market holds this token" in refused(
        ketch("tokens", "--recheck", "0x" + "99" * 20, "--state", state)
    )
    assert ketch("tokens", "--recheck", "0x12", "--state", state).returncode == 2


def test_a_halt_stops_trading_and_only_the_secret_resumes_it(state: Path, secret: Path, tmp_path: Path):
    assert result("halt", "--reason", "a test", "--state", state)["state"] == "HALTED"
    halted = result("status", "--state", state)
    assert (halted["state"], "a test" in halted["halted"]) == ("HALTED", True)

    assert "asked for at a terminal" in refused(ketch("resume", "--state", state))
    wrong = tmp_path / "wrong"
    wrong.write_text("not it")
    assert "does not open the operator's secret" in refused(ketch("resume", "--secret-file", wrong, "--state", state))
    assert result("status", "--state", state)["state"] == "HALTED"

    assert result("resume", "--secret-file", secret, "--state", state)["state"] == "ACTIVE"
    assert result("halt", "--reducing", "--state", state)["state"] == "REDUCING"
    assert result("resume", "--secret-file", secret, "--state", state)["state"] == "ACTIVE"


def test_a_sweep_pays_the_treasury_and_nobody_else(state: Path):
    status = result("status", "--state", state)
    swept = result("sweep", status["native_wrapped"], "--state", state)
    assert int(swept["amount"]) > 0
    balance = {"to": status["native_wrapped"], "data": "0x70a08231" + status["treasury"][2:].rjust(64, "0")}
    with Rpc(status["rpc"]) as rpc:
        assert eventually(lambda: int(rpc.call("eth_call", balance, "latest"), 16) >= int(swept["amount"]))
    assert "sweep" in refused(ketch("sweep", status["tokens"][-1]["address"], "--state", state))


def test_a_second_engine_is_refused_and_the_first_runs_on(state: Path):
    line = refused(ketch(*ENGINE, state))
    assert "is owned by another engine, measured pid " in line
    assert line.endswith("stop that engine, or choose another --state")
    assert result("status", "--state", state)["running"] is True


def test_a_second_chain_in_the_same_folder_is_refused(state: Path):
    assert "another local chain runs in" in refused(ketch("devnet", "--state", state))


def test_another_chain_behind_the_endpoint_is_refused(state: Path, tmp_path: Path):
    rpc = result("status", "--state", state)["rpc"]
    line = refused(ketch("up", "--chain", "base", "--rpc", rpc, "--state", tmp_path / "new"))
    assert "42161" in line
    assert "8453" in line


def test_what_reads_reads_the_journal_when_no_engine_runs(tmp_path: Path):
    chain = start_devnet(tmp_path, "--with-parent")
    try:
        manifest_in(tmp_path, chain)
        with started(*ENGINE, tmp_path, "--trades", "1") as engine:
            out, said = engine.communicate(timeout=END_S)
            assert engine.returncode == 0, said
        summary = json.loads(out.splitlines()[-1])
        status = result("status", "--state", tmp_path)
        assert (status["running"], status["totals"]["filled"]) == (False, summary["filled"])
        assert len(result("trades", "--state", tmp_path)["trades"]) == summary["submitted"]
        assert result("verify", "--state", tmp_path)["ok"] is True
        with started(*ENGINE, tmp_path) as engine:  # killed, it starts again where it stood
            wait_for_engine(tmp_path, engine)
            engine.send_signal(signal.SIGKILL)
            engine.wait(END_S)
        with started(*ENGINE, tmp_path, "--with-parent") as engine:
            wait_for_engine(tmp_path, engine)
            assert result("verify", "--state", tmp_path)["ok"] is True
            engine.communicate(timeout=END_S)  # closes its standard input
            assert engine.returncode in (0, 1)
    finally:
        chain.communicate(timeout=END_S)
    assert refused_verify(ketch("verify", "--state", tmp_path, "--json"))["findings"][0]["what"] == "chain not reached"


def refused_verify(run: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert run.returncode == 1
    assert run.stderr.startswith("ketch: the state does not verify: ")
    return json.loads(run.stdout.splitlines()[-1])


def archive_of(state: Path) -> list[psutil.Process]:
    """Find the archive's process by its command line."""
    found = [
        process
        for process in psutil.process_iter(["cmdline"])
        if "engine.archive" in (argv := process.info["cmdline"] or []) and str(state) in argv
    ]
    return [process for process in found if process.status() != psutil.STATUS_ZOMBIE]


def written(state: Path, name: str) -> bool:
    """Write an entity as soon as the archive lets us."""
    try:
        call(
            state / SOCKET_NAME,
            "create_entities",
            {"entities": [{"name": name, "entityType": "t", "observations": []}]},
        )
    except ControlError as error:
        assert error.line().startswith(("the archive is not running yet", "it is written down")), error
        return False
    return True


def test_the_archive_comes_back_when_it_is_killed_and_the_graph_has_what_was_acknowledged(state: Path, tmp_path: Path):
    assert eventually(lambda: written(state, "before"), READY_S)
    (archive,) = archive_of(state)
    archive.kill()
    assert eventually(lambda: written(state, "after"), READY_S)
    assert archive_of(state)[0].pid != archive.pid
    asked = state / SOCKET_NAME
    assert call(asked, "status")["running"]
    pairs = call(asked, "graph_rank", {"of": "pairs"})["rows"]
    assert sum(row["filled"] for row in pairs) > 0
    live = call(asked, "graph_rank", {"of": "routes", "limit": 50})
    anew = Graph(tmp_path)
    with Journal.read(state / JOURNAL_FILE) as journal:
        anew.take(list(journal.entries(limit=live["read_to"])))
    assert rank(anew, Rank(of="routes", limit=50)) == live  # made again from the journal: the same answer
    anew.close()
    file = tmp_path / "graph.jsonl"
    assert result("knowledge", "export", file, "--state", state)["entities"] >= 2
    lines = file.read_text().splitlines()
    assert '{"type":"entity","name":"before","entityType":"t","observations":[]}' in lines
    seen = '{"type":"entity","name":"before","entityType":"t","observations":["seen"]}'
    follows = '{"type":"relation","from":"after","to":"before","relationType":"follows"}'
    file.write_text("\n".join((seen, follows, '{"type":')))
    told = result("knowledge", "import", file, "--state", state)
    assert told["added"] == {"entities": 0, "observations": 1, "relations": 1}
    assert [fault["line"] for fault in told["faults"]] == [3]
    assert result("verify", "--state", state)["findings"] == []
