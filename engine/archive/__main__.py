"""`python -m engine.archive STATE SETTINGS`: keep the stores of a state folder and answer, until stdin closes.

SETTINGS is the settings' `archive` as JSON. `ketch up` starts this and starts it again when it dies; it writes nothing
but its own folder, and killing it at any point is safe.
"""

import logging
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import anyio
from anyio.to_thread import run_sync

from engine.archive.asking import ARCHIVE_FOLDER_NAME, ARCHIVE_SOCKET_NAME, ArchiveParams
from engine.archive.projecting import Projected
from engine.archive.table import SHELVES
from engine.config import Archive
from engine.control import Feed, serve
from engine.domain.errors import ControlError, KetchError
from engine.journal.journal import JOURNAL_FILE
from engine.journal.lock import hold_state
from engine.journal.stores import Answer, Shelf
from engine.params import parsed
from engine.principals import Principal

NICENESS = 10
END_S = 2.0


async def run_archive(state: Path, terms: Archive, shelves: Mapping[str, Shelf] = SHELVES) -> None:
    """Keep the stores and answer on the archive's socket until cancelled.

    Raises `JournalError` when another archive owns the folder.
    """
    folder = state / ARCHIVE_FOLDER_NAME
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with hold_state(folder, who="archive"):
        stores = {
            name: Projected(name, shelf, folder=folder / name, journal=state / JOURNAL_FILE, terms=terms)
            for name, shelf in shelves.items()
        }
        async with anyio.create_task_group() as tasks:
            await tasks.start(serve, state / ARCHIVE_SOCKET_NAME, partial(_answer, stores), Feed(), _attach)
            for store in stores.values():
                tasks.start_soon(store.follow)


def _attach(_params: dict[str, Any], *, once: bool = False) -> tuple[Principal, Answer]:
    """Let a connection idle: it is the engine's, whoever the questions are from."""
    return Principal(id="engine", role="observer"), {"once": once}


async def _answer(stores: dict[str, Projected], method: str, params: dict[str, Any], _who: Principal) -> Answer:
    """Answer `STORE.QUESTION`."""
    name, _, question = method.partition(".")
    if name not in stores:
        raise ControlError("the archive has no such store", measured=name[:64], limit=", ".join(stores))
    given = parsed(ArchiveParams, params, method=method, example={"at_least": 0, "asked": {}}, most_bytes=1 << 20)
    return await stores[name].ask(question, given.asked, at_least=given.at_least)


async def _until_told(scope: anyio.CancelScope) -> None:
    """End on a signal."""
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            scope.cancel()
            return


async def _with_parent(scope: anyio.CancelScope) -> None:
    """End when standard input closes: whoever started us is gone."""

    def read() -> None:
        with suppress(OSError):
            while os.read(0, 4096):
                pass

    await run_sync(read, abandon_on_cancel=True)
    scope.cancel()


async def _run(state: Path, terms: Archive) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_until_told, tasks.cancel_scope)
        tasks.start_soon(_with_parent, tasks.cancel_scope)
        await run_archive(state, terms)


def main() -> int:
    """Run until told; what goes wrong is one line on stderr. A store in the middle of a batch is not waited for."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    os.nice(NICENESS)
    try:
        anyio.run(_run, Path(sys.argv[1]), Archive.model_validate_json(sys.argv[2]))
    except BaseExceptionGroup as group:
        known = [error for error in group.exceptions if isinstance(error, KetchError)]
        sys.stderr.write(f"ketch: {known[0].line() if known else group.exceptions[0]!r}\n")
        return 1
    return 0


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)
