"""How trades like one ended that were sent: the shape of its route, what it was worth, and the chance to fill."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engine.domain.opportunity import Route
from engine.domain.pools import AnyPool
from engine.domain.units import PoolId

Shape = tuple[str, ...]
"""The deployments of a route's pools, sorted: as many as it has hops, whichever comes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """How often the trades most like one filled of those that were sent, and what it costs not to fill.

    `ppm` is the chance to fill, shrunk towards certainty: little evidence changes little. `lost_ppm` is what
    trades of its worth that did not fill paid of the gas and bid expected of them; 0 where none was lost.
    """

    sent: int
    filled: int
    ppm: int
    lost_ppm: int


Chances = Callable[[Shape, int], Chance | None]
"""The chance of a shape that nets so many wei before its bid; None where too little is known."""


def worth_of(net_wei: int) -> int:
    """Class a net profit before the bid by its decimal digits in wei: what is worth more draws more rivals."""
    return len(str(max(net_wei, 0)))


def shape_of(route: Route, pools: Mapping[PoolId, AnyPool]) -> Shape:
    """Name a route's shape; raises `KeyError` for a pool that is not among `pools`."""
    return tuple(sorted(pools[hop.pool].deployment for hop in route.hops))
