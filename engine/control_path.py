"""Sockets that only their owner can open: UNIX socket paths are short, folders of state need not be."""

import os
import socket
import stat
import struct
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from engine.domain.errors import ControlError

MAX_PATH_BYTES = 100  # sun_path holds 104 bytes on macOS and 108 on Linux, the closing zero included


@contextmanager
def reachable(path: Path) -> Generator[str]:
    """Yield a name of `path` short enough to bind or connect: itself, or one through a private link to its folder.

    The link is gone afterwards; a bound socket stays where `path` says. Raises `OSError`.
    """
    if len(os.fsencode(path)) <= MAX_PATH_BYTES:
        yield str(path)
        return
    base = tempfile.gettempdir()
    if len(os.fsencode(base)) > MAX_PATH_BYTES // 2:
        base = "/tmp"  # noqa: S108 - only a private folder inside it is used
    with tempfile.TemporaryDirectory(prefix="ketch-", dir=base) as folder:
        link = Path(folder, "s")
        link.symlink_to(path.parent.absolute())
        yield str(link / path.name)


def bind_private(path: Path, *, backlog: int, who: str = "engine") -> socket.socket:
    """Bind and listen at `path`, mode 0600; a dead process's socket is replaced.

    Raises `ControlError` when a living one answers there or it cannot be bound.
    """
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with reachable(path) as short:
            _clear(path, short, who)
            bound.bind(short)
        path.chmod(0o600)  # nobody can connect before listen()
        bound.listen(backlog)
        bound.setblocking(False)
    except OSError as error:
        bound.close()
        raise ControlError(f"cannot open {path} ({error.strerror})", next_step="choose another --state") from error
    except ControlError:
        bound.close()
        raise
    return bound


def _clear(path: Path, short: str, who: str) -> None:
    """Remove what a dead process left at `path`; raises `ControlError` for anything else."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ControlError(f"{path} is in the way and not a socket", next_step="move it")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(short)
        except ConnectionRefusedError:
            path.unlink()
            return
    raise ControlError(f"another {who} answers on {path}", next_step="stop it, or choose another --state")


def peer_of(peer: socket.socket) -> tuple[int, int] | None:
    """Ask the kernel whose process is at the other end: (pid, uid), or None where it does not say."""
    if sys.platform == "linux":
        pid, uid, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        return pid, uid
    if sys.platform == "darwin":
        _, uid = struct.unpack("2I", peer.getsockopt(0, 0x001, 76)[:8])  # SOL_LOCAL, LOCAL_PEERCRED, struct xucred
        (pid,) = struct.unpack("i", peer.getsockopt(0, 0x002, 4))  # LOCAL_PEERPID
        return pid, uid
    return None
