"""The durable shelf: one Chroma collection on disk, its telemetry off, with nothing fetched from anywhere.

Chroma keeps the records; questions are answered by `columns.py`, exactly. So its approximate index is built as cheaply
as it can be, and sentences are facts of a record, not documents that it would index word by word: a rebuild keeps pace.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from engine.memory.embedding import Vectors

COLLECTION: Final = "memory"
STATE_ID: Final = "state"
PAGE: Final = 5_000
_INDEX: Final = {"hnsw": {"space": "cosine", "ef_construction": 8, "max_neighbors": 4}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One row: `body` is the record whole, as JSON; `facts` are typed, for whoever opens the collection itself."""

    id: str
    kind: str
    text: str
    body: str
    facts: dict[str, str | int | float]


class ChromaShelf:
    """A folder's collection. Use from one thread."""

    def __init__(self, folder: Path) -> None:
        import chromadb
        from chromadb.config import Settings

        self._client: Any = chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False))
        self._open()
        self._most: int = self._client.get_max_batch_size()

    def load(self) -> tuple[dict[str, Any] | None, list[tuple[str, str]]]:
        """Read everything: the state that was written last, and (kind, body) of each record."""
        state: dict[str, Any] | None = None
        found: list[tuple[str, str]] = []
        for offset in range(0, self._collection.count(), PAGE):
            page = self._collection.get(include=["metadatas"], limit=PAGE, offset=offset)
            for id_, facts in zip(page["ids"], page["metadatas"], strict=True):
                if id_ == STATE_ID:
                    state = json.loads(facts["body"])
                else:
                    found.append((facts["kind"], facts["body"]))
        return state, found

    def write(self, records: Sequence[Record], vectors: Vectors, state: dict[str, Any]) -> None:
        """Put records in, over those of the same id, and the state with the last of them, in one write of Chroma's."""
        mark = np.zeros((1, vectors.shape[1]), dtype=np.float32)
        mark[0, 0] = 1.0
        rows = [*records, Record(id=STATE_ID, kind="state", text="", body=json.dumps(state), facts={})]
        every = np.concatenate([vectors, mark])
        for first in range(0, len(rows), self._most):
            part = rows[first : first + self._most]
            self._collection.upsert(
                ids=[record.id for record in part],
                embeddings=every[first : first + self._most],
                metadatas=[
                    {"kind": record.kind, "text": record.text, "body": record.body} | record.facts for record in part
                ],
            )

    def delete(self, ids: Sequence[str]) -> None:
        """Take records out; those that are gone are no fault."""
        for first in range(0, len(ids), self._most):
            self._collection.delete(ids=list(ids[first : first + self._most]))

    def clear(self) -> None:
        """Take everything out: vectors of another embedding are never beside those of this one."""
        self._client.delete_collection(COLLECTION)
        self._open()

    def close(self) -> None:
        """Close the files."""
        self._client.close()

    def _open(self) -> None:
        self._collection: Any = self._client.get_or_create_collection(
            COLLECTION, embedding_function=None, configuration=_INDEX
        )
