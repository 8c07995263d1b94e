"""Make a cassette of what a recorder holds: the ring's part, and what the journal says of the same stretch."""

import zlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from engine.config import Settings
from engine.journal.journal import Journal
from engine.journal.schema import MIGRATIONS
from engine.replay import beginning
from engine.replay.cassette import pack
from engine.replay.recorder import Taken

NOWHERE = "http://127.0.0.1:9"
"""Stands where an endpoint's address stood: addresses hold keys, and nobody calls there."""


def cassette_of(taken: Taken, *, journal_file: Path, settings: Settings) -> bytes:
    """Write a cassette; reads the journal over a connection of its own: any thread may. Raises `JournalError`."""
    items = [zlib.decompress(item) for item in taken.items]
    segment = taken.segment
    with Journal.read(journal_file) as journal:
        return pack(
            made_by=version("ketch"),
            settings=_public(settings),
            wanted=segment.wanted,
            schema=len(MIGRATIONS),
            head=segment.head,
            pools=taken.pools,
            memory=segment.memory,
            rows=segment.rows,
            beginning=beginning.cut(journal, segment.seq, segment.rows),
            recorded=beginning.between(journal, segment.seq, _ends_at(items, segment.seq)),
            items=items,
        )


def _ends_at(items: list[bytes], begins_at: int) -> int:
    return msgspec.json.decode(items[-1])["after"] if items else begins_at


def _public(settings: Settings) -> dict[str, Any]:
    """Write the settings down without what names this machine or opens anything; what a feed told is in the items."""
    tree = settings.model_dump(mode="json", exclude={"lockstep_socket", "feed"})
    tree |= {"rpc": NOWHERE, "ws": NOWHERE.replace("http", "ws", 1)}
    tree["wallet"]["endpoints"] = {}
    tree["submission"]["private"] = [NOWHERE for _ in settings.submission.private]
    return tree
