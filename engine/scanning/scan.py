"""From pools to profitable cycles: screen in float64, size in exact integers, rank by net profit."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine.domain.errors import QuoteError
from engine.domain.opportunity import Price, Route, SizedCycle
from engine.domain.pools import AnyPool, Family
from engine.domain.units import Address, PoolId
from engine.scanning.arrays import Universe, build_universe, scratch_copy, update_rates
from engine.scanning.cycles import Candidate, route_of, screen
from engine.scanning.ranking import gas_units, net_wei, ranked
from engine.scanning.sizing import best_size, legs_of

__all__ = ["Scan", "Universe", "build_universe", "find_cycles", "greedy_rounds", "scan", "update_rates"]

Judge = Callable[[SizedCycle], bool]
"""Whether a cycle is worth a transaction."""
_Sized = dict[tuple[int, ...], SizedCycle | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """One look at the market: `screened` cycles were sized exactly, `unpriced` ones have a token of unknown worth."""

    cycles: list[SizedCycle]
    screened: int
    unpriced: int


def scan(
    universe: Universe,
    pools: Mapping[PoolId, AnyPool],
    *,
    prices: Mapping[Address, Price],
    gas_price_wei: int,
    floor_wei: int,
) -> Scan:
    """Find every cycle whose best size nets more than `floor_wei`, the greatest net first.

    The universe's rates must be those of `pools`. Each cycle is exact on its own: where two share a pool, their
    profits do not add up.
    """
    candidates, unpriced = screen(universe, prices, gas_price_wei, floor_wei)
    sized = [_sized(universe, pools, candidate, prices, gas_price_wei) for candidate in candidates]
    cycles = ranked(cycle for cycle in sized if cycle is not None and cycle.net_wei > floor_wei)
    return Scan(cycles=cycles, screened=len(candidates), unpriced=unpriced)


def find_cycles(
    universe: Universe,
    pools: Mapping[PoolId, AnyPool],
    *,
    prices: Mapping[Address, Price],
    gas_price_wei: int,
    floor_wei: int,
) -> list[SizedCycle]:
    """Return the cycles of `scan` alone."""
    return scan(universe, pools, prices=prices, gas_price_wei=gas_price_wei, floor_wei=floor_wei).cycles


def greedy_rounds(
    universe: Universe,
    pools: Mapping[PoolId, AnyPool],
    *,
    prices: Mapping[Address, Price],
    gas_price_wei: int,
    floor_wei: int,
    max_rounds: int,
    worth_sending: Judge | None = None,
) -> list[SizedCycle]:
    """Take the best cycle, swap it, look again: each is exact on the state that the earlier ones leave.

    `pools` and `universe` stay as they are. A cycle whose swaps a pool refuses, though it quotes them, is passed over.
    The best that is not `worth_sending` is left alone, and its pools with it: a lesser cycle through them is a smaller
    share of the same profit, and whoever takes that one takes this one too.
    """
    state = dict(pools)
    rates = scratch_copy(universe)
    sized: _Sized = {}
    refused: set[Route] = set()
    left: set[int] = set()
    taken: list[SizedCycle] = []
    candidates = screen(rates, prices, gas_price_wei, floor_wei).candidates
    while len(taken) < max_rounds:
        best = _best(candidates, rates, state, sized, refused, prices, gas_price_wei, floor_wei)
        if best is None:
            break
        if worth_sending is not None and not worth_sending(best):
            left.update(edge for pool_id in best.route.pools for edge in universe.edges_of[pool_id])
            candidates = [candidate for candidate in candidates if left.isdisjoint(candidate.edges)]
            continue
        try:
            after = swapped(state, best)
        except QuoteError:
            refused.add(best.route)
            continue
        taken.append(best)
        state.update(after)
        update_rates(rates, state, after)
        stale = {edge for pool_id in after for edge in universe.edges_of[pool_id]}
        sized = {edges: cycle for edges, cycle in sized.items() if stale.isdisjoint(edges)}
        seen = screen(rates, prices, gas_price_wei, floor_wei).candidates
        candidates = [candidate for candidate in seen if left.isdisjoint(candidate.edges)]
    return taken


def swapped(pools: Mapping[PoolId, AnyPool], cycle: SizedCycle) -> dict[PoolId, AnyPool]:
    """Return the pools of a cycle after its swaps; raises `QuoteError` where a pool refuses one."""
    after: dict[PoolId, AnyPool] = {}
    amount = cycle.amount_in
    for leg in legs_of(cycle.route, pools):
        amount, after[leg.pool.id] = leg.venue.swap(leg.pool, leg.token_in, leg.token_out, amount)
    return after


def _best(
    candidates: Sequence[Candidate],
    universe: Universe,
    pools: Mapping[PoolId, AnyPool],
    sized: _Sized,
    refused: set[Route],
    prices: Mapping[Address, Price],
    gas_price_wei: int,
    floor_wei: int,
) -> SizedCycle | None:
    """Size candidates by falling bound until none left can beat the best; `sized` remembers what it sized."""
    found: list[SizedCycle] = []
    most = floor_wei
    for candidate in candidates:
        if candidate.bound_wei < most:
            break
        if candidate.edges not in sized:
            sized[candidate.edges] = _sized(universe, pools, candidate, prices, gas_price_wei)
        cycle = sized[candidate.edges]
        if cycle is not None and cycle.net_wei > floor_wei and cycle.route not in refused:
            found.append(cycle)
            most = max(most, cycle.net_wei)
    return next(iter(ranked(found)), None)


def _sized(
    universe: Universe,
    pools: Mapping[PoolId, AnyPool],
    candidate: Candidate,
    prices: Mapping[Address, Price],
    gas_price_wei: int,
) -> SizedCycle | None:
    route = route_of(universe, candidate.edges)
    legs = legs_of(route, pools)
    size = best_size(legs, candidate.guess)
    if size is None:
        return None
    amount_in, amount_out = size
    units = gas_units(_families(pools, route))
    net = net_wei(amount_out - amount_in, prices[route.token], units, gas_price_wei)
    return SizedCycle(route=route, amount_in=amount_in, amount_out=amount_out, gas_units=units, net_wei=net)


def _families(pools: Mapping[PoolId, AnyPool], route: Route) -> Iterable[Family]:
    return (pools[hop.pool].family for hop in route.hops)
