"""One engine a state folder: a lock that the kernel drops when its owner dies, however it dies."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from engine.domain.errors import FolderOwned, JournalError

LOCK_FILE = "engine.lock"


@contextmanager
def hold_state(state: Path, *, who: str = "engine") -> Generator[None]:
    """Own a folder while inside; raises `FolderOwned` naming the owner's pid when another process does."""
    file = state / LOCK_FILE
    try:
        lock = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as fault:
        raise JournalError(
            f"the state folder {state} cannot be used",
            measured=fault.strerror,
            next_step="check that it exists and is yours to write, or choose another --state",
        ) from fault
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as fault:
            owner = os.pread(lock, 32, 0).decode("ascii", "replace").strip() or "unknown"
            raise FolderOwned(
                f"the state folder {state} is owned by another {who}",
                measured=f"pid {owner}",
                next_step=f"stop that {who}, or choose another --state",
            ) from fault
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode("ascii"), 0)
        yield
    finally:
        os.close(lock)
