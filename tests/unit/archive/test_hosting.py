"""A store follows the journal from beside it: it sees what was acknowledged, and is made anew when it is not of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from engine.archive.__main__ import run_archive
from engine.archive.asking import ArchiveDoor
from engine.archive.notes import Notes, Quotas
from engine.archive.projecting import BATCH, Projected
from engine.config import Archive
from engine.control import Event
from engine.domain.errors import ControlError, JournalError
from engine.journal.journal import Journal
from engine.params import Params
from engine.principals import Principal
from engine.queries.archive import forwarded, noting
from tests.unit import journal_stubs as stub
from tests.unit.archive.tally import SHELF

WHO = Principal(id="mcp-1", role="observer")
QUOTAS = Quotas(notes_per_principal=10**6, bytes_per_principal=10**9, bytes_in_all=10**9)
DEADLINE_S = 20.0


class Text(Params):
    text: str


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path / "journal.sqlite", genesis=stub.GENESIS) as opened:
        yield opened


@asynccontextmanager
async def hosted(journal: Journal, *, turned_on: bool = True) -> AsyncGenerator[Any]:
    """An engine as methods see it, and an archive beside it."""
    events: list[Event] = []
    state = journal.path.parent
    engine = SimpleNamespace(
        notes=Notes(journal, head=stub.block, busy=lambda: False, quotas=QUOTAS),
        archive=ArchiveDoor(state, turned_on=turned_on),
        composition=SimpleNamespace(publish=events.append),
        events=events,
    )
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run_archive, state, Archive(), {"tally": SHELF})
        with anyio.fail_after(DEADLINE_S):
            while not (state / "archive.sock").exists():
                await anyio.sleep(0.01)
        yield engine
        await engine.archive.aclose()
        tasks.cancel_scope.cancel()


def test_what_was_acknowledged_is_in_the_next_answer(journal: Journal) -> None:
    async def run() -> None:
        async with hosted(journal) as engine:
            for times in range(1, 6):
                said = await noting("tally", "say")(engine, Text(text="hello"), WHO)
                assert said == {"text": "hello"}
                told = await forwarded("tally", "how_many")(engine, Text(text="hello"), WHO)
                assert told == {"times": times}
            assert [event["event"] for event in engine.events] == ["noted"] * 5

    anyio.run(run)
    notes = [entry.body for entry in journal.entries("note")]
    assert {(note["principal"], note["store"], note["tool"]) for note in notes} == {("mcp-1", "tally", "say")}


def test_a_refusal_by_the_store_is_the_writers_answer(journal: Journal) -> None:
    async def run() -> None:
        async with hosted(journal) as engine:
            with pytest.raises(ControlError, match="that is bad"):
                await noting("tally", "say")(engine, Text(text="bad"), WHO)
            with pytest.raises(ControlError, match="no question 'why'"):
                await forwarded("tally", "why")(engine, Text(text="x"), WHO)
            with pytest.raises(ControlError, match="no such store"):
                await forwarded("nowhere", "why")(engine, Text(text="x"), WHO)

    anyio.run(run)


def test_without_an_archive_nothing_is_written_and_the_refusal_says_what_to_do(journal: Journal) -> None:
    async def run(*, turned_on: bool) -> None:
        engine = SimpleNamespace(archive=ArchiveDoor(journal.path.parent, turned_on=turned_on))
        await noting("tally", "say")(engine, Text(text="x"), WHO)  # type: ignore[arg-type]

    with pytest.raises(ControlError, match="not running yet: ask again"):
        anyio.run(lambda: run(turned_on=True))
    with pytest.raises(ControlError, match=r"archive\.run = true"):
        anyio.run(lambda: run(turned_on=False))
    assert journal.count("note") == 0


def test_one_archive_a_folder(journal: Journal) -> None:
    async def run() -> None:
        async with hosted(journal):
            with pytest.raises(JournalError, match="owned by another archive"):
                await run_archive(journal.path.parent, Archive(), {"tally": SHELF})

    anyio.run(run)


def test_a_store_takes_up_where_it_was_and_is_made_anew_for_another_history(tmp_path: Path) -> None:
    def store_of(journal: Path) -> Any:
        projected = Projected("tally", SHELF, folder=tmp_path / "store", journal=journal, terms=Archive())
        return projected.catch_up()

    first, second = tmp_path / "first.sqlite", tmp_path / "second.sqlite"
    for path, text in ((first, "first"), (second, "second")):
        with Journal.open(path, genesis=stub.GENESIS) as journal, journal.transaction():
            for _ in range(BATCH + 10):
                journal.append("note", {"asked": {"text": text}})
    assert len(store_of(first).held["seen"]) == BATCH + 10
    assert len(store_of(first).held["seen"]) == BATCH + 10
    again = store_of(second).held["seen"]
    assert {text for _, text in again} == {"second"}
    assert len(again) == BATCH + 10
    (tmp_path / "store" / "tally.json").write_text("torn {")
    assert store_of(second).held["seen"] == again
