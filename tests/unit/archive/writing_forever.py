"""Write entities without end, saying each one's name once it is acknowledged, until killed."""

import sys
from pathlib import Path

import anyio

from engine.domain.errors import ControlError
from engine.journal.journal import JOURNAL_FILE, Journal
from tests.archive_host import GENESIS, Host


async def write(state: Path, prefix: str) -> None:
    with Journal.open(state / JOURNAL_FILE, genesis=GENESIS) as journal:
        host = Host(journal)
        async with anyio.create_task_group() as tasks:
            for writer in range(4):
                tasks.start_soon(write_on, host, f"{prefix}-{writer}")


async def write_on(host: Host, prefix: str) -> None:
    number = 0
    while True:
        name = f"{prefix}-{number}"
        entity = {"name": name, "entityType": "t", "observations": [name]}
        try:
            made = await host.ask("create_entities", {"entities": [entity]})
        except ControlError as error:
            if error.code not in ("archive_away", "written", "no_answer"):
                raise
            await anyio.sleep(0.02)  # the archive is away: whether it was written is not said, so the name is used up
        else:
            assert made["entities"], name
            sys.stdout.write(f"{name}\n")
            sys.stdout.flush()
        number += 1


anyio.run(write, Path(sys.argv[1]), sys.argv[2])
