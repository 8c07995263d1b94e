"""Who asked what and how it was decided, in the chain of hashes: counted in memory, written a batch at a time.

No arguments, no answers, no secrets. Commands and decisions have entries of their own, on disk before they are
answered; a crash loses at most the counts of what was asked since the last batch.
"""

import re
from collections import Counter

from engine.domain.units import BlockRef
from engine.journal.journal import Journal

WRITE_EVERY_S = 30
"""Of the chain's time. A batch is written earlier before a command, at the end, and when it is full."""
MAX_ROWS = 512
"""Of one batch."""
MAX_NAME_CHARS = 48

_STRANGE = re.compile(r"[^A-Za-z0-9_.:/ @-]")


class CallLog:
    """Counts requests by (principal, method, decision), and appends them to the journal as entries of kind "calls".

    Whoever floods it with ever new names gets two batches in `WRITE_EVERY_S`; after that their calls are counted
    without names. Use from the journal's thread. Every method that writes raises `JournalError`.
    """

    def __init__(self, journal: Journal, head: BlockRef) -> None:
        self._journal = journal
        self._head = head
        self._since = head
        self._due_s = head.timestamp_s + WRITE_EVERY_S
        self._rows: Counter[tuple[str, str, str]] = Counter()
        self._unnamed = 0
        self._filled_once = False

    def note(self, principal: str, method: str, decision: str) -> None:
        """Count one request; `decision` is "answered", "cancelled" or "refused: " and a code."""
        row = (_name(principal), _name(method), _name(decision))
        if row not in self._rows and len(self._rows) >= MAX_ROWS:
            if self._filled_once:
                self._unnamed += 1
                return
            self._filled_once = True
            self.write()
        self._rows[row] += 1

    def observe(self, head: BlockRef) -> None:
        """Take note of a new block, and write the batch if it is due."""
        self._head = head
        if head.timestamp_s >= self._due_s:
            self._due_s, self._filled_once = head.timestamp_s + WRITE_EVERY_S, False
            self.write()

    def write(self) -> None:
        """Append what was asked since the last batch, if anything was."""
        if not self._rows and not self._unnamed:
            return
        calls = [
            {"principal": principal, "method": method, "decision": decision, "count": count}
            for (principal, method, decision), count in sorted(self._rows.items())
        ]
        self._journal.append(
            "calls",
            {
                "from_block": self._since.number,
                "to_block": self._head.number,
                "calls": calls,
                "unnamed": self._unnamed,
            },
        )
        self._rows.clear()
        self._unnamed, self._since = 0, self._head


def _name(text: str) -> str:
    """Keep what a name may be made of, and not much of it: clients choose some of these words."""
    return _STRANGE.sub("?", text[:MAX_NAME_CHARS])
