"""What an engine has of the archive, without a chain: the journal, notes, the archive beside it, the methods' table."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio

from engine.archive.__main__ import run_archive
from engine.archive.asking import ArchiveDoor
from engine.archive.notes import Notes, Quotas
from engine.archive.table import SHELVES
from engine.config import Archive
from engine.control import Event, Feed
from engine.facade import Events, parsed_events
from engine.journal.journal import JOURNAL_FILE, Journal
from engine.journal.stores import Shelf
from engine.methods import answered
from engine.principals import Principal
from tests.unit import journal_stubs as stub

AGENT = Principal(id="mcp-1", role="observer")
QUOTAS = Quotas(notes_per_principal=10**6, bytes_per_principal=10**9, bytes_in_all=10**9)
GRAPH_ALONE = {"knowledge": SHELVES["knowledge"]}
DEADLINE_S = 30.0
GENESIS = stub.GENESIS | {"tokens": [{"address": stub.WETH, "decimals": "18", "symbol": "WETH"}]}


class Host:
    """An engine as methods and MCP servers see it: `ask` is the facade's."""

    principal = AGENT.id

    def __init__(self, journal: Journal, *, quotas: Quotas = QUOTAS, turned_on: bool = True) -> None:
        self.journal = journal
        self.state = journal.path.parent
        self.notes = Notes(journal, head=stub.block, busy=lambda: False, quotas=quotas)
        self.archive = ArchiveDoor(self.state, turned_on=turned_on)
        self.published: list[Event] = []
        self.feed = Feed()
        self.composition = SimpleNamespace(publish=self._publish)

    def _publish(self, event: Event) -> None:
        self.published.append(event)
        self.feed.publish(event)

    async def ask(self, method: str, params: Mapping[str, Any], by: Principal = AGENT) -> dict[str, Any]:
        return await answered(self, method, params, by)  # type: ignore[arg-type]

    async def role(self, *, anew: bool = False) -> str:
        return AGENT.role

    def events(self) -> Events:
        return parsed_events(self.feed.follow())


@asynccontextmanager
async def hosted(
    state: Path, *, shelves: Mapping[str, Shelf] = GRAPH_ALONE, quotas: Quotas = QUOTAS
) -> AsyncGenerator[Host]:
    """Run an archive in this process beside a journal, which is begun if need be."""
    with Journal.open(state / JOURNAL_FILE, genesis=GENESIS) as journal:
        host = Host(journal, quotas=quotas)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run_archive, state, Archive(), shelves)
            await answering(state)
            yield host
            await host.archive.aclose()
            tasks.cancel_scope.cancel()


async def answering(state: Path) -> None:
    """Wait until an archive of the state folder answers."""
    with anyio.fail_after(DEADLINE_S):
        while not (state / "archive.sock").exists():
            await anyio.sleep(0.01)


def archive_process(state: Path) -> subprocess.Popen[bytes]:
    """Start the archive's process as `ketch up` does."""
    argv = [sys.executable, "-P", "-m", "engine.archive", str(state), Archive().model_dump_json()]
    return subprocess.Popen(argv, stdin=subprocess.PIPE, start_new_session=True)
