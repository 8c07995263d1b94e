"""Killed while writing, engine or archive: nothing that was acknowledged is lost, and nothing is there twice."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import anyio

from engine.journal.journal import JOURNAL_FILE, Journal
from tests.archive_host import GENESIS, archive_process, hosted
from tests.devnet.processes import eventually

ROOT = Path(__file__).parents[3]
ROUNDS = 2
SEED = 11


def kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


def writer(state: Path, prefix: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "tests.unit.archive.writing_forever", str(state), prefix]
    return subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_nothing_acknowledged_is_lost_or_doubled(tmp_path: Path) -> None:
    lot = random.Random(SEED)
    acknowledged: list[str] = []
    Journal.open(tmp_path / JOURNAL_FILE, genesis=GENESIS).close()
    archive = archive_process(tmp_path)
    try:
        for number in range(ROUNDS):
            assert eventually((tmp_path / "archive.sock").exists, 30)
            with writer(tmp_path, f"r{number}") as writing:
                assert writing.stdout is not None
                said = [writing.stdout.readline() for _ in range(lot.randint(5, 60))]
                kill(archive)
                archive = archive_process(tmp_path)
                said += [writing.stdout.readline() for _ in range(lot.randint(5, 20))]
                writing.kill()
                said += writing.stdout.readlines()
            acknowledged += [line.strip() for line in said if line.endswith("\n")]
    finally:
        kill(archive)
    (tmp_path / "archive.sock").unlink(missing_ok=True)
    assert len(acknowledged) > ROUNDS * 5

    async def found() -> Counter[str]:
        async with hosted(tmp_path) as host:
            newest = host.journal.head[0]
            host.notes.newest = newest
            names: Counter[str] = Counter()
            cursor = {}
            while True:
                page = await host.ask("read_graph", cursor)
                names.update(row["name"] for row in page["entities"])
                assert all(row["observations"] == [row["name"]] for row in page["entities"])
                if page["next_cursor"] is None:
                    return names
                cursor = {"cursor": page["next_cursor"]}

    held = anyio.run(found)
    assert set(acknowledged) <= set(held)
    assert max(held.values()) == 1
    with Journal.read(tmp_path / JOURNAL_FILE) as journal:
        noted = [entity["name"] for entry in journal.entries("note") for entity in entry.body["asked"]["entities"]]
    assert Counter(noted) == held
