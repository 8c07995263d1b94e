"""What the shelf holds, once more, as a file that is read in a second: a frame for each of its writes.

A frame is on disk before Chroma's write of the same. Opening takes the frames up to the one whose mark is that of
Chroma's state and cuts off the rest. Chroma is the truth: what is torn, of another version or collection, or of another
number of records is not used, and made again from Chroma.
"""

import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

FRAMES_FILE: Final = "frames"
VERSION: Final = 1
MOST_DEAD: Final = 20_000
"""Rows that later frames replaced, beyond as many as are alive: then the file is written anew when it is closed."""
_HEAD: Final = 18
"""A checksum and a length, eight hex digits each, and what parts them."""


class Row(msgspec.Struct, frozen=True, array_like=True):
    """A record: `body` is its JSON as it is."""

    id: str
    kind: str
    body: msgspec.Raw


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """What a frame goes with: the collection, what is in it, and how far the journal was read."""

    collection: str
    format: int
    embedding: str
    seq: int
    hash: str
    version: int = VERSION


class _Frame(msgspec.Struct, frozen=True):
    mark: Mark
    rows: list[Row]
    deleted: list[str]


_DECODER: Final = msgspec.json.Decoder(_Frame)


class Frames:
    """The file of a folder. Use from one thread."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FRAMES_FILE
        self._rows = 0
        """Rows in the file, those that later ones replaced or deleted included."""

    def load(self, mark: Mark, count: int) -> list[Row] | None:
        """Return the records as they were at `mark`; None when the file does not hold just so many of them."""
        alive: dict[str, Row] = {}
        end, self._rows = 0, 0
        try:
            for after, frame in _frames(self._path.read_bytes()):
                if end and frame.mark != mark:
                    break
                alive.update((row.id, row) for row in frame.rows)
                for id_ in frame.deleted:
                    alive.pop(id_, None)
                self._rows += len(frame.rows)
                end = after if frame.mark == mark else 0
        except FileNotFoundError:
            return None
        if not end or len(alive) != count:
            return None
        os.truncate(self._path, end)
        return list(alive.values())

    def append(self, mark: Mark, rows: Sequence[Row], deleted: Sequence[str]) -> None:
        """Add a frame; on disk when it returns."""
        with self._path.open("ab") as file:
            _put(file.fileno(), _Frame(mark=mark, rows=list(rows), deleted=list(deleted)))
        self._rows += len(rows)

    def begin(self, mark: Mark, rows: Iterable[Row]) -> None:
        """Write the file anew with all records: under another name until it is whole and on disk."""
        new = self._path.with_suffix(".new")
        held = list(rows)
        with new.open("wb") as file:
            _put(file.fileno(), _Frame(mark=mark, rows=held, deleted=[]))
        new.replace(self._path)
        _sync(self._path.parent)
        self._rows = len(held)

    def wasteful(self, count: int) -> bool:
        """Say whether most of the file is what later frames replaced, when `count` records are alive."""
        return self._rows - count > count + MOST_DEAD

    def remove(self) -> None:
        """Take the file away: it is of another collection."""
        self._path.unlink(missing_ok=True)
        self._rows = 0


def _put(file: int, frame: _Frame) -> None:
    body = msgspec.json.encode(frame)
    data = memoryview(b"%08x %08x\n%b\n" % (zlib.crc32(body), len(body), body))
    while data:
        data = data[os.write(file, data) :]
    os.fsync(file)


def _sync(folder: Path) -> None:
    names = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(names)
    finally:
        os.close(names)


def _frames(data: bytes) -> Iterator[tuple[int, _Frame]]:
    """Read frames, each with where it ends, until the end or one that is torn."""
    view = memoryview(data)
    at = 0
    while at + _HEAD <= len(data):
        try:
            check, length = int(data[at : at + 8], 16), int(data[at + 9 : at + 17], 16)
            body = view[at + _HEAD : at + _HEAD + length]
            after = at + _HEAD + length + 1
            if after > len(data) or zlib.crc32(body) != check:
                return
            frame = _DECODER.decode(body)
        except (ValueError, msgspec.DecodeError):
            return
        yield after, frame
        at = after
