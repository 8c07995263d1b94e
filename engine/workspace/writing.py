"""A file written whole or not at all."""

import os
import stat
from pathlib import Path


def written(path: Path, text: str) -> None:
    """Put a new text in a file's place, whole or not at all, with the same rights; on the disk when it returns."""
    fresh = path.with_name(f"{path.name}.new")
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        if path.exists():
            os.fchmod(fd, stat.S_IMODE(path.stat().st_mode))
        file.write(text)
        file.flush()
        os.fsync(fd)
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
