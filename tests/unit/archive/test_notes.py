"""What agents write is in the journal before it is acknowledged, many in one transaction, and within quotas."""

from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from engine.archive.notes import Notes, Quotas
from engine.domain.errors import ControlError
from engine.journal.journal import Journal
from tests.unit import journal_stubs as stub

GENEROUS = Quotas(notes_per_principal=10_000, bytes_per_principal=10**7, bytes_in_all=10**8)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path / "journal.sqlite", genesis=stub.GENESIS) as opened:
        yield opened


def notes_of(journal: Journal, quotas: Quotas = GENEROUS) -> Notes:
    return Notes(journal, head=stub.block, busy=lambda: False, quotas=quotas)


def test_many_at_once_are_all_there_in_the_order_of_their_answers(journal: Journal) -> None:
    answers: dict[int, int] = {}
    notes = notes_of(journal)

    async def write(number: int) -> None:
        answers[number] = await notes.write("mcp-1", store="s", tool="t", asked={"number": number})

    async def all_at_once() -> None:
        async with anyio.create_task_group() as tasks:
            for number in range(600):
                tasks.start_soon(write, number)

    anyio.run(all_at_once)
    written = {entry.seq: int(entry.body["asked"]["number"]) for entry in journal.entries("note")}
    assert written == {seq: number for number, seq in answers.items()}
    assert len(written) == 600
    assert notes.newest == max(written)


def test_a_note_waits_for_a_block_to_be_dealt_with(journal: Journal) -> None:
    busy = True
    notes = Notes(journal, head=stub.block, busy=lambda: busy, quotas=GENEROUS)

    async def write() -> None:
        nonlocal busy
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anyio.sleep, 0)
            tasks.start_soon(lambda: notes.write("mcp-1", store="s", tool="t", asked={}))
            await anyio.sleep(0.08)
            assert journal.count("note") == 0
            busy = False
        assert journal.count("note") == 1

    anyio.run(write)


def test_a_quota_counts_what_earlier_runs_wrote_and_no_refusal_is_written(journal: Journal) -> None:
    few = Quotas(notes_per_principal=3, bytes_per_principal=10**6, bytes_in_all=10**6)

    async def write(quotas: Quotas, times: int, principal: str = "mcp-1", *, unmetered: bool = False) -> None:
        notes = notes_of(journal, quotas)
        for _ in range(times):
            await notes.write(principal, store="s", tool="t", asked={"text": "x" * 100}, unmetered=unmetered)

    anyio.run(write, few, 2)
    with pytest.raises(ControlError, match="too many notes of this client, measured 4, limit 3"):
        anyio.run(write, few, 2)
    assert journal.count("note") == 3
    anyio.run(write, few, 1, "mcp-2")
    anyio.run(lambda: write(few, 1, unmetered=True))
    tight = Quotas(notes_per_principal=99, bytes_per_principal=99, bytes_in_all=10**6)
    with pytest.raises(ControlError, match="bytes of this client"):
        anyio.run(write, tight, 1, "mcp-3")
    full = Quotas(notes_per_principal=99, bytes_per_principal=10**6, bytes_in_all=400)
    with pytest.raises(ControlError, match="bytes of all notes"):
        anyio.run(lambda: write(full, 1, unmetered=True))
    assert journal.count("note") == 5
