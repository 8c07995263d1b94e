"""The command line as child processes, and the processes that it starts in turn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from engine.control import SOCKET_NAME
from engine.control_client import call
from engine.domain.errors import ControlError
from tests.devnet.processes import eventually, gone

READY_S = 90.0
END_S = 90.0


def clean_env(**extra: str) -> dict[str, str]:
    """Take the environment without settings of whoever runs the tests; where things are installed stays."""
    kept = ("KETCH_NODE", "KETCH_CACHE")
    return {n: v for n, v in os.environ.items() if not n.startswith("KETCH_") or n in kept} | extra


def argv(*given: str | Path) -> list[str]:
    return [sys.executable, "-P", "-m", "server.cli", *map(str, given)]


def ketch(*given: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, without a terminal."""
    return subprocess.run(
        argv(*given),
        capture_output=True,
        text=True,
        timeout=END_S,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        env=clean_env(**env),
        check=False,
    )


def result(*given: str | Path) -> dict[str, Any]:
    """Run a command with --json and return what its last line says."""
    run = ketch(*given, "--json")
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1])


def refused(run: subprocess.CompletedProcess[str]) -> str:
    """Return the one line that a command failed with."""
    assert run.returncode == 1, (run.returncode, run.stdout, run.stderr)
    assert "Traceback" not in run.stderr
    assert run.stdout == ""
    return run.stderr.splitlines()[-1]


@contextmanager
def started(*given: str | Path, environment: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """Start a command in its own process group; whatever it leaves is ended when the context does."""
    process = subprocess.Popen(
        argv(*given),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=clean_env(**(environment or {})),
    )
    try:
        yield process
    finally:
        left = family(process.pid)
        for pid in (process.pid, *left):
            if not gone(pid):
                psutil.Process(pid).kill()
        process.communicate()


def family(pid: int) -> list[int]:
    """List everything that a process started, and what that started."""
    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def member(pids: Sequence[int], word: str) -> int:
    """Find the one among `pids` whose command line has `word` as an argument or as its program."""
    found = [
        pid for pid in pids if any(Path(part).name == word or part == word for part in psutil.Process(pid).cmdline())
    ]
    assert len(found) == 1, (word, found)
    return found[0]


def engine_runs(state: Path) -> bool:
    try:
        call(state / SOCKET_NAME, "status", timeout_s=5)
    except ControlError:
        return False
    return True


def wait_for_engine(state: Path, process: subprocess.Popen[str]) -> None:
    """Wait until the engine of `state` answers."""
    assert eventually(lambda: engine_runs(state) or process.poll() is not None, READY_S)
    assert process.poll() is None, process.communicate()[1]


def all_gone(pids: Sequence[int]) -> bool:
    return eventually(lambda: all(gone(pid) for pid in pids))
