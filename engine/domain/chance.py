"""How trades like one ended that were sent before: a shape of route, and the chance that it fills."""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.domain.opportunity import Route
from engine.domain.pools import AnyPool
from engine.domain.units import PoolId

Shape = tuple[str, ...]
"""The deployments of a route's pools, sorted: as many as it has hops, whichever comes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """How often trades of a shape filled of those that were sent, and what the others lost.

    `ppm` is the chance to fill, shrunk towards certainty: little evidence changes little. `lost_ppm` is what those
    that did not fill paid, of the gas and bid that they were expected to pay; 0 where none was lost.
    """

    sent: int
    filled: int
    ppm: int
    lost_ppm: int


def shape_of(route: Route, pools: Mapping[PoolId, AnyPool]) -> Shape:
    """Name a route's shape; raises `KeyError` for a pool that is not among `pools`."""
    return tuple(sorted(pools[hop.pool].deployment for hop in route.hops))
