"""Look at the bytes of a closed journal that no row uses: they are zero as SQLite wrote them, or somebody was here.

File format: https://www.sqlite.org/fileformat2.html. Only the pages of the table `entries` are walked, which are
nearly all of the file; rows, indexes and links between pages are SQLite's own to check.
"""

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path

PAGE = 4096
INTERIOR_TABLE = 5
LEAF_TABLE = 13


def void_damage(path: Path, root: int) -> Iterator[tuple[int | None, str]]:
    """Yield (nearest row, what) for every page of `entries` on which an unused byte is set; `root` is its first page.

    Pages that do not link up yield nothing here: SQLite says so itself.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        yield from _walk(data, root, set())


def _walk(data: mmap.mmap, number: int, seen: set[int]) -> Iterator[tuple[int | None, str]]:
    page = data[(number - 1) * PAGE : number * PAGE]
    if number in seen or len(page) < PAGE:
        return
    seen.add(number)
    kind, freeblock, count, content = struct.unpack(">BHHH", page[:7])
    if kind == INTERIOR_TABLE:
        for i in range(count):
            cell = int.from_bytes(page[12 + 2 * i : 14 + 2 * i], "big")
            yield from _walk(data, int.from_bytes(page[cell : cell + 4], "big"), seen)
        yield from _walk(data, int.from_bytes(page[8:12], "big"), seen)
    elif kind == LEAF_TABLE:
        row: int | None = None
        pointers = [int.from_bytes(page[8 + 2 * i : 10 + 2 * i], "big") for i in range(count)]
        for cell in pointers:
            row, tail = _overflow_tail(data, page + bytes(65536), cell)
            if any(tail):
                yield row, f"page {number}'s overflow has {sum(map(bool, tail))} unused bytes set"
        gap = page[8 + 2 * count : content or PAGE]
        if any(gap) or freeblock:
            yield row, f"page {number} has {sum(map(bool, gap))} unused bytes set"


def _overflow_tail(data: mmap.mmap, page: bytes, cell: int) -> tuple[int, bytes]:
    """Return a cell's row and the unused end of its last overflow page."""
    payload, at = _varint(page, cell)
    row, at = _varint(page, at)
    usable, most = PAGE, PAGE - 35
    if payload <= most or payload > len(data):
        return row, b""
    least = (usable - 12) * 32 // 255 - 23
    local = least + (payload - least) % (usable - 4)
    local = local if local <= most else least
    left, link = payload - local, int.from_bytes(page[at + local : at + local + 4], "big")
    while left > usable - 4 and link:
        left -= usable - 4
        link = int.from_bytes(data[(link - 1) * PAGE : (link - 1) * PAGE + 4], "big")
    return row, data[(link - 1) * PAGE + 4 + left : link * PAGE]


def _varint(page: bytes, at: int) -> tuple[int, int]:
    value = 0
    for i in range(8):
        value = value << 7 | page[at + i] & 0x7F
        if page[at + i] < 0x80:
            return value, at + i + 1
    return value << 8 | page[at + 8], at + 9
