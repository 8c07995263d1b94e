"""The control socket's address: UNIX socket paths are short, folders of state need not be."""

import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

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
