"""One engine a hot key and chain, whatever the state folders: two would sign two transactions for one nonce."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from engine.domain.errors import ConfigError
from engine.domain.units import Address, ChainId

LOCKS_VARIABLE = "KETCH_LOCKS"


def locks_folder() -> Path:
    """Name the folder of locks, the same for every state folder of a user."""
    named = os.environ.get(LOCKS_VARIABLE)
    return Path(named) if named else platformdirs.user_data_path("ketch", appauthor=False) / "locks"


@contextmanager
def hold_key(chain: ChainId, address: Address, *, state: Path, role: str = "engine") -> Generator[None]:
    """Own a hot key on a chain while inside; raises `ConfigError` that names who holds it already.

    The kernel drops the lock when its owner dies, however it dies.
    """
    file = locks_folder() / f"{chain}-{address}.{role}.lock"
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as fault:
        raise ConfigError(
            f"the lock of the hot key cannot be made at {file}",
            measured=fault.strerror,
            next_step=f"name a folder of yours in {LOCKS_VARIABLE}, the same for every engine",
        ) from fault
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as fault:
            owner = os.pread(lock, 4096, 0).decode("utf-8", "replace").strip() or "unknown"
            raise ConfigError(
                f"another {role} uses the hot key {address} on chain {chain}",
                measured=owner,
                next_step="stop that one, or use another key here",
            ) from fault
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"pid {os.getpid()} on {state}\n".encode(), 0)
        yield
    finally:
        os.close(lock)
