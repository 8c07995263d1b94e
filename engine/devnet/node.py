"""One anvil process: the right version, a port of its own, and an end that comes with its parent's."""

import contextlib
import ctypes
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from engine.devnet.packages import SETUP, node_modules
from engine.domain.errors import DevnetError

ANVIL_VERSION = "1.7.1"
HOST = "127.0.0.1"
START_DEADLINE_S = 20.0
STOP_DEADLINE_S = 3.0
POLL_S = 0.002

BASE_FLAGS = (
    *("--host", HOST, "--no-mining", "--order", "fifo", "--quiet"),
    *("--hardfork", "prague", "--disable-min-priority-fee", "--no-request-size-limit"),
)

_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_SYSTEMS = {"Linux": "linux", "Darwin": "darwin"}
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass(frozen=True, slots=True, kw_only=True)
class Anvil:
    """A running node. `rpc_url` answers HTTP, `ws_url` WebSocket; both on loopback."""

    process: subprocess.Popen[bytes]
    guardian: subprocess.Popen[bytes]
    port: int

    @property
    def rpc_url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://{HOST}:{self.port}"

    def alive(self) -> bool:
        """Say whether the process still runs."""
        return self.process.poll() is None


def anvil_executable() -> str:
    """Find anvil 1.7.1: this platform's binary among the packages, else one of that version on PATH.

    The package's wrapper script is never used: its child survives it. Raises `DevnetError` when there is none.
    """
    system, machine = _SYSTEMS.get(platform.system()), _MACHINES.get(platform.machine().lower())
    on_path = shutil.which("anvil")
    if system and machine and (packaged := _packaged_anvil(f"@foundry-rs/anvil-{system}-{machine}")):
        return packaged
    if on_path and _version_of(on_path) == ANVIL_VERSION:
        return on_path
    measured = f"version {_version_of(on_path)} at {on_path}" if on_path else f"none for {platform.system()} {machine}"
    raise DevnetError(f"anvil {ANVIL_VERSION} is not installed", measured=measured, next_step=SETUP)


@contextmanager
def anvil(flags: Sequence[str] = (), *, port: int = 0) -> Generator[Anvil]:
    """Run a node with the base flags and `flags` for as long as the context lasts.

    `port` 0 lets the system choose; the port is then read from the sockets that the child itself listens on, so that
    a neighbour's node can never be mistaken for ours. Raises `DevnetError` when it does not start.
    """
    node = start_anvil(flags, port=port)
    try:
        yield node
    finally:
        stop_anvil(node)


def start_anvil(flags: Sequence[str] = (), *, port: int = 0) -> Anvil:
    """Start a node and wait until it listens; `stop_anvil` ends it. Errors as for `anvil`."""
    process = subprocess.Popen(
        [anvil_executable(), "--port", str(port), *BASE_FLAGS, *flags],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for the program, which then ends the node
        preexec_fn=_die_with_parent(),
    )
    try:
        owner = psutil.Process(process.pid)
        guardian = _start_guardian(process.pid, owner.create_time())
    except (psutil.NoSuchProcess, OSError):
        process.kill()
        process.wait()
        raise
    try:
        found = _listening_port(process)
    except DevnetError:
        stop_anvil(Anvil(process=process, guardian=guardian, port=0))
        raise
    return Anvil(process=process, guardian=guardian, port=found)


def stop_anvil(node: Anvil) -> None:
    """End the node, then its guardian."""
    for process in (node.process, node.guardian):
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_DEADLINE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for pipe in (process.stdin, process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def owned_ports(pid: int) -> list[int]:
    """List the TCP ports that process `pid` itself listens on."""
    return [
        connection.laddr.port
        for connection in psutil.Process(pid).net_connections(kind="tcp")
        if connection.status == psutil.CONN_LISTEN
    ]


def _listening_port(process: subprocess.Popen[bytes]) -> int:
    deadline = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise DevnetError("anvil did not start", measured=_last_words(process) or f"exit {process.returncode}")
        with contextlib.suppress(psutil.NoSuchProcess):
            if ports := owned_ports(process.pid):
                return ports[0]
        time.sleep(POLL_S)
    raise DevnetError("anvil did not start to listen", limit=f"{START_DEADLINE_S:.0f} s")


def _last_words(process: subprocess.Popen[bytes]) -> str:
    said = process.stderr.read().decode(errors="replace") if process.stderr else ""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return next((line for line in lines if "rror" in line), lines[0] if lines else "")


def _start_guardian(pid: int, created_s: float) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-I", str(Path(__file__).with_name("guardian.py")), str(pid), repr(created_s)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _die_with_parent() -> Callable[[], None] | None:
    """Make the hook that has Linux end the child with the thread that starts it; elsewhere the guardian is alone."""
    if platform.system() != "Linux" or threading.current_thread() is not threading.main_thread():
        return None  # the signal follows the starting thread: one that ends early would take the node along
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def hook() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)  # the parent died before the signal was asked for

    return hook


def _packaged_anvil(package: str) -> str | None:
    try:
        folder = node_modules() / package
        version = json.loads((folder / "package.json").read_text(encoding="utf-8"))["version"]
    except (DevnetError, OSError, ValueError, KeyError):
        return None  # not installed for this platform: PATH is looked at next
    binary = folder / "bin" / "anvil"
    return str(binary) if version == ANVIL_VERSION and os.access(binary, os.X_OK) else None


def _version_of(executable: str) -> str:
    said = subprocess.run([executable, "--version"], capture_output=True, text=True, check=False, timeout=10).stdout
    return next((word.split("-")[0] for word in said.split() if word[:1].isdigit()), "unknown")
