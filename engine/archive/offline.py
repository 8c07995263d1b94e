"""Stores asked when neither engine nor archive runs: opened here, brought up to the journal, closed again."""

import shutil
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from engine.archive.asking import ARCHIVE_FOLDER_NAME, turned_off
from engine.archive.projecting import Projected
from engine.archive.table import SHELVES
from engine.config import Archive
from engine.journal.journal import JOURNAL_FILE, Journal
from engine.journal.lock import hold_state
from engine.journal.papered import is_paper
from engine.journal.stores import Answer, Store
from engine.params import parsed

STORE_OF: Final[Mapping[str, str]] = MappingProxyType(
    {question: name for name, shelf in SHELVES.items() for question in shelf.questions}
)
"""Question -> the store that answers it. The engine's methods that ask a store are named as its questions are."""


def asked(state: Path, question: str, params: Mapping[str, Any], terms: Archive) -> Answer:
    """Answer as a running engine would; raises `ControlError`, and what `_opened` raises."""
    if not terms.run:
        raise turned_off()
    name = STORE_OF[question]
    row = SHELVES[name].questions[question]
    given = parsed(row.params, params, method=question, example={})
    with _opened(state, name, terms) as store:
        answer = row.answer(store, given)
    with Journal.read(state / JOURNAL_FILE) as journal:
        return {"paper": True} | answer if is_paper(journal) else answer


def rebuilt(state: Path, name: str, terms: Archive) -> Answer:
    """Delete a store and make it again from the journal; returns what it then holds. Raises what `_opened` raises."""
    with _opened(state, name, terms, anew=True) as store:
        return {**store.counts(), "journal_seq": store.cursor().seq}


@contextmanager
def _opened(state: Path, name: str, terms: Archive, *, anew: bool = False) -> Generator[Store]:
    """Hold a store, up to the journal; raises `JournalError` without a journal, or while an archive has the folder."""
    with Journal.read(state / JOURNAL_FILE):
        folder = state / ARCHIVE_FOLDER_NAME
        folder.mkdir(mode=0o700, exist_ok=True)
    with hold_state(folder, who="archive"):
        if anew and (folder / name).exists():
            shutil.rmtree(folder / name)
        journal = state / JOURNAL_FILE
        store = Projected(name, SHELVES[name], folder=folder / name, journal=journal, terms=terms).catch_up()
        try:
            yield store
        finally:
            store.close()
