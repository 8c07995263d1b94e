"""`ketch mcp` as a client starts it, with nothing behind it: quick, quiet, and it says what is missing."""

from __future__ import annotations

import json
import subprocess
import time
from importlib.metadata import version
from pathlib import Path

import anyio
import pytest
from mcp import Client

from tests.mcp.clients import ERAS, answered, refused, stdio
from tests.mcp.test_http import INITIALIZE
from tests.scenario.ketch_processes import argv, clean_env, ketch

START_S = 1.5
RUNS = 3
HEAVY = ("numba", "web3", "eth_account", "llvmlite", "vyper")


@pytest.mark.parametrize("era", ERAS)
def test_a_new_user_with_nothing_configured_is_told_the_next_step(tmp_path: Path, era: str) -> None:
    async def run() -> None:
        async with Client(stdio(tmp_path), mode=era) as client:
            status = answered(await client.call_tool("engine_status", {}))
            assert status["running"] is False
            assert status["missing"] == ["no rpc endpoint is set"]
            assert "ketch.toml" in status["next_step"]
            body = refused(await client.call_tool("scan_now", {}))
            assert (body["code"], body["next_step"]) == ("not_running", status["next_step"])
            assert "execute_trade" not in {tool.name for tool in (await client.list_tools()).tools}

    anyio.run(run)


def test_a_live_folder_that_was_never_set_up_names_ketch_init(tmp_path: Path) -> None:
    (tmp_path / "ketch.toml").write_text('rpc = "http://127.0.0.1:1"\n')

    async def run() -> None:
        async with Client(stdio(tmp_path)) as client:
            status = answered(await client.call_tool("engine_status", {}))
            assert status["next_step"] == f"ketch init --state {tmp_path}"

    anyio.run(run)


def test_initialize_is_answered_in_time_stdout_is_protocol_only_and_stderr_silent(tmp_path: Path) -> None:
    took_s: list[float] = []
    for _ in range(RUNS):
        began_s = time.perf_counter()
        process = subprocess.Popen(
            argv("mcp", "--state", tmp_path),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=clean_env(),
        )
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps(INITIALIZE) + "\n")
        process.stdin.flush()
        first = json.loads(process.stdout.readline())
        took_s.append(time.perf_counter() - began_s)
        info = first["result"]["serverInfo"]
        assert (info["name"], info["version"]) == ("ketch", version("ketch"))
        process.stdin.write("this is not JSON\n")
        out, err = process.communicate(timeout=20)
        assert [json.loads(line)["jsonrpc"] for line in out.splitlines()] == ["2.0"] * len(out.splitlines())
        assert (process.returncode, err) == (0, "")
    assert min(took_s) < START_S, took_s


def test_nothing_heavy_is_imported_to_answer_initialize() -> None:
    code = f"import sys, server.cli, server.mcp.stdio; print([m for m in {HEAVY!r} if m in sys.modules])"
    run = subprocess.run(
        [argv()[0], "-P", "-c", code], capture_output=True, text=True, timeout=60, env=clean_env(), check=True
    )
    assert run.stdout.strip() == "[]"


def test_a_toolset_that_does_not_exist_is_refused_in_one_line(tmp_path: Path) -> None:
    run = ketch("mcp", "--toolsets", "walet", "--state", tmp_path)
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.startswith("ketch: there is no such toolset, measured walet, limit engine, market")
