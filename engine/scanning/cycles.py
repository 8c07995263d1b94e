"""What the kernel found, read back as routes: candidates, the most promising first."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from engine.domain.opportunity import Price, Route
from engine.domain.units import Address
from engine.scanning import kernel
from engine.scanning.arrays import Universe
from engine.scanning.ranking import GAS_BASE, known_price

_FIRST_ROOM = 4096


class Candidate(NamedTuple):
    """A cycle that may be worth its gas: `edges` of the universe, at most `bound_wei` of profit after gas.

    `guess` is an amount in to try first, in raw units, 0 when none is known; `bound_wei` ranks and is a float.
    """

    edges: tuple[int, ...]
    guess: int
    bound_wei: float


class Screened(NamedTuple):
    """The candidates by falling bound, and how many cycles were left out as their token has no price."""

    candidates: list[Candidate]
    unpriced: int


def screen(universe: Universe, prices: Mapping[Address, Price], gas_price_wei: int, floor_wei: int) -> Screened:
    """Run the kernel over the universe as it is; complete but for cycles that cannot earn the floor and their gas."""
    known = [known_price(prices, token) for token in universe.base_tokens]
    value = np.array([price.num / price.den if price else np.inf for price in known], dtype=np.float64)
    cycles, figures, found = _enumerate(universe, value, gas_price_wei, floor_wei)
    unpriced = 0
    candidates: list[Candidate] = []
    rows = zip(cycles[:found].tolist(), figures[:found].tolist(), strict=True)
    for row, (bound, amount) in rows:
        base = row[kernel.BASE]
        if known[base] is None:
            unpriced += 1
            continue
        edges = tuple(row[kernel.FIRST_EDGE : kernel.FIRST_EDGE + row[kernel.LENGTH]])
        gas = GAS_BASE + int(universe.edge_gas[list(edges)].sum())
        candidates.append(Candidate(edges, int(amount), bound * float(value[base]) - float(gas * gas_price_wei)))
    candidates.sort(key=lambda candidate: (-candidate.bound_wei, candidate.edges))
    return Screened(candidates, unpriced)


def route_of(universe: Universe, edges: tuple[int, ...]) -> Route:
    """Name the swaps of a cycle."""
    return Route(hops=tuple(universe.hops[edge] for edge in edges))


def _enumerate(
    universe: Universe, value: kernel.Floats, gas_price_wei: int, floor_wei: int
) -> tuple[kernel.Ints, kernel.Floats, int]:
    room = _FIRST_ROOM
    while True:
        cycles = np.empty((room, kernel.FIRST_EDGE + universe.max_hops), dtype=np.int64)
        figures = np.empty((room, 2), dtype=np.float64)
        found = kernel.enumerate_cycles(
            universe.pair_start,
            universe.pair_token,
            universe.pair_rate,
            universe.pair_most,
            universe.edge_start,
            universe.edge_pool,
            universe.edge_gas,
            universe.rate,
            universe.curve,
            universe.most,
            universe.bases,
            value,
            float(floor_wei + GAS_BASE * gas_price_wei),
            float(gas_price_wei),
            universe.max_hops,
            cycles,
            figures,
        )
        if found <= room:
            return cycles, figures, found
        room = found
