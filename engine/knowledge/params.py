"""What the graph takes and is asked, strictly; text is made harmless before it is written down."""

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from engine.domain.printable import printable
from engine.params import Params

MOST_ITEMS = 500
"""Of one call: a note is one transaction."""
MOST_BYTES = 262_144
"""Of one call's parameters."""
MOST_ROWS = 1_000
NAME_CHARS, TEXT_CHARS = 256, 4_000

Scope = Literal["agents", "market", "all"]
"""What agents and people wrote; what grew from the journal; both."""


_SPACES: Final = "\n\t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_SEPARATORS: Final = {0x2028: " ", 0x2029: " "}
"""Of lines and paragraphs."""


def readable(text: str) -> str:
    """Take out what moves a cursor, turns the reading direction or hides; line ends, tabs and all spaces stay."""
    return printable(text.translate(_SEPARATORS), keep=_SPACES)


NameText = Annotated[str, Field(min_length=1, max_length=NAME_CHARS), AfterValidator(readable)]
Observation = Annotated[str, Field(max_length=TEXT_CHARS), AfterValidator(readable)]
Names = Annotated[tuple[NameText, ...], Field(max_length=MOST_ITEMS)]
Contents = Annotated[tuple[Observation, ...], Field(max_length=MOST_ITEMS)]


class EntityText(Params):
    """An entity as it is written."""

    name: NameText
    entityType: NameText  # noqa: N815 - the reference server's word
    observations: Contents


class RelationText(Params):
    """A relation as it is written."""

    source: NameText = Field(alias="from")
    to: NameText
    relationType: NameText  # noqa: N815 - the reference server's word


class Added(Params):
    """Observations to add to an entity."""

    entityName: NameText  # noqa: N815 - the reference server's word
    contents: Contents


class Deletion(Params):
    """Observations to take from an entity."""

    entityName: NameText  # noqa: N815 - the reference server's word
    observations: Contents


class CreateEntities(Params):
    """Entities to make."""

    entities: tuple[EntityText, ...] = Field(max_length=MOST_ITEMS)


class Relations(Params):
    """Relations to make or to delete."""

    relations: tuple[RelationText, ...] = Field(max_length=MOST_ITEMS)


class AddObservations(Params):
    """Observations to add."""

    observations: tuple[Added, ...] = Field(max_length=MOST_ITEMS)


class DeleteEntities(Params):
    """Entities to delete, with their relations."""

    entityNames: Names  # noqa: N815 - the reference server's word


class DeleteObservations(Params):
    """Observations to delete."""

    deletions: tuple[Deletion, ...] = Field(max_length=MOST_ITEMS)


class Read(Params):
    """A part of a scope."""

    scope: Scope = "agents"
    cursor: Annotated[str, Field(pattern=r"^[er][0-9]{1,18}$")] | None = None
    limit: int = Field(default=MOST_ROWS, ge=1, le=MOST_ROWS)


class Search(Read):
    """Words to look for in names, types and observations."""

    query: str = Field(max_length=NAME_CHARS)


class Open(Read):
    """Entities to open."""

    names: Names


class Neighbours(Read):
    """What an entity is related to."""

    name: NameText
    scope: Scope = "all"


class Paths(Params):
    """How one entity leads to another, in at most `hops` relations."""

    source: NameText = Field(alias="from")
    to: NameText
    scope: Scope = "all"
    hops: int = Field(default=4, ge=1, le=6)
    limit: int = Field(default=3, ge=1, le=20)


Ranked = Literal["routes", "pairs", "pools", "venues", "hubs", "states", "failures", "central"]


class Rank(Params):
    """A ranking; routes may have to begin with a token and pass venues, `central` is of what is around an entity."""

    of: Ranked
    token: NameText | None = None
    venues: Annotated[tuple[NameText, ...], Field(max_length=8)] = ()
    around: NameText | None = None
    limit: int = Field(default=10, ge=1, le=100)


class Changes(Params):
    """What is new after a block or an entry of the journal."""

    scope: Scope = "all"
    after_block: int | None = Field(default=None, ge=0)
    after_seq: int = Field(default=0, ge=0)
    limit: int = Field(default=50, ge=1, le=MOST_ROWS)


class Picture(Params):
    """A picture of an entity and what is around it."""

    name: NameText
    scope: Scope = "all"
    limit: int = Field(default=24, ge=1, le=60)
