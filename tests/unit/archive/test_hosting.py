"""A store follows the journal from beside it: it sees what was acknowledged, and is made anew when it is not of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest

from engine.archive.__main__ import run_archive
from engine.archive.projecting import BATCH, Projected
from engine.config import Archive
from engine.domain.errors import ControlError, JournalError
from engine.journal.journal import Journal
from engine.params import Params
from engine.queries.archive import forwarded, noting
from tests.archive_host import AGENT, GENESIS, Host, hosted
from tests.unit.archive.tally import SHELF

SHELVES = {"tally": SHELF}


class Text(Params):
    text: str


def test_what_was_acknowledged_is_in_the_next_answer(tmp_path: Path) -> None:
    async def run() -> None:
        async with hosted(tmp_path, shelves=SHELVES) as engine:
            for times in range(1, 6):
                said = await noting("tally", "say")(engine, Text(text="hello"), AGENT)
                assert said == {"text": "hello"}
                told = await forwarded("tally", "how_many")(engine, Text(text="hello"), AGENT)
                assert told == {"times": times}
            assert [event["event"] for event in engine.published] == ["noted"] * 5
            notes = [entry.body for entry in engine.journal.entries("note")]
            assert {(note["principal"], note["store"], note["tool"]) for note in notes} == {("mcp-1", "tally", "say")}

    anyio.run(run)


def test_a_refusal_by_the_store_is_the_writers_answer(tmp_path: Path) -> None:
    async def run() -> None:
        async with hosted(tmp_path, shelves=SHELVES) as engine:
            with pytest.raises(ControlError, match="that is bad"):
                await noting("tally", "say")(engine, Text(text="bad"), AGENT)
            with pytest.raises(ControlError, match="no question 'why'"):
                await forwarded("tally", "why")(engine, Text(text="x"), AGENT)
            with pytest.raises(ControlError, match="no such store"):
                await forwarded("nowhere", "why")(engine, Text(text="x"), AGENT)

    anyio.run(run)


@pytest.mark.parametrize(("turned_on", "said"), [(True, "not running yet: ask again"), (False, "archive.run = true")])
def test_without_an_archive_nothing_is_written_and_the_refusal_says_what_to_do(
    tmp_path: Path, turned_on: bool, said: str
) -> None:
    with Journal.open(tmp_path / "journal.sqlite", genesis=GENESIS) as journal:
        engine: Any = Host(journal, turned_on=turned_on)
        with pytest.raises(ControlError, match=said):
            anyio.run(noting("tally", "say"), engine, Text(text="x"), AGENT)
        assert journal.count("note") == 0


def test_one_archive_a_folder(tmp_path: Path) -> None:
    async def run() -> None:
        async with hosted(tmp_path, shelves=SHELVES):
            with pytest.raises(JournalError, match="owned by another archive"):
                await run_archive(tmp_path, Archive(), SHELVES)

    anyio.run(run)


def test_a_store_takes_up_where_it_was_and_is_made_anew_for_another_history(tmp_path: Path) -> None:
    def store_of(journal: Path) -> Any:
        projected = Projected("tally", SHELF, folder=tmp_path / "store", journal=journal, terms=Archive())
        return projected.catch_up()

    first, second = tmp_path / "first.sqlite", tmp_path / "second.sqlite"
    for path, text in ((first, "first"), (second, "second")):
        with Journal.open(path, genesis=GENESIS) as journal, journal.transaction():
            for _ in range(BATCH + 10):
                journal.append("note", {"asked": {"text": text}})
    assert len(store_of(first).held["seen"]) == BATCH + 10
    assert len(store_of(first).held["seen"]) == BATCH + 10
    again = store_of(second).held["seen"]
    assert {text for _, text in again} == {"second"}
    assert len(again) == BATCH + 10
    (tmp_path / "store" / "tally.json").write_text("torn {")
    assert store_of(second).held["seen"] == again
