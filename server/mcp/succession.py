"""Who keeps the engine of a state folder when none runs: the first `ketch mcp` that is there, then the next.

The keeper holds a kernel lock, dropped however it dies, on a file that names its engine's process. An engine that
somebody started by hand is nobody's to keep: when it ends, it ends.
"""

import fcntl
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import anyio
import click

from engine.domain.errors import ControlError
from engine.facade import NotRunning
from engine.journal.lock import LOCK_FILE
from server.children import GRACE_S, child
from server.mcp.setup import Unattended, readiness

FILE = "mcp-engine.lock"
POLL_S = 0.5


async def standing_by(facade: Unattended, state: Path) -> None:
    """Run the folder's engine as a child that ends with us, at once or when whoever keeps it leaves."""
    ready = await anyio.to_thread.run_sync(readiness, state)
    if ready.missing:
        return
    with _lock_file(state) as lock:
        while not _taken(lock):
            await anyio.sleep(POLL_S)
        await _outlived(facade, state, lock)
        if not await _runs(facade):
            await _keep(facade, state, lock, ready.options)
            await anyio.sleep_forever()  # it ended by itself: nobody else is to try before we leave


async def _keep(facade: Unattended, state: Path, lock: int, options: tuple[str, ...]) -> None:
    """Run the engine until it ends; say on stderr why it did."""
    argv = [sys.executable, "-P", "-m", "server.cli", "up", "--with-parent", "--json", "--state", str(state)]
    facade.starting = True
    async with child("engine", [*argv, *options]) as engine:
        os.pwrite(lock, f"{engine.process.pid:<20}".encode("ascii"), 0)
        async for _ in engine.lines():
            pass
        await engine.ended()
        facade.starting = False
        facade.ended = engine.how_it_ended()
        click.echo(f"ketch: the engine ended: {facade.ended}", err=True)


async def _outlived(facade: Unattended, state: Path, lock: int) -> None:
    """Wait until the engine of a keeper that left has ended too."""
    kept = os.pread(lock, 32, 0).strip()
    with anyio.move_on_after(GRACE_S), suppress(OSError, ValueError):
        while kept and (state / LOCK_FILE).read_bytes().strip() == kept:
            os.kill(int(kept), 0)
            facade.starting = True
            await anyio.sleep(POLL_S)
    facade.starting = False


async def _runs(facade: Unattended) -> bool:
    try:
        await facade.engine.role()
    except NotRunning:
        return False
    except ControlError:
        pass  # it runs; each question says what is wrong
    return True


@contextmanager
def _lock_file(state: Path) -> Generator[int]:
    lock = os.open(state / FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield lock
    finally:
        os.close(lock)


def _taken(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
