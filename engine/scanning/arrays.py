"""The pools as float64 arrays for the kernel: edges grouped by directed token pair, pairs by token (CSR)."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from engine.domain.errors import QuoteError
from engine.domain.opportunity import Hop
from engine.domain.pools import AnyPool
from engine.domain.units import Address, PoolId
from engine.scanning.ceiling import Ceiling, ceiling
from engine.scanning.ranking import GAS_PER_HOP
from engine.venues.table import venue_of

MIN_HOPS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Universe:
    """A fixed set of pools. Edge e is the swap `hops[e]`; it and its arrays are in the order of the pairs.

    `rate`, `curve`, `most` and the greatest of each pair follow the pools' states; only `update_rates` writes them.
    `base_tokens` are those that some pool trades, in order of priority.
    """

    base_tokens: tuple[Address, ...]
    max_hops: int
    hops: tuple[Hop, ...]
    edges_of: Mapping[PoolId, tuple[int, ...]]
    bases: NDArray[np.int64]
    pair_start: NDArray[np.int64]
    pair_token: NDArray[np.int64]
    edge_start: NDArray[np.int64]
    edge_pool: NDArray[np.int64]
    edge_gas: NDArray[np.int64]
    rate: NDArray[np.float64]
    curve: NDArray[np.float64]
    most: NDArray[np.float64]
    pair_rate: NDArray[np.float64]
    pair_most: NDArray[np.float64]


def build_universe(pools: Mapping[PoolId, AnyPool], base_tokens: Sequence[Address], max_hops: int = 4) -> Universe:
    """Lay out a set of pools and read their rates; raises `ValueError` for cycles of fewer than two hops."""
    if max_hops < MIN_HOPS:
        raise ValueError(f"a cycle has at least {MIN_HOPS} hops, not {max_hops}")
    ids = sorted(pools)
    token_index = {token: i for i, token in enumerate(sorted({t for pool in pools.values() for t in pool.tokens}))}
    pool_index = {pool_id: i for i, pool_id in enumerate(ids)}
    hops = sorted(
        (
            Hop(pool=pool_id, token_in=given, token_out=taken)
            for pool_id in ids
            for given in pools[pool_id].tokens
            for taken in pools[pool_id].tokens
            if given != taken
        ),
        key=lambda hop: (hop.token_in, hop.token_out, hop.pool),
    )
    edges_of: dict[PoolId, list[int]] = {pool_id: [] for pool_id in ids}
    for edge, hop in enumerate(hops):
        edges_of[hop.pool].append(edge)
    grouped = [(pair, len(list(group))) for pair, group in groupby(hops, key=lambda hop: (hop.token_in, hop.token_out))]
    pairs_out = np.zeros(len(token_index), dtype=np.int64)
    for (given, _), _ in grouped:
        pairs_out[token_index[given]] += 1
    present = tuple(dict.fromkeys(token for token in base_tokens if token in token_index))
    universe = Universe(
        base_tokens=present,
        max_hops=max_hops,
        hops=tuple(hops),
        edges_of=MappingProxyType({pool_id: tuple(edges) for pool_id, edges in edges_of.items()}),
        bases=_ints([token_index[token] for token in present]),
        pair_start=np.concatenate((_ints([0]), np.cumsum(pairs_out))),
        pair_token=_ints([token_index[taken] for (_, taken), _ in grouped]),
        edge_start=np.concatenate((_ints([0]), np.cumsum(_ints([size for _, size in grouped])))),
        edge_pool=_ints([pool_index[hop.pool] for hop in hops]),
        edge_gas=_ints([GAS_PER_HOP[pools[hop.pool].family] for hop in hops]),
        rate=np.zeros(len(hops)),
        curve=np.zeros(len(hops)),
        most=np.zeros(len(hops)),
        pair_rate=np.zeros(len(grouped)),
        pair_most=np.zeros(len(grouped)),
    )
    update_rates(universe, pools, ids)
    return universe


def update_rates(universe: Universe, pools: Mapping[PoolId, AnyPool], changed: Iterable[PoolId]) -> None:
    """Read the rates of the changed pools anew; raises `KeyError` for a pool that came after the universe."""
    touched = False
    for pool_id in changed:
        pool = pools[pool_id]
        venue = venue_of(pool)
        for edge in universe.edges_of[pool_id]:
            hop = universe.hops[edge]
            try:
                rate = venue.marginal_rate(pool, hop.token_in, hop.token_out)
            except QuoteError:  # the pool trades nothing in this state, so the edge leads nowhere
                rate = 0.0
            usable = 0.0 < rate < math.inf
            universe.rate[edge] = rate if usable else 0.0
            bound = ceiling(pool, hop.token_in, hop.token_out, rate) if usable else Ceiling(0.0, 0.0)
            universe.curve[edge], universe.most[edge] = bound
            touched = True
    if touched:
        np.maximum.reduceat(universe.rate, universe.edge_start[:-1], out=universe.pair_rate)
        np.maximum.reduceat(universe.most, universe.edge_start[:-1], out=universe.pair_most)


def scratch_copy(universe: Universe) -> Universe:
    """Copy what `update_rates` writes, so that a hypothetical state leaves the original as it is."""
    return replace(
        universe,
        rate=universe.rate.copy(),
        curve=universe.curve.copy(),
        most=universe.most.copy(),
        pair_rate=universe.pair_rate.copy(),
        pair_most=universe.pair_most.copy(),
    )


def _ints(values: Sequence[int]) -> NDArray[np.int64]:
    return np.array(values, dtype=np.int64)
