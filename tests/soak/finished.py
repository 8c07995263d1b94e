"""Shards that are done: a line of JSON each in .soak/, good for as long as the source that they ran is the same."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".soak"


def source_digest() -> str:
    """Hash every source file of the engine and the server, and the harnesses that drive them."""
    digest = hashlib.sha256()
    for found in ((ROOT / "engine").rglob("*.py"), (ROOT / "server").rglob("*.py"), (ROOT / "tests").glob("*.py")):
        for path in sorted(found):
            digest.update(str(path.relative_to(ROOT)).encode() + b"\x00" + path.read_bytes())
    return digest.hexdigest()


class Finished:
    """The finished shards of one soak. Each is on disk when `add` returns, so that a broken run is picked up there."""

    def __init__(self, name: str, folder: Path = FOLDER) -> None:
        self._path = folder / f"{name}.jsonl"
        self._source = source_digest()

    def shards(self) -> dict[int, dict[str, Any]]:
        """Return the figures of the shards that ran on this very source."""
        if not self._path.exists():
            return {}
        told = [json.loads(line) for line in self._path.read_text("utf-8").splitlines() if line.endswith("}")]
        return {one["shard"]: one["figures"] for one in told if one["source"] == self._source}

    def add(self, shard: int, figures: dict[str, Any]) -> None:
        """Write a shard down."""
        self._path.parent.mkdir(exist_ok=True)
        with self._path.open("a", encoding="utf-8") as out:
            out.write(json.dumps({"shard": shard, "figures": figures, "source": self._source}) + "\n")
