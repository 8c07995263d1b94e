"""Sentences as vectors of length one, without a network: by a model out of its own wheel, or by hashing alone."""

import hashlib
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from engine.config import EmbeddingName

Vectors = np.ndarray[tuple[int, int], np.dtype[np.float32]]
HASHED_DIMENSIONS: Final = 512
_HEX: Final = re.compile(r"0x[0-9a-f]{6,}")
_WORD: Final = re.compile(r"[a-z0-9]+")


class Embedding(Protocol):
    """`name` tells vectors of one embedding from those of another, which never meet."""

    name: str
    dimensions: int

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """Return one row a text, each of length one; a text without a known word is a row of zeros."""
        ...


class WordLlama:
    """Means of token vectors (`wordllama`, 256 dimensions), read from the installed wheel and nowhere else."""

    name = "wordllama-l2-supercat-256"
    dimensions = 256

    def __init__(self) -> None:
        import wordllama

        folder = Path(str(wordllama.__file__)).parent
        self._model: Any = wordllama.WordLlama.load(cache_dir=folder, disable_download=True)

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """Embed a batch at once, in lower case: the model tells WETH from weth. Hex would drown what is beside it."""
        found: Vectors = self._model.embed([_HEX.sub(" ", text.lower()) or " " for text in texts])
        return _unit(found)


class Hashed:
    """Counts of words and pairs of neighbours at places that a hash gives: no model and no meaning."""

    name = f"hashed-{HASHED_DIMENSIONS}"
    dimensions = HASHED_DIMENSIONS

    def __init__(self) -> None:
        self._places: dict[str, tuple[int, float]] = {}

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """Embed a batch."""
        found = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, text in enumerate(texts):
            words = _WORD.findall(text.lower())
            for word in (*words, *(f"{a} {b}" for a, b in pairwise(words))):
                place, sign = self._place(word)
                found[row, place] += sign
        return _unit(found)

    def _place(self, word: str) -> tuple[int, float]:
        known = self._places.get(word)
        if known is None:
            digest = hashlib.blake2b(word.encode(), digest_size=8).digest()
            known = int.from_bytes(digest[:4], "big") % self.dimensions, 1.0 if digest[4] & 1 else -1.0
            self._places[word] = known
        return known


EMBEDDINGS: Final[dict[EmbeddingName, type[WordLlama] | type[Hashed]]] = {"wordllama": WordLlama, "hashed": Hashed}


def embedding_named(name: EmbeddingName) -> Embedding:
    """Load an embedding; about half a second for the model."""
    return EMBEDDINGS[name]()


def _unit(rows: Vectors) -> Vectors:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.maximum(lengths, 1e-9)).astype(np.float32)
