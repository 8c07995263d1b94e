"""What agents write: entries of kind `note` in the journal first, many at once, when the engine has nothing to decide.

The engine is the journal's one writer, so a note waits for it and never the other way round. A note holds what was
asked for; what came of it follows from the entries before it, and the store says that.
"""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import anyio
from anyio.to_thread import run_sync

from engine.domain.errors import ControlError, JournalError
from engine.domain.units import BlockRef
from engine.journal.canonical import Body, dumps, plain
from engine.journal.journal import Journal

BATCH: Final = 256
"""Notes of one transaction: one wait for the disk."""
BATCH_BYTES: Final = 1 << 20
APART_S: Final = 0.02
"""Between two transactions: however many write, the loop waits for the disk this seldom."""
QUIET_S: Final = 5.0
"""How long a note waits for a block to be dealt with, at most."""
LOOK_S: Final = 0.002


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """What may be written in a journal's life, in notes and bytes of their entries."""

    notes_per_principal: int
    bytes_per_principal: int
    bytes_in_all: int


@dataclass(slots=True)
class _Waiting:
    body: Body
    size: int
    seq: int | None = None
    fault: JournalError | None = None


class Notes:
    """Appends notes from the journal's own thread. `busy` says whether the loop deals with a block."""

    def __init__(
        self,
        journal: Journal,
        *,
        head: Callable[[], BlockRef],
        busy: Callable[[], bool],
        quotas: Quotas,
    ) -> None:
        self._journal = journal
        self._head = head
        self._busy = busy
        self._quotas = quotas
        self._waiting: list[_Waiting] = []
        self._turn = anyio.Lock()
        self._written_s = -math.inf
        self._notes: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()
        self._counted = anyio.Lock()
        self._known = False
        self.newest = 0
        """The last note's seq in this run: what a reader must have seen to see what was acknowledged."""

    async def write(self, principal: str, *, store: str, tool: str, asked: Body, unmetered: bool = False) -> int:
        """Write a note and return its seq once it is on the disk. `asked` is canonical: no floats.

        Raises `ControlError` over a quota, `JournalError` when the disk does not take it.
        """
        await self._count_once()
        head = plain(self._head())
        body: Body = {"principal": principal, "store": store, "tool": tool, "asked": plain(asked), "block": head}
        waiting = _Waiting(body, len(dumps(body)))
        self._check(principal, waiting.size, unmetered=unmetered)
        self._charge(principal, 1, waiting.size)
        self._waiting.append(waiting)
        try:
            async with self._turn:
                while waiting.seq is None and waiting.fault is None:
                    await self._quiet()
                    self._commit()
        finally:
            if waiting in self._waiting:  # its writer has left
                self._waiting.remove(waiting)
            if waiting.seq is None:
                self._charge(principal, -1, -waiting.size)
        if waiting.seq is None:
            raise waiting.fault or JournalError("the note was not written")
        return waiting.seq

    async def _quiet(self) -> None:
        """Wait until the last transaction is a while ago and no block waits for an answer."""
        await anyio.sleep(max(0.0, self._written_s + APART_S - anyio.current_time()))
        with anyio.move_on_after(QUIET_S):
            while self._busy():
                await anyio.sleep(LOOK_S)

    def _commit(self) -> None:
        """Write as many of those that wait as one transaction takes, the oldest first and one at least."""
        batch: list[_Waiting] = []
        size = 0
        while self._waiting and len(batch) < BATCH and (not batch or size + self._waiting[0].size <= BATCH_BYTES):
            batch.append(self._waiting.pop(0))
            size += batch[-1].size
        try:
            with self._journal.transaction():
                seqs = [self._journal.append("note", waiting.body).seq for waiting in batch]
        except JournalError as fault:
            for waiting in batch:
                waiting.fault = fault
            return
        finally:
            self._written_s = anyio.current_time()
        for waiting, seq in zip(batch, seqs, strict=True):
            waiting.seq = seq
        self.newest = seqs[-1]

    def _check(self, principal: str, size: int, *, unmetered: bool) -> None:
        quotas = self._quotas
        rows = (
            ("notes of this client", self._notes[principal] + 1, quotas.notes_per_principal, unmetered),
            ("bytes of this client's notes", self._bytes[principal] + size, quotas.bytes_per_principal, unmetered),
            ("bytes of all notes", self._bytes.total() + size, quotas.bytes_in_all, False),
        )
        for what, measured, limit, waived in rows:
            if measured > limit and not waived:
                raise ControlError(
                    f"too many {what}",
                    measured=measured,
                    limit=limit,
                    next_step="write less; the operator raises archive.note… settings",
                    code="over_quota",
                )

    def _charge(self, principal: str, notes: int, size: int) -> None:
        self._notes[principal] += notes
        self._bytes[principal] += size

    async def _count_once(self) -> None:
        """Add up what earlier runs wrote, at the first note, in a thread with a connection of its own."""
        async with self._counted:
            if not self._known:
                for principal, notes, size in await run_sync(self._count):
                    self._charge(principal, notes, size)
                self._known = True

    def _count(self) -> list[tuple[str, int, int]]:
        with Journal.read(self._journal.path) as journal:
            return journal.rows(
                "SELECT json_extract(CAST(body AS TEXT), '$.principal'), COUNT(*), SUM(LENGTH(body)) FROM entries"
                " WHERE kind = 'note' GROUP BY 1"
            )
