"""A store that counts entries, kept in one file: the smallest that the archive can host."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from engine.domain.errors import ControlError
from engine.journal.journal import Entry
from engine.journal.stores import BEGINNING, Answer, Cursor, Question, Shelf


class Tally:
    """Counts notes by text; refuses the text "bad"."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "tally.json"
        self.held: dict[str, Any] = json.loads(self._file.read_text()) if self._file.exists() else {"seen": []}

    def cursor(self) -> Cursor:
        return Cursor(*self.held["at"]) if "at" in self.held else BEGINNING

    def take(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            if entry.kind == "note":
                self.held["seen"].append([entry.seq, entry.body["asked"]["text"]])
        self.held["at"] = [entries[-1].seq, entries[-1].hash]
        self._file.write_text(json.dumps(self.held))

    def result(self, seq: int) -> Answer:
        ((_, text),) = [row for row in self.held["seen"] if row[0] == seq]
        if text == "bad":
            raise ControlError("that is bad", code="not_found")
        return {"text": text}

    def counts(self) -> dict[str, int]:
        return {"notes": len(self.held["seen"])}

    def close(self) -> None:
        self.held = {}


class Asked(BaseModel):
    text: str


SHELF = Shelf(
    open=lambda folder, _terms: Tally(folder),
    questions=MappingProxyType(
        {
            "how_many": Question(
                params=Asked,
                answer=lambda tally, asked: {"times": [text for _, text in tally.held["seen"]].count(asked.text)},
            )
        }
    ),
)
