"""The demo: what it shows, and that it ends without leaving anything behind, whoever ends it and whatever dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.devnet.processes import eventually
from tests.scenario.ketch_processes import END_S, all_gone, family, member, started, wait_for_engine

pytestmark = pytest.mark.node


def test_without_a_terminal_the_view_is_plain_lines_and_stdout_holds_the_summary(tmp_path: Path):
    with started("demo", "--trades", "1", "--rivals", "0", "--state", tmp_path) as process:
        out, said = process.communicate(timeout=END_S)
    assert process.returncode == 0, said
    assert "\x1b" not in said + out
    assert "started on chain 42161" in said
    assert ": filled " in said
    assert "verify            ok" in out


@pytest.mark.parametrize("whole_group", [False, True], ids=["the supervisor", "everything at the terminal"])
def test_ctrl_c_ends_a_demo_in_order_with_its_summary(tmp_path: Path, whole_group: bool):
    with started("demo", "--json", "--state", tmp_path) as process:
        wait_for_engine(tmp_path, process)
        children = family(process.pid)
        if whole_group:
            os.killpg(process.pid, signal.SIGINT)
        else:
            process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=END_S)
        assert process.returncode == 0, said
        assert json.loads(out.splitlines()[-1])["verify"]["ok"] is True
        assert all_gone(children)


def test_ctrl_c_while_the_chain_starts_leaves_nothing(tmp_path: Path):
    with started("demo", "--json", "--state", tmp_path) as process:
        assert eventually(lambda: len(family(process.pid)) > 0)
        children = family(process.pid)
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=END_S)
        assert (process.returncode, out) == (130, "")
        assert said.splitlines()[-1] == "ketch: interrupted"
        assert all_gone(children)


def test_a_demo_of_its_own_folder_removes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with started("demo", "--trades", "1", "--rivals", "0", "--json") as process:
        _, said = process.communicate(timeout=END_S)
    assert process.returncode == 0, said
    assert list(tmp_path.glob("ketch-demo-*")) == []


@pytest.mark.parametrize(
    ("victim", "said"),
    [
        ("server.cli", "ketch: the engine ended: killed by SIGKILL"),
        ("engine.devnet", "ketch: the local chain ended: killed by SIGKILL"),
        ("anvil", "ketch: the local chain ended: the local node stopped"),
    ],
)
def test_when_one_process_is_killed_the_others_end_and_it_is_said_why(tmp_path: Path, victim: str, said: str):
    with started("demo", "--json", "--state", tmp_path) as process:
        wait_for_engine(tmp_path, process)
        children = family(process.pid)
        os.kill(member(children, victim), signal.SIGKILL)
        out, err = process.communicate(timeout=END_S)
        assert (process.returncode, out) == (1, "")
        assert err.splitlines()[-1].startswith(said), err
        assert "Traceback" not in err
        assert all_gone(children)


def test_when_the_supervisor_is_killed_everything_ends(tmp_path: Path):
    with started("demo", "--json", "--state", tmp_path) as process:
        wait_for_engine(tmp_path, process)
        children = family(process.pid)
        assert len(children) >= 4  # chain, node, its guardian, engine
        process.kill()
        assert all_gone(children)


def test_a_second_ctrl_c_does_not_wait(tmp_path: Path):
    with started("demo", "--json", "--state", tmp_path) as process:
        wait_for_engine(tmp_path, process)
        children = family(process.pid)
        engine = member(children, "server.cli")
        os.kill(engine, signal.SIGSTOP)  # an engine that does not answer
        process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=END_S)
        assert (process.returncode, out) == (130, "")
        assert all_gone(children)
