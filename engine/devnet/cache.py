"""Where what takes long to make is kept between runs. Deleting the folder is always safe."""

import os
import platform
import tempfile
from pathlib import Path

from engine.domain.errors import DevnetError


def cache_folder() -> Path:
    """Return the folder for caches, made if need be: $KETCH_CACHE, else `ketch` in the system's place for caches.

    Raises `DevnetError` when it cannot be made.
    """
    named = os.environ.get("KETCH_CACHE")
    folder = Path(named) if named else _user_caches() / "ketch"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        measured = f"{folder}: {error.strerror}"
        raise DevnetError("no folder to cache in", measured=measured, next_step="name one with KETCH_CACHE") from error
    return folder


def write_atomically(path: Path, content: bytes) -> None:
    """Write `path` so that a reader sees the old content or the new, never a part; raises `DevnetError`."""
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as draft:
            draft.write(content)
        Path(draft.name).replace(path)
    except OSError as error:
        raise DevnetError("a file cannot be written", measured=f"{path}: {error.strerror}") from error


def _user_caches() -> Path:
    if platform.system() == "Darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
