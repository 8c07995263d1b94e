"""The venues the engine knows: a row a family. Adding a DEX family is one module and one entry here."""

from types import MappingProxyType
from typing import Final

from engine.domain.pools import Family, Pool, Venue
from engine.venues import concentrated, constant_product, stable, weighted

VENUES: Final[tuple[Venue, ...]] = (constant_product, concentrated, weighted, stable)

BY_FAMILY: Final[MappingProxyType[Family, Venue]] = MappingProxyType(
    {family: venue for venue in VENUES for family in venue.families}
)


def venue_of(pool: Pool) -> Venue:
    """Return the venue that quotes this pool."""
    return BY_FAMILY[pool.family]
