"""The durable shelf: one Chroma collection on disk, its telemetry off, with nothing fetched from anywhere.

Chroma keeps the records; questions are answered by `columns.py`, exactly. So its approximate index is built as cheaply
as it can be, and sentences are facts of a record, not documents that it would index word by word: a rebuild keeps pace.
Reading all of it back takes Chroma a quarter of a millisecond a record: `frames.py` has the same in a file.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from engine.memory.embedding import Vectors
from engine.memory.frames import Frames, Mark, Row

COLLECTION: Final = "memory"
STATE_ID: Final = "state"
PAGE: Final = 5_000
MANY: Final = 200
"""Fresh records that are worth a write of their own."""
_INDEX: Final = {"hnsw": {"space": "cosine", "ef_construction": 8, "max_neighbors": 4}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One row: `body` is the record whole, as JSON; `facts` are typed, for whoever opens the collection itself."""

    id: str
    kind: str
    text: str
    body: str
    facts: dict[str, str | int | float]
    fresh: bool = False
    """Surely not on the shelf yet, and to be told from its body as newer than the state there."""


class ChromaShelf:
    """A folder's collection. Use from one thread."""

    def __init__(self, folder: Path) -> None:
        import chromadb
        from chromadb.config import Settings

        self._client: Any = chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False))
        self._open()
        self._most: int = self._client.get_max_batch_size()
        self._frames = Frames(folder)
        self._mark: Mark | None = None
        """Of the frames, once they are known to hold what Chroma does."""
        self.read_from = ""
        """Where `load` found the records: "frames" or "chroma"."""

    def load(self) -> tuple[dict[str, Any] | None, list[tuple[str, bytes]]]:
        """Read everything: the state that was written last, and (kind, body) of each record."""
        held = self._collection.get(ids=[STATE_ID], include=["metadatas"])["metadatas"]
        count: int = self._collection.count()
        if not held:
            return None, [(row.kind, bytes(row.body)) for row in self._rows(count)]
        state: dict[str, Any] = json.loads(held[0]["body"])
        mark = self._marked(state)
        rows = self._frames.load(mark, count - 1)
        self.read_from = "chroma" if rows is None else "frames"
        if rows is None:
            rows = self._rows(count)
            self._frames.begin(mark, rows)
        self._mark = mark
        return state, [(row.kind, bytes(row.body)) for row in rows]

    def write(
        self, records: Sequence[Record], vectors: Vectors, state: dict[str, Any], deleted: Sequence[str] = ()
    ) -> None:
        """Put records in, over those of the same id, then the state with the last of them.

        Many fresh ones go before it, in a write of their own (Chroma takes what it need not look for half as long
        again as fast): after a crash between the two they are newer than the state. What is deleted goes last;
        `state` names it, since a crash may come before that too.
        """
        self._append(self._marked(state), records, deleted)
        fresh = [at for at, record in enumerate(records) if record.fresh]
        if len(fresh) >= MANY:
            self._put(self._collection.add, [records[at] for at in fresh], vectors[fresh])
            old = [at for at, record in enumerate(records) if not record.fresh]
            records, vectors = [records[at] for at in old], vectors[old]
        last = np.zeros((1, vectors.shape[1]), dtype=np.float32)
        last[0, 0] = 1.0
        rows = [*records, Record(id=STATE_ID, kind="state", text="", body=json.dumps(state), facts={})]
        self._put(self._collection.upsert, rows, np.concatenate([vectors, last]))
        self._delete(deleted)

    def delete(self, ids: Sequence[str]) -> None:
        """Take records out; those that are gone are no fault."""
        if self._mark is not None:
            self._append(self._mark, (), ids)
        self._delete(ids)

    def clear(self) -> None:
        """Take everything out: vectors of another embedding are never beside those of this one."""
        self._client.delete_collection(COLLECTION)
        self._frames.remove()
        self._mark = None
        self._open()

    def close(self) -> None:
        """Close the files."""
        count: int = self._collection.count() - 1
        if self._mark is not None and self._frames.wasteful(count):
            rows = self._frames.load(self._mark, count)
            if rows is not None:
                self._frames.begin(self._mark, rows)
        self._client.close()

    def _open(self) -> None:
        self._collection: Any = self._client.get_or_create_collection(
            COLLECTION, embedding_function=None, configuration=_INDEX
        )

    def _put(self, how: Callable[..., None], records: Sequence[Record], vectors: Vectors) -> None:
        for first in range(0, len(records), self._most):
            part = records[first : first + self._most]
            how(
                ids=[record.id for record in part],
                embeddings=vectors[first : first + self._most],
                metadatas=[
                    {"kind": record.kind, "text": record.text, "body": record.body} | record.facts for record in part
                ],
            )

    def _delete(self, ids: Sequence[str]) -> None:
        for first in range(0, len(ids), self._most):
            self._collection.delete(ids=list(ids[first : first + self._most]))

    def _append(self, mark: Mark, records: Sequence[Record], deleted: Sequence[str]) -> None:
        """Write the frame of a write that is about to be Chroma's."""
        rows = [Row(id=one.id, kind=one.kind, body=msgspec.Raw(one.body.encode())) for one in records]
        if self._mark is None:
            self._frames.begin(mark, rows)
        else:
            self._frames.append(mark, rows, deleted)
        self._mark = mark

    def _marked(self, state: dict[str, Any]) -> Mark:
        return Mark(
            collection=str(self._collection.id),
            format=state["format"],
            embedding=state["embedding"],
            seq=state["seq"],
            hash=state["hash"],
        )

    def _rows(self, count: int) -> list[Row]:
        """Read every record but the state out of Chroma."""
        found: list[Row] = []
        for offset in range(0, count, PAGE):
            page = self._collection.get(include=["metadatas"], limit=PAGE, offset=offset)
            found += [
                Row(id=id_, kind=facts["kind"], body=msgspec.Raw(facts["body"].encode()))
                for id_, facts in zip(page["ids"], page["metadatas"], strict=True)
                if id_ != STATE_ID
            ]
        return found
