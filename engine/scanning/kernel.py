"""The float64 screen: every cycle that may be worth its gas, found by branch and bound over pool-level edges.

Complete by construction: a branch is left only when the best rates back to the base, a bound over all walks, cannot
lift it above 1, and a cycle only when a Möbius function that its output never exceeds cannot earn what it must.
"""

import math

import numpy as np
from numpy.typing import NDArray

from engine.scanning.jit import compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LOG_SLACK = 1e-9
"""How far below 0 a sum of log rates is still followed: 10^5 times the rounding of four float64 logs."""
RATE_SLACK = 1e-11
"""How far the product of the rates is lifted before the bound is taken, for the same reason."""

BASE, LENGTH, FIRST_EDGE = 0, 1, 2
"""Columns of `cycles`: the base's position, the number of hops, then the edges."""
BOUND, AMOUNT = 0, 1
"""Columns of `figures`: profit the cycle cannot exceed (inf: unknown), amount in to try first; raw units."""


@compiled
def enumerate_cycles(
    pair_start: Ints,
    pair_token: Ints,
    pair_best: Floats,
    edge_start: Ints,
    edge_pool: Ints,
    edge_gas: Ints,
    log_rate: Floats,
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

    CSR: token t has pairs pair_start[t]..pair_start[t+1], pair p has edges edge_start[p]..edge_start[p+1].
    `value` is wei per raw unit of each base, inf where unknown. Bases come in order of priority: a cycle through
    several is found from the first only, as each is closed to the bases after it.
    """
    tokens = len(pair_start) - 1
    room = len(cycles)
    found = 0
    used = np.zeros(tokens, dtype=np.bool_)
    back = np.empty((max_hops, tokens), dtype=np.float64)
    at_token = np.zeros(max_hops + 1, dtype=np.int64)
    at_pair = np.zeros(max_hops + 1, dtype=np.int64)
    at_edge = np.zeros(max_hops + 1, dtype=np.int64)
    logs = np.zeros(max_hops + 1, dtype=np.float64)
    rates = np.ones(max_hops + 1, dtype=np.float64)
    curves = np.zeros(max_hops + 1, dtype=np.float64)
    mosts = np.full(max_hops + 1, math.inf, dtype=np.float64)
    gases = np.zeros(max_hops + 1, dtype=np.int64)
    for b in range(len(bases)):
        base = bases[b]
        # back[k, t]: the best log rate of any walk from t to the base in at most k hops
        for t in range(tokens):
            back[0, t] = -math.inf
        for k in range(1, max_hops):
            for t in range(tokens):
                best = -math.inf
                if t != base and not used[t]:
                    for p in range(pair_start[t], pair_start[t + 1]):
                        u = pair_token[p]
                        through = pair_best[p]
                        if u != base:
                            through = -math.inf if used[u] else through + back[k - 1, u]
                        best = max(best, through)
                back[k, t] = best
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
            left = max_hops - depth - 1
            tail = -math.inf
            if u == base:
                if depth > 0:
                    tail = 0.0
            elif not used[u]:
                tail = back[left, u]
            if not logs[depth] + pair_best[p] + tail > -LOG_SLACK:
                at_pair[depth] = p + 1
                at_edge[depth] = edge_start[p + 1]
                continue
            total = logs[depth] + log_rate[e]
            fresh = total + tail > -LOG_SLACK
            for d in range(depth):
                if edge_pool[at_edge[d]] == edge_pool[e]:
                    fresh = False
            if not fresh:
                at_edge[depth] = e + 1
                continue
            # f(x) = r·x/(1 + c·x) after another such hop is the same form: r = r₁·r₂, c = c₁ + c₂·r₁
            product = rates[depth] * rate[e]
            curvature = curves[depth] + curve[e] * rates[depth]
            # and no input brings more than the least of what the hops can give at most, carried through the rest
            limit = most[e]
            if mosts[depth] < math.inf:
                limit = min(limit, rate[e] * mosts[depth] / (1.0 + curve[e] * mosts[depth]))
            gas = gases[depth] + edge_gas[e]
            if u != base:
                depth += 1
                used[u] = True
                at_token[depth] = u
                at_pair[depth] = pair_start[u]
                at_edge[depth] = edge_start[pair_start[u]]
                logs[depth] = total
                rates[depth] = product
                curves[depth] = curvature
                mosts[depth] = limit
                gases[depth] = gas
                continue
            at_edge[depth] = e + 1
            product *= 1.0 + RATE_SLACK
            gain = math.sqrt(product) - 1.0
            if gain <= 0.0:
                continue
            # the maximum of r·x/(1 + c·x) − x is (√r − 1)²/c at x = (√r − 1)/c, unless the limit is reached before:
            # then at the x that reaches it, limit/(r − c·limit)
            amount = gain / curvature if curvature > 0.0 else math.inf
            bound = gain * amount
            if limit * (1.0 + curvature * amount) < product * amount or bound == math.inf:
                amount = limit / (product - curvature * limit)
                bound = limit - amount
            cost = need_wei + gas_price_wei * gas
            if bound * value[b] < cost - LOG_SLACK * abs(cost):
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
    nothing, reals = np.zeros(1, dtype=np.int64), np.zeros(0, dtype=np.float64)
    enumerate_cycles(
        nothing, nothing[:0], reals, nothing, nothing[:0], nothing[:0], reals, reals, reals, reals, nothing[:0], reals,
        0.0, 0.0, 4, np.zeros((0, 6), dtype=np.int64), np.zeros((0, 2), dtype=np.float64),
    )  # fmt: skip
