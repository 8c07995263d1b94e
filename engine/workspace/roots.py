"""Reading a file under a declared root, and no byte of any other.

A name is walked part by part from the root's own descriptor: no part may be a link, "..", or lead elsewhere. What was
opened must be a plain file with one name only, and after it was read the kernel must still say that it lies at that
very place beneath the root; else nothing of it is returned. Nothing is looked at before it is opened.
"""

import os
import re
import stat
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.domain.errors import ControlError
from engine.workspace.names import STATE_SHOWS, spelled, withheld

STATE_ROOT: Final = "state"
DOCS_ROOT: Final = "docs"
MAX_PAGE_BYTES: Final = 32_768
MAX_SEARCHED_BYTES: Final = 1 << 20
"""How far into a file it is looked whether it holds a key."""
DESCRIPTORS: Final = Path("/proc/self/fd")
FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
KEY: Final = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY|\"ciphertext\"\s*:|AGE-SECRET-KEY-|\bxprv[0-9A-Za-z]{60}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Roots:
    """The folders that files are served from, by name, and the state folder, of which little is ever served."""

    folders: Mapping[str, Path]
    state: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A part of a file: its bytes from `offset` on, and the size of the whole."""

    data: bytes
    offset: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An opened folder: its descriptor, where it lies as the kernel says it, and whether it is a state folder."""

    fd: int
    path: str
    is_state: bool


def declared(configured: Mapping[str, str], state: Path) -> Roots:
    """Name the roots: those of the settings, else the project's own docs where they are; and the state folder.

    Links in a root's own path are followed here, once: from then on the root is where it was.
    """
    docs = Path(__file__).parents[2] / "docs"
    folders = {name: Path(path).resolve() for name, path in configured.items()}
    if not folders and (docs / "configuration.md").is_file():
        folders[DOCS_ROOT] = docs.resolve()
    return Roots(folders={**folders, STATE_ROOT: state.resolve()}, state=state.resolve())


@contextmanager
def entered(roots: Roots, root: str) -> Generator[Place]:
    """Open a root; raises `ControlError` when there is none of that name, or it lies within the state folder."""
    folder = roots.folders.get(root)
    if folder is None:
        raise ControlError(
            "there is no such root",
            measured=root,
            limit=", ".join(roots.folders),
            next_step="name one",
            code="not_found",
        )
    with ExitStack() as opened:
        try:
            fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            opened.callback(os.close, fd)
            path, is_state = _where(fd), _is_state(fd, roots)
        except OSError as error:
            raise _refused(root, error.strerror or "it cannot be opened") from error
        if path != str(folder):
            raise _refused(root, "the root was moved, or replaced by a link, since it was declared")
        if folder.is_relative_to(roots.state) and folder != roots.state:
            raise _refused(root, "it lies within the state folder")
        yield Place(fd=fd, path=path, is_state=is_state)


@contextmanager
def inside(place: Place, part: str, roots: Roots) -> Generator[Place]:
    """Open a folder of an opened one; raises `OSError` for a link or what is no folder, `ControlError` if withheld."""
    if place.is_state or withheld(part):
        raise _refused(part, "it is never served")
    fd = os.open(part, FOLDER, dir_fd=place.fd)
    try:
        yield Place(fd=fd, path=f"{place.path}/{part}", is_state=_is_state(fd, roots))
    finally:
        os.close(fd)


def taken(place: Place, part: str, *, offset: int = 0, limit: int) -> Page:
    """Read a part of a file of an opened folder; raises `OSError`, or `ControlError` for what is not served."""
    if withheld(part) or (place.is_state and part not in STATE_SHOWS):
        raise _refused(part, "it is never served")
    fd = os.open(part, FILE, dir_fd=place.fd)
    try:
        about = os.fstat(fd)
        if not stat.S_ISREG(about.st_mode):
            raise _refused(part, "it is not a file")
        if about.st_nlink != 1:
            raise _refused(part, "it has a second name, which may lie anywhere")
        data = _read(fd, offset, limit)
        whole = offset == 0 and len(data) >= min(about.st_size, MAX_SEARCHED_BYTES)
        if KEY.search(data) or (not whole and KEY.search(_read(fd, 0, MAX_SEARCHED_BYTES))):
            raise _refused(part, "it holds a key")
        if _where(fd) != f"{place.path}/{part}":  # a file whose name is gone says so here, for ever
            raise _refused(part, "it was moved while it was read")
        return Page(data=data, offset=offset, size=about.st_size)
    finally:
        os.close(fd)


def read(roots: Roots, name: str, *, offset: int = 0, limit: int = MAX_PAGE_BYTES) -> Page:
    """Read a part of a file by name; raises `ControlError` in one line for whatever is not a file under the root."""
    root, *folders, last = spelled(name)
    with ExitStack() as opened:
        try:
            place = opened.enter_context(entered(roots, root))
            for part in folders:
                place = opened.enter_context(inside(place, part, roots))
            return taken(place, last, offset=offset, limit=min(limit, MAX_PAGE_BYTES))
        except OSError as error:
            raise _refused(name, "there is no such file, or a link is on the way") from error


def _read(fd: int, offset: int, limit: int) -> bytes:
    """Read until the limit or the end: one call may return less."""
    found = bytearray()
    while len(found) < limit and (more := os.pread(fd, limit - len(found), offset + len(found))):
        found += more
    return bytes(found)


def _where(fd: int) -> str:
    """Ask the kernel where an open file lies; raises `OSError` where there is no /proc: then nothing is served."""
    return str((DESCRIPTORS / str(fd)).readlink())


def _is_state(fd: int, roots: Roots) -> bool:
    """Whether an opened folder is the state folder, or another engine's, whatever path led to it."""
    with suppress(FileNotFoundError):
        if os.path.samestat(os.fstat(fd), roots.state.stat()):
            return True
    with suppress(FileNotFoundError):
        os.stat("journal.sqlite", dir_fd=fd, follow_symlinks=False)
        return True
    return False


def _refused(name: str, why: str) -> ControlError:
    return ControlError(
        f"this is not served: {why}", measured=name, next_step="take a name from workspace_files", code="not_found"
    )
