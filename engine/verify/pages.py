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
HEADER_CONSTANTS: tuple[tuple[int, bytes], ...] = (
    (0, b"SQLite format 3\x00"),
    (16, PAGE.to_bytes(2, "big")),
    (18, bytes([1, 1, 0, 64, 32, 32])),  # rollback mode, as a closed journal is; payload fractions
    (48, bytes(8)),  # no cache size, no auto-vacuum
    (56, (1).to_bytes(4, "big")),  # UTF-8
    (64, bytes(4)),
    (72, bytes(20)),
)
"""(offset, bytes) of the file header that never change."""


def void_damage(path: Path, root: int) -> Iterator[tuple[int | None, str]]:
    """Yield (nearest row, what) for every place where an unused byte of `entries` or a header constant is not its own.

    `root` is the table's first page. A file still in WAL mode, or whose pages do not link up, yields nothing here:
    the one is being written, of the other SQLite says so itself.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data[18:20] == b"\x02\x02":
            return
        for offset, constant in HEADER_CONSTANTS:
            if data[offset : offset + len(constant)] != constant:
                yield None, f"the file's header at byte {offset}"
        if data[24:28] != data[92:96]:
            yield None, "the file's change counters differ"
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
            row, tail = _overflow_tail(data, page, cell)
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
    if payload <= most:
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
