"""Where what takes long to make is kept between runs. Deleting the folder is always safe."""

import os
import platform
import tempfile
from pathlib import Path


def cache_folder() -> Path:
    """Return the folder for caches, made if need be: $KETCH_CACHE, else `ketch` in the system's place for caches."""
    named = os.environ.get("KETCH_CACHE")
    folder = Path(named) if named else _user_caches() / "ketch"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write_atomically(path: Path, content: bytes) -> None:
    """Write `path` so that a reader sees the old content or the new, never a part."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as draft:
        draft.write(content)
    Path(draft.name).replace(path)


def _user_caches() -> Path:
    if platform.system() == "Darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
