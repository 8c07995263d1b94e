"""What a state folder answers while no engine runs on it and no chain need be there: memory and knowledge graph."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def asked(state: Path, question: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Ask the store that answers `question`; raises `JournalError` without a journal, and the store's refusals."""
    from engine.archive import offline
    from engine.config import archive_terms

    return offline.asked(state, question, params, archive_terms(state, environ=os.environ))


def rebuilt(state: Path, store: str) -> dict[str, Any]:
    """Delete a store, make it again from the journal and say what it holds; raises `JournalError`."""
    from engine.archive import offline
    from engine.config import archive_terms

    return offline.rebuilt(state, store, archive_terms(state, environ=os.environ))
