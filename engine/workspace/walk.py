"""Every file that is served under the roots, within bounds on how many, how deep and how much."""

import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from engine.domain.errors import ControlError
from engine.workspace.names import MAX_DEPTH, PASSED_OVER, spelled, withheld
from engine.workspace.roots import Place, Roots, entered, inside, taken

MAX_FILES: Final = 5_000
MAX_FILE_BYTES: Final = 512 * 1024
MAX_ALL_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that is served: its name, its size, and its bytes unless it is longer than what is looked into."""

    name: str
    size: int
    data: bytes | None


@dataclass(slots=True)
class Walk:
    """A walk over the roots; afterwards `left_out` counts what was not served, by reason."""

    roots: Roots
    left_out: Counter[str] = field(default_factory=Counter[str])
    names: set[str] = field(default_factory=set[str])
    """Everything met, served or not: what a document may name."""
    files: int = 0
    bytes: int = 0

    def all(self) -> Iterator[File]:
        """Yield every file, root by root, names in order."""
        for root in sorted(self.roots.folders):
            try:
                with entered(self.roots, root) as place:
                    yield from self._under(place, root)
            except ControlError as refused:
                self.left_out[refused.cause()] += 1

    def _under(self, place: Place, name: str) -> Iterator[File]:
        with os.scandir(place.fd) as found:
            parts = sorted(one.name for one in found)
        for part in parts:
            if self.files >= MAX_FILES or self.bytes >= MAX_ALL_BYTES:
                self.left_out["beyond the bounds of one listing"] += 1
                return
            self.names.add(f"{name}/{part}")
            if withheld(part) or part in PASSED_OVER:
                self.left_out["never served, or made by others"] += 1
                continue
            try:
                full = "/".join(spelled(f"{name}/{part}"))
                yield from self._one(place, part, full)
            except ControlError:
                self.left_out["not served: a name, a second name, a key, or a state folder"] += 1
            except OSError:
                self.left_out["a link, or gone"] += 1

    def _one(self, place: Place, part: str, name: str) -> Iterator[File]:
        mode = os.stat(part, dir_fd=place.fd, follow_symlinks=False).st_mode
        if stat.S_ISDIR(mode) and name.count("/") < MAX_DEPTH - 1:
            with inside(place, part, self.roots) as below:
                yield from self._under(below, name)
            return
        page = taken(place, part, limit=MAX_FILE_BYTES)
        self.files += 1
        self.bytes += len(page.data)
        yield File(name=name, size=page.size, data=page.data if len(page.data) >= page.size else None)
