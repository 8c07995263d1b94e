"""The local chain as a child process, and waiting for what must come."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import psutil

DEADLINE_S = 30.0


def eventually(holds: Callable[[], bool], within_s: float = DEADLINE_S) -> bool:
    """Ask until it holds or the time is over."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.01)
    return holds()


def gone(pid: int) -> bool:
    """Say whether a process has ended; one that waits to be reaped has."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def start_devnet(state: Path, *flags: str) -> subprocess.Popen[bytes]:
    """Start `python -m engine.devnet` on a state folder, with pipes."""
    return subprocess.Popen(
        [sys.executable, "-m", "engine.devnet", "--state", str(state), *flags],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def manifest_in(state: Path, process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """Wait for the manifest of a started chain."""
    path = state / "devnet.json"
    assert eventually(lambda: path.exists() or process.poll() is not None, 90)
    assert process.poll() is None, process.stderr.read() if process.stderr else ""
    return msgspec.json.decode(path.read_bytes())


def children_of(pid: int) -> list[int]:
    """List a process's children: a chain has its node and the node's guardian."""
    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def finish(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    """Wait for the end; returns the exit code and what was said on stderr."""
    _, said = process.communicate(timeout=DEADLINE_S)
    return process.returncode, said.decode()
