"""A store of the archive: a projection of the journal, kept apart from it and asked by agents.

It can be deleted at any time: the same entries make the same store. What agents write is an entry of kind `note`
first; the store applies it like any other entry, and what came of it is asked for by the entry's seq.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from pydantic import BaseModel

from engine.journal.journal import Entry

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a store has read: the last entry's seq and its hash (0x hex), by which another history is told apart."""

    seq: int
    hash: str


BEGINNING: Final = Cursor(0, "")


class Store(Protocol):
    """A projection with its cursor in it. Made and used in one thread, which is its own."""

    def cursor(self) -> Cursor:
        """Say how far it has read; `BEGINNING` for a new store and for one that another version of the code wrote."""
        ...

    def take(self, entries: Sequence[Entry]) -> None:
        """Apply entries in order and move the cursor with them; what a crash cut short is applied again, to no harm."""
        ...

    def result(self, seq: int) -> Answer:
        """Say what came of a recent note; raises `ControlError` where its operations were refused."""
        ...

    def counts(self) -> Mapping[str, int]:
        """Say how much it holds, by what that is."""
        ...

    def close(self) -> None:
        """Close."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a store can be asked: its parameters, and the function that answers. Reads only."""

    params: type[BaseModel]
    answer: Callable[[Any, Any], Answer]
    """(store, params) -> answer; raises `ControlError`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """A row of the archive's table: how a store is opened in a folder of its own, and what it can be asked."""

    open: Callable[[Path, Any], Store]
    """(folder, the settings `archive`) -> store. Heavy libraries are imported in here. A store that cannot be opened
    (any exception) is deleted with its folder and made anew from the journal."""
    questions: Mapping[str, Question]
