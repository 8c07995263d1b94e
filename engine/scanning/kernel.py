"""The float64 screen: every cycle that may be worth its gas, found by branch and bound over pool-level edges.

Complete by construction: a branch is left only when no walk from it back to the base can earn what a cycle must, and
both what a walk gains and what it can carry are bounded over all walks, by dynamic programming, before the search.
"""

import math

import numpy as np
from numpy.typing import NDArray

from engine.scanning.jit import compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SLACK = 1e-9
"""What a bound may be off by in float64, with room to spare: a product of four rates is good to 1e-15."""

BASE, LENGTH, FIRST_EDGE = 0, 1, 2
"""Columns of `cycles`: the base's position, the number of hops, then the edges."""
BOUND, AMOUNT = 0, 1
"""Columns of `figures`: profit the cycle cannot exceed (inf: unknown), amount in to try first; raw units."""


@compiled
def best_profit(rate: float, curve: float, limit: float) -> tuple[float, float]:
    """Return the greatest min(r·x/(1 + c·x), limit) − x and its x; zeros where there is none.

    The maximum of r·x/(1 + c·x) − x is (√r − 1)²/c at x = (√r − 1)/c; where the limit is reached before, it is there.
    """
    gain = math.sqrt(rate) - 1.0
    if not gain > 0.0:
        return 0.0, 0.0
    if curve > 0.0:
        amount = gain / curve
        if limit * (1.0 + curve * amount) >= rate * amount:
            return gain * amount, amount
    elif limit == math.inf:
        return math.inf, 0.0
    amount = limit / (rate - curve * limit)
    return limit - amount, amount


@compiled
def enumerate_cycles(
    pair_start: Ints,
    pair_token: Ints,
    pair_rate: Floats,
    pair_most: Floats,
    edge_start: Ints,
    edge_pool: Ints,
    edge_gas: Ints,
    rate: Floats,
    curve: Floats,
    most: Floats,
    bases: Ints,
    value: Floats,
    need_wei: float,
    gas_price_wei: float,
    max_hops: int,
    cycles: Ints,
    figures: Floats,
) -> int:
    """Write the cycles that may earn `need_wei` and their gas; return how many there are, also past the buffer's end.

    CSR: token t has pairs pair_start[t]..pair_start[t+1], pair p has edges edge_start[p]..edge_start[p+1]; a pair
    has the best `rate` and the greatest `most` of its edges. `value` is wei per raw unit of each base, inf where
    unknown. Bases come in order of priority: a cycle through several is found from the first only, as each is closed
    to the bases after it.
    """
    tokens = len(pair_start) - 1
    room = len(cycles)
    found = 0
    used = np.zeros(tokens, dtype=np.bool_)
    back = np.zeros((max_hops, tokens), dtype=np.float64)
    carried = np.zeros((max_hops, tokens), dtype=np.float64)
    at_token = np.zeros(max_hops + 1, dtype=np.int64)
    at_pair = np.zeros(max_hops + 1, dtype=np.int64)
    at_edge = np.zeros(max_hops + 1, dtype=np.int64)
    rates = np.ones(max_hops + 1, dtype=np.float64)
    curves = np.zeros(max_hops + 1, dtype=np.float64)
    limits = np.full(max_hops + 1, math.inf, dtype=np.float64)
    gases = np.zeros(max_hops + 1, dtype=np.int64)
    for b in range(len(bases)):
        base = bases[b]
        # of all walks from t to the base in at most k hops: back[k, t] the best rate, carried[k, t] the most they give
        for k in range(1, max_hops):
            for t in range(tokens):
                best, heaviest = 0.0, 0.0
                if t != base and not used[t]:
                    for p in range(pair_start[t], pair_start[t + 1]):
                        u = pair_token[p]
                        if u == base:
                            best = max(best, pair_rate[p])
                            heaviest = max(heaviest, pair_most[p])
                        elif not used[u] and back[k - 1, u] > 0.0:
                            best = max(best, pair_rate[p] * back[k - 1, u])
                            heaviest = max(heaviest, min(pair_most[p] * back[k - 1, u], carried[k - 1, u]))
                back[k, t], carried[k, t] = best, heaviest
        depth = 0
        at_token[0] = base
        at_pair[0] = pair_start[base]
        at_edge[0] = edge_start[pair_start[base]]
        while depth >= 0:
            p = at_pair[depth]
            if p >= pair_start[at_token[depth] + 1]:
                used[at_token[depth]] = False
                depth -= 1
                if depth >= 0:
                    at_edge[depth] += 1
                continue
            e = at_edge[depth]
            if e >= edge_start[p + 1]:
                at_pair[depth] = p + 1
                continue
            u = pair_token[p]
            tail, heaviest = 0.0, math.inf
            if u == base:
                if depth > 0:
                    tail = 1.0
            elif not used[u]:
                tail = back[max_hops - depth - 1, u]
                heaviest = carried[max_hops - depth - 1, u]
            if not rates[depth] * pair_rate[p] * tail > 1.0 - SLACK:
                at_pair[depth] = p + 1
                at_edge[depth] = edge_start[p + 1]
                continue
            at_edge[depth] = e + 1
            # f(x) = r·x/(1 + c·x) after another such hop is the same form: r = r₁·r₂, c = c₁ + c₂·r₁;
            # and what went in at most gives at most its own quote
            product = rates[depth] * rate[e]
            if not product * tail > 1.0 - SLACK:
                continue
            curvature = curves[depth] + curve[e] * rates[depth]
            limit = most[e]
            if limits[depth] < math.inf:
                limit = min(limit, rate[e] * limits[depth] / (1.0 + curve[e] * limits[depth]))
            gas = gases[depth] + edge_gas[e]
            bound, amount = best_profit(product * tail * (1.0 + SLACK), curvature, min(limit * tail, heaviest))
            cost = need_wei + gas_price_wei * gas
            if not bound > 0.0 or bound * value[b] < cost - SLACK * abs(cost):
                continue
            fresh = True
            for d in range(depth):
                if edge_pool[at_edge[d]] == edge_pool[e]:
                    fresh = False
            if not fresh:
                continue
            if u != base:
                at_edge[depth] = e
                depth += 1
                used[u] = True
                at_token[depth] = u
                at_pair[depth] = pair_start[u]
                at_edge[depth] = edge_start[pair_start[u]]
                rates[depth] = product
                curves[depth] = curvature
                limits[depth] = limit
                gases[depth] = gas
                continue
            if found < room:
                cycles[found, BASE] = b
                cycles[found, LENGTH] = depth + 1
                for d in range(depth):
                    cycles[found, FIRST_EDGE + d] = at_edge[d]
                cycles[found, FIRST_EDGE + depth] = e
                figures[found, BOUND] = bound
                figures[found, AMOUNT] = amount
            found += 1
        used[base] = True
    return found


def warm_up() -> None:
    """Compile the kernel, or load it from the cache: seconds the first time on a machine, then a fraction of one."""
    start, none, reals = np.zeros(1, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float64)
    enumerate_cycles(
        start, none, reals, reals, start, none, none, reals, reals, reals, none, reals,
        0.0, 0.0, 4, np.zeros((0, 6), dtype=np.int64), np.zeros((0, 2), dtype=np.float64),
    )  # fmt: skip
