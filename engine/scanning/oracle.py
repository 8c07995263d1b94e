"""A second opinion on what could be earned: plain enumeration of every cycle, a plain search for every size.

It shares with the scanner the venues' quotes, the gas table and the definition of what counts, and nothing else:
no kernel, no pruning, no closed form. Slow on purpose; meant for some thirty pools.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from engine.domain.errors import QuoteError
from engine.domain.opportunity import Hop, Price, Route, SizedCycle
from engine.domain.pools import AnyPool, ConcentratedPool, ConstantProductPool
from engine.domain.units import Address, PoolId
from engine.scanning.ranking import gas_units
from engine.venues.table import venue_of

_Layout = tuple[tuple[PoolId, tuple[Address, ...]], ...]

_LOSS = -(1 << 400)
_SLACK = 1e-9
_COARSE_LIMIT = 3
"""On a grid of doublings a concave profit is at most twice its best point; three leaves room for rounding."""
_GRID_DOWN = 160
_BELOW = 0.999
_RATE_ERROR = 1e-12
_NARROW = 1 << 22
_LAST_POINTS = 8
_SECTION = 0.6180339887498949


def oracle_cycles(
    pools: Mapping[PoolId, AnyPool],
    base_tokens: Sequence[Address],
    prices: Mapping[Address, Price],
    gas_price_wei: int,
    floor_wei: int,
    *,
    max_hops: int = 4,
    exhaustive: bool = False,
) -> list[SizedCycle]:
    """Find every cycle of 2 to `max_hops` hops whose best size nets more than `floor_wei`, the greatest net first.

    Cycles whose marginal rates multiply to no more than 1, or that one quote shows too poor, are not sized;
    `exhaustive` sizes them too.
    """
    found: list[SizedCycle] = []
    for hops, gas_wei in _worth_sizing(pools, base_tokens, prices, gas_price_wei, floor_wei, max_hops, exhaustive):
        price = prices[hops[0].token_in]
        best = _coarse(pools, hops)
        if price.wei(max(0, _COARSE_LIMIT * best[0])) - gas_wei <= floor_wei:
            continue
        cycle = _refined(pools, hops, best, price, gas_price_wei)
        if cycle is not None and cycle.net_wei > floor_wei:
            found.append(cycle)
    return sorted(found, key=lambda cycle: -cycle.net_wei)


def oracle_profit_wei(
    pools: Mapping[PoolId, AnyPool],
    base_tokens: Sequence[Address],
    prices: Mapping[Address, Price],
    gas_price_wei: int,
    floor_wei: int,
    *,
    max_hops: int = 4,
    max_rounds: int = 64,
) -> int:
    """Add up the net profit in wei of taking the best cycle again and again, each from what the last one left."""
    state = dict(pools)
    total = 0
    for _ in range(max_rounds):
        best = _best(state, base_tokens, prices, gas_price_wei, floor_wei, max_hops)
        if best is None:
            break
        total += best.net_wei
        amount = best.amount_in
        for hop in best.route.hops:
            pool = state[hop.pool]
            amount, state[hop.pool] = venue_of(pool).swap(pool, hop.token_in, hop.token_out, amount)
    return total


def _best(
    pools: Mapping[PoolId, AnyPool],
    base_tokens: Sequence[Address],
    prices: Mapping[Address, Price],
    gas_price_wei: int,
    floor_wei: int,
    max_hops: int,
) -> SizedCycle | None:
    """Refine only the cycles whose grid leaves room to beat the best one."""
    grid: list[tuple[int, tuple[Hop, ...], tuple[int, int]]] = []
    for hops, gas_wei in _worth_sizing(pools, base_tokens, prices, gas_price_wei, floor_wei, max_hops, False):
        best = _coarse(pools, hops)
        limit = prices[hops[0].token_in].wei(max(0, _COARSE_LIMIT * best[0])) - gas_wei
        if limit > floor_wei:
            grid.append((limit, hops, best))
    grid.sort(key=lambda row: (-row[0], tuple(hop.pool for hop in row[1])))
    winner: SizedCycle | None = None
    for limit, hops, best in grid:
        if winner is not None and limit <= winner.net_wei:
            break
        cycle = _refined(pools, hops, best, prices[hops[0].token_in], gas_price_wei)
        if cycle is not None and cycle.net_wei > (winner.net_wei if winner else floor_wei) and _swaps(pools, cycle):
            winner = cycle
    return winner


def _worth_sizing(
    pools: Mapping[PoolId, AnyPool],
    base_tokens: Sequence[Address],
    prices: Mapping[Address, Price],
    gas_price_wei: int,
    floor_wei: int,
    max_hops: int,
    exhaustive: bool,
) -> Iterator[tuple[tuple[Hop, ...], int]]:
    layout = tuple((pool_id, pools[pool_id].tokens) for pool_id in sorted(pools))
    edges, cycles = all_cycles(layout, tuple(base_tokens), max_hops)
    rates = [_rate(pools[hop.pool], hop) for hop in edges]
    for cycle in cycles:
        rate = 1.0
        for edge in cycle:
            rate *= rates[edge]
        if rate <= 1.0 - _SLACK and not exhaustive:
            continue
        hops = tuple(edges[edge] for edge in cycle)
        price = prices.get(hops[0].token_in)
        if price is None or price.num <= 0:
            continue
        gas_wei = gas_units(pools[hop.pool].family for hop in hops) * gas_price_wei
        if exhaustive or not _cannot_pay(pools, hops, rate, price.raw(gas_wei + floor_wei)):
            yield hops, gas_wei


def _cannot_pay(pools: Mapping[PoolId, AnyPool], hops: Sequence[Hop], rate: float, cost: int) -> bool:
    """Tell, by one quote, that no amount earns `cost` raw units; False says nothing.

    Below the amount at which the marginal rate would earn the cost, nothing earns it; and a concave profit that is
    gone at that amount does not come back above it.
    """
    amount = int(_BELOW * cost / (max(0.0, rate - 1) + _RATE_ERROR)) if cost > 0 else 0
    return amount > 0 and _profit(pools, hops, amount) <= 0


@lru_cache(maxsize=8)
def all_cycles(
    layout: _Layout, base_tokens: tuple[Address, ...], max_hops: int
) -> tuple[list[Hop], list[tuple[int, ...]]]:
    """List every edge and every cycle, as positions in the edges. It depends on no state, so it is remembered."""
    edges = [
        Hop(pool=pool_id, token_in=given, token_out=taken)
        for pool_id, tokens in layout
        for given in tokens
        for taken in tokens
        if given != taken
    ]
    leaving: dict[Address, list[int]] = {}
    for position, hop in enumerate(edges):
        leaving.setdefault(hop.token_in, []).append(position)
    cycles: list[tuple[int, ...]] = []

    def extend(path: tuple[int, ...], base: Address, at: Address, closed_to: frozenset[Address]) -> None:
        for position in leaving.get(at, ()):
            hop = edges[position]
            if any(edges[before].pool == hop.pool for before in path):
                continue
            if hop.token_out == base:
                if path:
                    cycles.append((*path, position))
            elif hop.token_out not in closed_to and len(path) + 1 < max_hops:
                extend((*path, position), base, hop.token_out, closed_to | {hop.token_out})

    for rank, base in enumerate(base_tokens):
        if base not in base_tokens[:rank]:
            extend((), base, base, frozenset(base_tokens[:rank]))
    return edges, cycles


def _rate(pool: AnyPool, hop: Hop) -> float:
    try:
        return venue_of(pool).marginal_rate(pool, hop.token_in, hop.token_out)
    except QuoteError:
        return 0.0


def _profit(pools: Mapping[PoolId, AnyPool], hops: Sequence[Hop], amount_in: int) -> int:
    amount = amount_in
    try:
        for hop in hops:
            pool = pools[hop.pool]
            amount = venue_of(pool).quote_out(pool, hop.token_in, hop.token_out, amount)
    except QuoteError:
        return _LOSS
    return amount - amount_in


def _coarse(pools: Mapping[PoolId, AnyPool], hops: Sequence[Hop]) -> tuple[int, int]:
    """Return (profit, amount) of the best point on a grid of doublings, from about where the best should be."""
    depth, rate = _depth(pools, hops)
    top = max(2, int(depth * (math.sqrt(rate) - 1))) if rate > 1 else max(2, int(depth))
    best = (_profit(pools, hops, top), top)
    for up in range(1, _GRID_DOWN):
        point = (_profit(pools, hops, top << up), top << up)
        if point[0] < best[0] or point[0] == _LOSS:
            break
        best = max(best, point)
    falling = 0
    for down in range(1, top.bit_length()):
        point = (_profit(pools, hops, top >> down), top >> down)
        falling = falling + 1 if point[0] < best[0] and best[0] > 0 else 0
        if falling == 2:
            break
        best = max(best, point)
    return best


def _depth(pools: Mapping[PoolId, AnyPool], hops: Sequence[Hop]) -> tuple[float, float]:
    """Return about how much of the cycle's token its shallowest pool holds, and the product of the marginal rates."""
    depths: list[float] = []
    scale = 1.0
    for hop in hops:
        pool = pools[hop.pool]
        first = hop.token_in == pool.tokens[0]
        if isinstance(pool, ConstantProductPool):
            held = float(pool.reserve0 if first else pool.reserve1)
        elif isinstance(pool, ConcentratedPool):
            root = pool.sqrt_price_x96 / 2**96
            held = max(pool.liquidity, 1) / root if first else max(pool.liquidity, 1) * root
        else:
            held = float(pool.balances[pool.tokens.index(hop.token_in)])
        depths.append(held / scale)
        scale *= _rate(pool, hop) or 1.0
    return min(depths), scale


def _refined(
    pools: Mapping[PoolId, AnyPool],
    hops: tuple[Hop, ...],
    start: tuple[int, int],
    price: Price,
    gas_price_wei: int,
) -> SizedCycle | None:
    """Narrow the bracket around a grid point by golden sections, then look at points of what is left."""
    best, amount = start
    low, high = amount // 2, amount * 2
    left, right = high - int((high - low) * _SECTION), low + int((high - low) * _SECTION)
    at_left, at_right = _profit(pools, hops, left), _profit(pools, hops, right)
    while high - low > max(_LAST_POINTS, amount // _NARROW):
        best, amount = max((best, amount), (at_left, left), (at_right, right))
        if at_left < at_right:
            low, left, at_left = left, right, at_right
            right = low + int((high - low) * _SECTION)
            at_right = _profit(pools, hops, right)
        else:
            high, right, at_right = right, left, at_left
            left = high - int((high - low) * _SECTION)
            at_left = _profit(pools, hops, left)
    for at in range(low, high + 1, max(1, (high - low) // _LAST_POINTS)):
        best, amount = max((best, amount), (_profit(pools, hops, at), at))
    if best <= 0:
        return None
    units = gas_units(pools[hop.pool].family for hop in hops)
    return SizedCycle(
        route=Route(hops=hops),
        amount_in=amount,
        amount_out=amount + best,
        gas_units=units,
        net_wei=price.wei(best) - units * gas_price_wei,
    )


def _swaps(pools: Mapping[PoolId, AnyPool], cycle: SizedCycle) -> bool:
    """Return whether the pools take the swaps that they quote."""
    amount = cycle.amount_in
    try:
        for hop in cycle.route.hops:
            pool = pools[hop.pool]
            amount, _ = venue_of(pool).swap(pool, hop.token_in, hop.token_out, amount)
    except QuoteError:
        return False
    return True
