"""Requests are counted in memory and chained a batch at a time, however many there are and whatever they are called."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.domain.units import BlockRef
from engine.journal.calls import MAX_NAME_CHARS, MAX_ROWS, WRITE_EVERY_S, CallLog
from engine.journal.journal import Journal
from tests.unit import journal_stubs as stub

HEAD = stub.block()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path / "journal.sqlite", genesis=stub.GENESIS) as opened:
        yield opened


def later(blocks: int, seconds: int) -> BlockRef:
    return replace(HEAD, number=HEAD.number + blocks, timestamp_s=HEAD.timestamp_s + seconds)


def batches(journal: Journal) -> list[dict[str, Any]]:
    return [entry.body for entry in journal.entries("calls")]


def test_the_same_request_of_the_same_caller_is_one_row_with_its_count(journal: Journal) -> None:
    calls = CallLog(journal, HEAD)
    for _ in range(1_000):
        calls.note("mcp-1", "scan_now", "answered")
    calls.note("mcp-1", "scan_now", "refused: invalid_params")
    assert batches(journal) == []
    calls.observe(later(3, WRITE_EVERY_S))
    (batch,) = batches(journal)
    assert batch == {
        "from_block": str(HEAD.number),
        "to_block": str(HEAD.number + 3),
        "unnamed": "0",
        "calls": [
            {"principal": "mcp-1", "method": "scan_now", "decision": "answered", "count": "1000"},
            {"principal": "mcp-1", "method": "scan_now", "decision": "refused: invalid_params", "count": "1"},
        ],
    }


def test_a_batch_waits_for_its_time_on_the_chain_and_nothing_is_written_when_nobody_asked(journal: Journal) -> None:
    calls = CallLog(journal, HEAD)
    calls.observe(later(1, WRITE_EVERY_S))
    calls.write()
    assert batches(journal) == []
    calls.note("mcp-1", "gas", "answered")
    calls.observe(later(2, 2 * WRITE_EVERY_S - 1))
    assert batches(journal) == []
    calls.observe(later(3, 2 * WRITE_EVERY_S))
    assert len(batches(journal)) == 1


def test_a_flood_of_ever_new_names_is_counted_and_cannot_bloat_the_journal(journal: Journal) -> None:
    calls = CallLog(journal, HEAD)
    for number in range(100_000):
        calls.note(f"mcp-{number}", "gas", "answered")
    calls.observe(later(9, WRITE_EVERY_S))
    written = batches(journal)
    assert [len(batch["calls"]) for batch in written] == [MAX_ROWS, MAX_ROWS]
    named = sum(int(row["count"]) for batch in written for row in batch["calls"])
    assert named + int(written[-1]["unnamed"]) == 100_000
    calls.note("mcp-1", "gas", "answered")
    calls.observe(later(10, 2 * WRITE_EVERY_S))
    assert batches(journal)[-1]["unnamed"] == "0"


def test_names_that_clients_choose_are_cut_and_cleaned(journal: Journal) -> None:
    calls = CallLog(journal, HEAD)
    calls.note("mcp-1", 'x"\n\x00<script>\u202e' + "y" * 10_000, "refused: unknown_method")
    calls.write()
    (row,) = batches(journal)[0]["calls"]
    assert row["method"].startswith("x????script??yyy")
    assert len(row["method"]) == MAX_NAME_CHARS
