"""The stores of the archive: a literal table. Importing it imports no store's libraries."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from engine.journal.stores import Shelf
from engine.knowledge.shelf import KNOWLEDGE
from engine.memory.answers import SHELF as MEMORY

SHELVES: Final[Mapping[str, Shelf]] = MappingProxyType({"knowledge": KNOWLEDGE, "memory": MEMORY})
"""Name of a store, which is its folder's name too -> the store."""
