"""The seal of a closed journal: its file's digest, beside it. Even a byte that no row uses cannot change unseen.

It is broken before the journal is written again. The rows' own chain of hashes does not rest on it.
"""

import hashlib
import os
from pathlib import Path


def seal_of(path: Path) -> Path:
    """Name the seal of the journal at `path`."""
    return path.with_suffix(".seal")


def write_seal(path: Path) -> None:
    """Seal a journal that nobody has open; raises `OSError` when the disk does not take it."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    draft = seal_of(path).with_suffix(".seal.new")
    with draft.open("w", encoding="ascii") as out:
        out.write(digest + "\n")
        out.flush()
        os.fsync(out.fileno())
    draft.replace(seal_of(path))


def break_seal(path: Path) -> None:
    """Take the seal away, before the first write."""
    seal_of(path).unlink(missing_ok=True)
