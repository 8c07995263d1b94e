"""Power is lost in the middle of a write: the write-ahead log is cut, or garbled, at every frame and within each.

What opens is the journal as of the last commit whose frames are all there: whole transactions, in order, none else.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from engine.domain.errors import JournalError
from engine.journal.journal import JOURNAL_FILE, Journal
from engine.verify.history import read_history
from engine.verify.report import Report
from tests.unit import journal_stubs as stub

LOG_HEADER, FRAME_HEADER, PAGE = 32, 24, 4096
FRAME = FRAME_HEADER + PAGE
ROUNDS = (1, 3, 1, 40, 2, 1)
"""Entries a commit; the long one spans many pages."""


@dataclass(frozen=True, slots=True)
class Written:
    """A journal's two files as they lay on the disk, and where in the log each commit ended: (bytes, last entry)."""

    file: bytes
    log: bytes
    commits: tuple[tuple[int, int], ...]

    def last_entry(self, whole_bytes: int) -> int:
        """Name the last entry of a log of which only the first bytes are whole; 0 for none."""
        return max((seq for end, seq in self.commits if end <= whole_bytes), default=0)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    path = tmp_path_factory.mktemp("journal") / JOURNAL_FILE
    log = path.with_name(f"{JOURNAL_FILE}-wal")
    with Journal.open(path, genesis=stub.GENESIS) as journal:
        commits = [(log.stat().st_size, 1)]
        for count in ROUNDS:
            with journal.transaction():
                for _ in range(count):
                    entry = journal.append("command", {"type": "Stop", "reason": "x" * 300})
            commits.append((log.stat().st_size, entry.seq))
        return Written(path.read_bytes(), log.read_bytes(), tuple(commits))


def opened(folder: Path, file: bytes, log: bytes) -> int:
    """Open what the disk kept, check every entry by the checker's own eyes, write on; return the last entry found."""
    folder.mkdir()
    path = folder / JOURNAL_FILE
    path.write_bytes(file)
    path.with_name(f"{JOURNAL_FILE}-wal").write_bytes(log)
    try:
        journal = Journal.open(path)
    except JournalError as fault:
        assert "\n" not in fault.line()
        return 0
    with journal:
        last = journal.head[0]
        assert [entry.seq for entry in journal.entries()] == list(range(1, last + 1))
        journal.append("command", {"type": "Stop", "reason": "after"})
    report = Report()
    assert read_history(path, report).rows[-1].seq == last + 1
    assert report.findings == []
    return last


def ends(log: bytes) -> list[int]:
    """Name the places where a frame ends."""
    return list(range(LOG_HEADER, len(log) + 1, FRAME))


def test_a_log_cut_at_or_within_any_frame_opens_at_the_last_whole_commit(written: Written, tmp_path: Path) -> None:
    cuts = sorted({0, 17, *(cut for end in ends(written.log) for cut in (end - 1, end, end + 11, end + FRAME // 2))})
    found = {cut: opened(tmp_path / str(cut), written.file, written.log[:cut]) for cut in cuts}
    print(f"{len(cuts)} cuts of a log of {len(written.log) // FRAME} frames: {sorted(set(found.values()))}")
    assert found == {cut: written.last_entry(cut) for cut in cuts}


@pytest.mark.parametrize("within", [3, FRAME_HEADER + 1, FRAME - 1], ids=["header", "page", "end"])
def test_a_garbled_frame_ends_the_log_before_its_commit(written: Written, tmp_path: Path, within: int) -> None:
    for begin, _ in pairwise(ends(written.log)):
        garbled = bytearray(written.log)
        garbled[begin + within] ^= 0x5A
        assert opened(tmp_path / str(begin), written.file, bytes(garbled)) == written.last_entry(begin)


def test_frames_of_zeros_where_the_log_grew_and_nothing_reached_the_disk(written: Written, tmp_path: Path) -> None:
    for begin in ends(written.log):
        holed = written.log[:begin] + bytes(len(written.log) - begin)
        assert opened(tmp_path / str(begin), written.file, holed) == written.last_entry(begin)
