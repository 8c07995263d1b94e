"""A store kept up with the journal in a thread of its own: entries in batches, questions in between."""

import logging
import shutil
from asyncio import wrap_future
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeVar

import anyio
from pydantic import BaseModel, ConfigDict, ValidationError

from engine.domain.errors import ControlError
from engine.journal.journal import Entry, Journal
from engine.journal.stores import Answer, Cursor, Shelf, Store

BATCH: Final = 500
"""Entries taken at once: a question waits for no more than that."""
POLL_S: Final = 0.2
RETRY_S: Final = 2.0
Model = TypeVar("Model", bound=BaseModel)
RESULT: Final = "result"
"""The one question that every store is asked: what came of a note."""

_log = logging.getLogger(__name__)


class ResultParams(BaseModel):
    """The note that is asked about."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    seq: int


class Projected:
    """A store and its thread. Everything that touches the store runs there."""

    def __init__(self, name: str, shelf: Shelf, *, folder: Path, journal: Path, terms: Any) -> None:
        self._name = name
        self._shelf = shelf
        self._folder = folder
        self._journal = journal
        self._terms = terms
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._store: Store | None = None
        self._seen: tuple[int, ...] = ()

    async def follow(self) -> None:
        """Keep the store up with the journal until cancelled; what fails is logged and tried again."""
        while True:
            try:
                more = await wrap_future(self._thread.submit(self._step))
            except Exception:  # noqa: BLE001 - a store that fails is not the engine's business, and is tried again
                _log.exception("archive: %s could not take entries", self._name)
                await anyio.sleep(RETRY_S)
                continue
            if not more:
                await anyio.sleep(POLL_S)

    async def ask(self, question: str, params: Mapping[str, Any], *, at_least: int) -> Answer:
        """Answer a question on a store that has read the journal up to `at_least`; raises `ControlError`."""
        return await wrap_future(self._thread.submit(self._answer, question, params, at_least))

    def _answer(self, question: str, params: Mapping[str, Any], at_least: int) -> Answer:
        """In the store's thread."""
        store = self._opened()
        while (at := store.cursor().seq) < at_least:
            if not self._take(store) or store.cursor().seq == at:
                raise ControlError(
                    f"the {self._name} store is behind the journal",
                    measured=f"entry {at}",
                    limit=f"entry {at_least}",
                    next_step="ask again in a second",
                    code="archive_behind",
                )
            store = self._opened()
        if question == RESULT:
            return store.result(_read(ResultParams, params).seq)
        row = self._shelf.questions.get(question)
        if row is None:
            raise ControlError(f"{self._name} has no question {question!r}", code="unknown_method")
        return row.answer(store, _read(row.params, params))

    def _step(self) -> bool:
        """Take a batch if the journal's files moved; True when there may be more. In the store's thread."""
        store = self._opened()
        marks = _marks(self._journal)
        if marks == self._seen:
            return False
        if self._take(store):
            return True
        self._seen = marks
        return False

    def _take(self, store: Store) -> bool:
        """Apply one batch; False at the journal's end. A store of another history is begun anew."""
        cursor = store.cursor()
        with Journal.read(self._journal) as journal:
            known, entries = _batch(journal, cursor)
        if not known:
            _log.warning("archive: %s is of another history than the journal: it is made anew", self._name)
            self._begin_anew()
            return True
        if entries:
            store.take(entries)
        return bool(entries)

    def _opened(self) -> Store:
        if self._store is None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                self._store = self._shelf.open(self._folder, self._terms)
            except Exception:  # noqa: BLE001 - whatever is wrong with it, the journal makes it whole again
                _log.exception("archive: %s cannot be opened: it is made anew", self._name)
                self._begin_anew()
                self._store = self._shelf.open(self._folder, self._terms)
        return self._store

    def _begin_anew(self) -> None:
        if self._store is not None:
            self._store.close()
        self._store, self._seen = None, ()
        shutil.rmtree(self._folder)
        self._folder.mkdir(mode=0o700, parents=True)

    def catch_up(self) -> Store:
        """Bring the store up to the journal in the caller's thread, for when no engine runs; the caller closes it."""
        while self._take(self._opened()):
            pass
        return self._opened()

    async def aclose(self) -> None:
        """Close the store, once what it is doing is done."""
        await wrap_future(self._thread.submit(self._close))
        self._thread.shutdown()

    def _close(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None


def _batch(journal: Journal, cursor: Cursor) -> tuple[bool, list[Entry]]:
    """Read what comes after the cursor; False when the entry that it stands at is another one."""
    if cursor.seq == 0:
        return True, list(islice(journal.entries(), BATCH))
    entries = list(journal.entries(after_seq=cursor.seq - 1, limit=BATCH + 1))
    return bool(entries) and entries[0].hash == cursor.hash, entries[1:]


def _marks(journal: Path) -> tuple[int, ...]:
    """Say whether anything was written, without opening the journal: sizes and times of its two files."""
    marks: list[int] = []
    for path in (journal, journal.with_name(journal.name + "-wal")):
        try:
            found = path.stat()
        except FileNotFoundError:
            continue
        marks += [found.st_ino, found.st_size, found.st_mtime_ns]
    return tuple(marks)


def _read(model: type[Model], params: Mapping[str, Any]) -> Model:
    try:
        return model.model_validate(dict(params), strict=False)
    except ValidationError as error:
        raise ControlError(
            "the archive was asked wrongly", measured=error.error_count(), code="invalid_params"
        ) from None
