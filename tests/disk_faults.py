"""A disk that fails under SQLite in this very process: full, broken, torn or not synced, at a place drawn beforehand.

Writes fail where SQLite calls the system (`xSetSystemCall`, its own hook for crash tests), so its own handling
of errno is what runs. A sync that fails is a method of the open write-ahead log: SQLite has no hook for fsync.
"""

from __future__ import annotations

import _sqlite3
import ctypes
import errno
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

Fault = Literal["full", "write", "torn", "sync"]
FAULTS: tuple[Fault, ...] = ("full", "write", "torn", "sync")
ERRNO = {"full": errno.ENOSPC, "write": errno.EIO, "torn": errno.EIO}
IOERR_FSYNC = 1034
JOURNAL_POINTER = 28
SYNC_AT, METHODS = 5, 19
"""xSync's place among the words of `sqlite3_io_methods`, and how many there are."""

_METHODS = (
    *("xOpen", "xDelete", "xAccess", "xFullPathname", "xDlOpen", "xDlError", "xDlSym", "xDlClose", "xRandomness"),
    *("xSleep", "xCurrentTime", "xGetLastError", "xCurrentTimeInt64", "xSetSystemCall", "xGetSystemCall"),
)


class _Vfs(ctypes.Structure):
    _fields_ = (
        ("iVersion", ctypes.c_int),
        ("szOsFile", ctypes.c_int),
        ("mxPathname", ctypes.c_int),
        ("pNext", ctypes.c_void_p),
        ("zName", ctypes.c_char_p),
        ("pAppData", ctypes.c_void_p),
        *((name, ctypes.c_void_p) for name in _METHODS),
    )


_WRITES = ctypes.CFUNCTYPE(
    ctypes.c_ssize_t, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_longlong, use_errno=True
)
_SYNCS = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int)


class FailingDisk:
    """Fails the `after`-th call that its fault is about on the file named `name`, and every one after it."""

    def __init__(self, fault: Fault, after: int, *, name: str, fired: Callable[[], None]) -> None:
        self.fault = fault
        self._left = after
        self._name = name
        self._fired = fired
        self._kept: list[Any] = []  # SQLite holds pointers into these

    def install(self, db: sqlite3.Connection) -> None:
        """Begin to count, on this connection for syncs and in the whole process for the rest."""
        if self.fault == "sync":
            self._fail_syncs(db)
        else:
            self._fail_writes(b"pwrite64")

    def _fails(self) -> bool:
        self._left -= 1
        if self._left == 0:
            self._fired()
        return self._left <= 0

    def _fail_writes(self, call: bytes) -> None:
        library = ctypes.CDLL(_sqlite3.__file__)
        library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
        vfs = library.sqlite3_vfs_find(None).contents
        get = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)(vfs.xGetSystemCall)
        put = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)(vfs.xSetSystemCall)
        real = _WRITES(get(ctypes.byref(vfs), call))

        def writes(fd: int, buffer: int, size: int, at: int) -> int:
            if not self._is_ours(fd) or not self._fails():
                return real(fd, buffer, size, at)
            if self.fault == "torn" and self._left == 0:  # half of it is on the disk, and nothing more
                real(fd, buffer, size // 2, at)
            ctypes.set_errno(ERRNO[self.fault])
            return -1

        hook = _WRITES(writes)
        assert put(ctypes.byref(vfs), call, ctypes.cast(hook, ctypes.c_void_p)) == 0
        self._kept += [hook, real]

    def _fail_syncs(self, db: sqlite3.Connection) -> None:
        library = ctypes.CDLL(_sqlite3.__file__)
        handle = ctypes.c_void_p.from_address(id(db) + object.__basicsize__)
        file = ctypes.c_void_p()
        assert library.sqlite3_file_control(handle, b"main", JOURNAL_POINTER, ctypes.byref(file)) == 0
        held = ctypes.c_void_p.from_address(file.value or 0)
        methods = (ctypes.c_void_p * METHODS).from_address(held.value or 0)
        copied = (ctypes.c_void_p * METHODS)(*methods)
        real = _SYNCS(methods[SYNC_AT])
        hook = _SYNCS(lambda of, flags: IOERR_FSYNC if self._fails() else real(of, flags))
        copied[SYNC_AT] = ctypes.cast(hook, ctypes.c_void_p).value
        held.value = ctypes.addressof(copied)
        self._kept += [hook, real, copied]

    def _is_ours(self, fd: int) -> bool:
        return Path(f"/proc/self/fd/{fd}").readlink().name == self._name
