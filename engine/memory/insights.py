"""Conclusions that agents and people wrote: with evidence, confidence and an end; corrected, never overwritten.

An insight is an entry of kind `note` in the journal. A correction is a further one that names what it corrects, so that
every version stays with its author.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from engine.domain.errors import ControlError
from engine.journal.canonical import Body

STORE: Final = "memory"
CORRECT: Final = "correct_insight"
DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Insight:
    """One version. `evidence` are journal seqs and ids of records; confidence is percent; `expires_s` is chain time."""

    id: str
    seq: int
    author: str
    text: str
    evidence: tuple[str, ...]
    confidence: int
    block: int
    time_s: int
    expires_s: int | None
    corrects: str | None = None
    corrected_by: str | None = None


class Insights:
    """Every version by id, the newest last."""

    def __init__(self, known: Iterable[Insight] = ()) -> None:
        self.known: dict[str, Insight] = {one.id: one for one in sorted(known, key=lambda one: one.seq)}
        self.changed: set[str] = set()
        self.refused: dict[int, ControlError] = {}
        """What came of notes that were refused, in this run."""

    def take(self, seq: int, body: Body) -> None:
        """Apply a note of this store; one that names no version to correct, or an old one, is refused."""
        try:
            self._apply(seq, body)
        except ControlError as error:
            self.refused[seq] = error

    def _apply(self, seq: int, body: Body) -> None:
        asked, block = body["asked"], body["block"]
        corrects: str | None = asked["id"] if body["tool"] == CORRECT else None
        if corrects is not None:
            self._correctable(corrects, f"insight-{seq}")
        beyond = [link for link in asked["evidence"] if link.isdecimal() and int(link) >= seq]
        if beyond:
            raise ControlError(
                "the journal has no such entry yet",
                measured=beyond[0],
                limit=f"entry {seq - 1}",
                next_step="name entries and records that exist",
                code="not_found",
            )
        days = asked["expires_in_days"]
        self._put(
            Insight(
                id=f"insight-{seq}",
                seq=seq,
                author=body["principal"],
                text=asked["text"],
                evidence=tuple(asked["evidence"]),
                confidence=int(asked["confidence"]),
                block=int(block["number"]),
                time_s=int(block["timestamp_s"]),
                expires_s=None if days is None else int(block["timestamp_s"]) + int(days) * DAY_S,
                corrects=corrects,
            )
        )
        if corrects is not None:
            self._put(replace(self.known[corrects], corrected_by=f"insight-{seq}"))

    def _correctable(self, named: str, by: str) -> None:
        found = self.known.get(named)
        if found is None:
            raise ControlError(
                "there is no such insight", measured=named, next_step="find it with recall_patterns", code="not_found"
            )
        if found.corrected_by not in (None, by):
            raise ControlError(
                "that version was corrected already",
                measured=named,
                next_step=f"correct {self.newest(found).id}",
                code="corrected_already",
            )

    def _put(self, insight: Insight) -> None:
        if self.known.get(insight.id) != insight:
            self.known[insight.id] = insight
            self.changed.add(insight.id)

    def newest(self, insight: Insight) -> Insight:
        """Follow the corrections to the last one."""
        while insight.corrected_by is not None:
            insight = self.known[insight.corrected_by]
        return insight

    def versions(self, insight: Insight) -> list[Insight]:
        """List an insight and what it corrected, the newest first."""
        found = [insight]
        while (older := found[-1].corrects) is not None:
            found.append(self.known[older])
        return found

    def current(self, time_s: int) -> list[Insight]:
        """List the versions that nothing corrected and that have not expired."""
        return [
            one
            for one in self.known.values()
            if one.corrected_by is None and (one.expires_s is None or one.expires_s > time_s)
        ]


def insight_json(insight: Insight) -> str:
    """Write a version whole."""
    return json.dumps(asdict(insight), separators=(",", ":"))


def insight_of(text: bytes | str) -> Insight:
    """Read a version back."""
    tree: dict[str, Any] = json.loads(text)
    tree.update(evidence=tuple(tree["evidence"]))
    return Insight(**tree)
