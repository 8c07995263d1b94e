"""A store asked when neither engine nor archive runs: opened here, brought up to the journal, closed again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.archive.asking import ARCHIVE_FOLDER_NAME
from engine.archive.projecting import Projected
from engine.archive.table import SHELVES
from engine.config import Archive
from engine.journal.journal import JOURNAL_FILE, Journal
from engine.journal.lock import hold_state
from engine.journal.stores import Answer


def asked(state: Path, name: str, question: str, params: Mapping[str, Any]) -> Answer:
    """Answer a question to a store; raises `JournalError` without a journal, or while an archive has the folder."""
    with Journal.read(state / JOURNAL_FILE):
        folder = state / ARCHIVE_FOLDER_NAME
        folder.mkdir(mode=0o700, exist_ok=True)
    with hold_state(folder, who="archive"):
        row = SHELVES[name].questions[question]
        projected = Projected(name, SHELVES[name], folder=folder / name, journal=state / JOURNAL_FILE, terms=Archive())
        store = projected.catch_up()
        try:
            return row.answer(store, row.params.model_validate(dict(params)))
        finally:
            store.close()
