"""The least that each hop may deliver: its quote, less twice the share by which the end may miss its own."""

from collections.abc import Mapping, Sequence

from engine.domain.errors import QuoteError
from engine.domain.hops import packable
from engine.domain.opportunity import Route
from engine.domain.pools import AnyPool
from engine.domain.units import PoolId
from engine.venues.table import venue_of

SLACK_TIMES = 2
"""A later hop takes on at least half of what an earlier one falls short by, in share, while a swap takes in less than
the pool holds: so a hop that falls by more than twice the end's slack misses the floor on its own."""


def swaps_of(
    route: Route, amount_in: int, pools: Mapping[PoolId, AnyPool]
) -> tuple[tuple[int, ...], Mapping[PoolId, AnyPool]]:
    """Quote each hop's output, and the pools as its swaps leave them; no outputs where a pool refuses one."""
    after: dict[PoolId, AnyPool] = {}
    outs = [amount_in]
    try:
        for hop in route.hops:
            pool = after.get(hop.pool) or pools[hop.pool]
            out, after[hop.pool] = venue_of(pool).swap(pool, hop.token_in, hop.token_out, outs[-1])
            outs.append(out)
    except QuoteError:
        return (), {}
    return tuple(outs[1:]), after


def least_outs(outs: Sequence[int], needed: int) -> tuple[int, ...]:
    """Say the least output of each hop, as a hop can carry it; `needed` is what the last must give for the floor.

    At least 1 each: a hop that may deliver nothing has no minimum, and is not signed.
    """
    if not outs:
        return ()
    end = max(1, outs[-1])
    slack = min(SLACK_TIMES * max(0, end - needed), end)
    return tuple(max(1, packable(out * (end - slack) // end)) for out in outs)
