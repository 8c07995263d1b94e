"""Print how long a rescan takes after a block: `python -m benchmarks.scan`.

3,409 recorded Ethereum pools (from $KETCH_DATA or ../shared/data), first traded until no cycle pays its gas; then a
block moves 20 of them and the market is scanned again. The peer, in the same run, is plain Python: the remembered
list of all cycles, their float rates multiplied one by one, without sizing. Then markets of some thirty pools of all
families, as large as a demo's, after one swap; the start of the compiled kernel, with an empty cache and with a filled
one, each in a process of its own; and the oracle where nothing is to be had.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from random import Random
from time import perf_counter

import numpy as np

from engine.domain.errors import QuoteError
from engine.domain.opportunity import Price
from engine.domain.pools import AnyPool, ConcentratedPool, ConstantProductPool
from engine.domain.units import Address, PoolId
from engine.scanning import kernel
from engine.scanning.cycles import screen
from engine.scanning.oracle import all_cycles, oracle_cycles
from engine.scanning.scan import build_universe, find_cycles, greedy_rounds, swapped, update_rates
from engine.venues.table import venue_of
from tests.parity.shared_data import load, why_missing
from tests.property.random_universes import random_market
from tests.real_pools import BASE_TOKENS, RECORDED, pools_of_rows, prices_in_weth

SEED = 7
PEER = "peer: rates + all rates multiplied"
BLOCKS = 200
PEER_BLOCKS = 10
MOVED = 20
SWAPS = 5
SMALL_GAS_PRICE_WEI = 10**8
MOST_ROUNDS = 1000
GAS_PRICE_WEI = 30 * 10**9
LARGEST_SHARE = 100  # of what a pool has, that one trade sells
START = """
from time import perf_counter
started = perf_counter()
from engine.scanning import kernel
kernel.warm_up()
print(perf_counter() - started)
"""

Figures = dict[str, float | int]


def measure() -> dict[str, Figures]:
    """Run everything; all times are milliseconds."""
    figures = {"kernel start": starts(), "oracle": oracle_times(), **demo_sized()}
    reason = why_missing(RECORDED)
    if reason:
        print(reason, file=sys.stderr)
        return figures
    return {**figures, **rescans()}


def rescans() -> dict[str, Figures]:
    """Scan after each of many blocks, and after a few of them with the peer, which must pass the same cycles."""
    kernel.warm_up()
    pools = pools_of_rows(load(RECORDED))
    prices = prices_in_weth(pools)
    settled = settle(pools, prices, BASE_TOKENS, GAS_PRICE_WEI)
    started = perf_counter()
    universe = build_universe(settled, BASE_TOKENS)
    built = perf_counter() - started
    rng = Random(SEED)
    order = sorted(settled)
    times: dict[str, list[float]] = {"rates": [], "screen": [], "rates + scan": [], "rates + best cycle": [], PEER: []}
    screened, found = 0, 0
    peer = Peer(settled)
    for block in range(BLOCKS):
        state = dict(settled)
        changed = moved(rng, state, order, MOVED)
        started = perf_counter()
        update_rates(universe, state, changed)
        updated = perf_counter()
        candidates = screen(universe, prices, GAS_PRICE_WEI, 0).candidates
        seen = perf_counter()
        cycles = find_cycles(universe, state, prices=prices, gas_price_wei=GAS_PRICE_WEI, floor_wei=0)
        scanned = perf_counter()
        greedy_rounds(universe, state, prices=prices, gas_price_wei=GAS_PRICE_WEI, floor_wei=0, max_rounds=1)
        chosen = perf_counter()
        times["rates"].append(updated - started)
        times["screen"].append(seen - updated)
        times["rates + scan"].append(scanned - seen + updated - started)
        times["rates + best cycle"].append(chosen - scanned + updated - started)
        screened += len(candidates)
        found += len(cycles)
        if block < PEER_BLOCKS:
            started = perf_counter()
            peer.rescan(state, changed)
            times[PEER].append(perf_counter() - started)
            gaining = len(screen(universe, prices, 0, 0).candidates)
            if gaining < peer.gaining:
                raise AssertionError(f"the screen passes {gaining} cycles, the peer {peer.gaining}")
            peer.rescan(settled, changed)
        update_rates(universe, settled, changed)
    sizes: Figures = {
        "pools": len(settled),
        "edges": len(universe.hops),
        "cycles of 2 to 4 hops": len(peer.cycles),
        "build ms": round(1000 * built, 1),
        "screened a block": round(screened / BLOCKS, 1),
        "found a block": round(found / BLOCKS, 1),
    }
    return {"universe": sizes, **{name: quantiles(values) for name, values in times.items()}}


class Peer:
    """Plain Python: every cycle in a list, and the rate of each multiplied out."""

    def __init__(self, pools: Mapping[PoolId, AnyPool]) -> None:
        layout = tuple((pool_id, pools[pool_id].tokens) for pool_id in sorted(pools))
        self.edges, self.cycles = all_cycles(layout, BASE_TOKENS, 4)
        self.of_pool: dict[PoolId, list[int]] = {}
        for number, hop in enumerate(self.edges):
            self.of_pool.setdefault(hop.pool, []).append(number)
        self.rates = [0.0] * len(self.edges)
        self.gaining = 0
        self.rescan(pools, list(pools))

    def rescan(self, pools: Mapping[PoolId, AnyPool], changed: list[PoolId]) -> None:
        """Read the changed rates and count the cycles that gain."""
        for pool_id in changed:
            for number in self.of_pool[pool_id]:
                hop = self.edges[number]
                self.rates[number] = venue_of(pools[pool_id]).marginal_rate(pools[pool_id], hop.token_in, hop.token_out)
        rates, gaining = self.rates, 0
        for cycle in self.cycles:
            rate = 1.0
            for edge in cycle:
                rate *= rates[edge]
            if rate > 1.0:
                gaining += 1
        self.gaining = gaining


def demo_sized() -> dict[str, Figures]:
    """Scan markets of 24 to 30 pools of all families, once settled, after each of a few swaps."""
    kernel.warm_up()
    rng = Random(SEED)
    times: dict[str, list[float]] = {"small: rates + scan": [], "small: rates + 5 rounds": []}
    found = 0
    for market in [m for m in map(random_market, range(120)) if len(m.pools) >= 24]:
        settled = settle(market.pools, market.prices, market.base_tokens, SMALL_GAS_PRICE_WEI)
        universe = build_universe(settled, market.base_tokens)
        terms = {"prices": market.prices, "gas_price_wei": SMALL_GAS_PRICE_WEI, "floor_wei": 0}
        for _ in range(SWAPS):
            state = dict(settled)
            changed = moved(rng, state, sorted(state), 1)
            started = perf_counter()
            update_rates(universe, state, changed)
            updated = perf_counter()
            found += len(find_cycles(universe, state, **terms))
            scanned = perf_counter()
            greedy_rounds(universe, state, **terms, max_rounds=5)
            chosen = perf_counter()
            times["small: rates + scan"].append(scanned - started)
            times["small: rates + 5 rounds"].append(chosen - scanned + updated - started)
            update_rates(universe, settled, changed)
    figures = {name: quantiles(values) for name, values in times.items()}
    figures["small: rates + scan"]["found a swap"] = round(found / len(times["small: rates + scan"]), 1)
    return figures


def settle(
    pools: Mapping[PoolId, AnyPool],
    prices: Mapping[Address, Price],
    base_tokens: Sequence[Address],
    gas_price_wei: int,
) -> dict[PoolId, AnyPool]:
    """Trade away what the pools have between them."""
    state = dict(pools)
    universe = build_universe(state, base_tokens)
    for cycle in greedy_rounds(
        universe, state, prices=prices, gas_price_wei=gas_price_wei, floor_wei=0, max_rounds=MOST_ROUNDS
    ):
        state.update(swapped(state, cycle))
    return state


def moved(rng: Random, state: dict[PoolId, AnyPool], order: Sequence[PoolId], count: int) -> list[PoolId]:
    """Trade up to one per cent of what some pools have, and say which took it."""
    changed: list[PoolId] = []
    while len(changed) < count:
        pool = state[rng.choice(order)]
        token_in, token_out = rng.sample(pool.tokens, 2)
        try:
            amount = int(share(pool, token_in) * rng.random())
            _, state[pool.id] = venue_of(pool).swap(pool, token_in, token_out, amount)
        except QuoteError:
            continue
        changed.append(pool.id)
    return changed


def share(pool: AnyPool, token: Address) -> int:
    """One per cent of a balance, or of a range's virtual reserve."""
    first = token == pool.tokens[0]
    match pool:
        case ConstantProductPool():
            held = pool.reserve0 if first else pool.reserve1
        case ConcentratedPool():
            root = pool.sqrt_price_x96
            held = (pool.liquidity << 96) // root if first else pool.liquidity * root >> 96
        case _:
            held = pool.balances[pool.tokens.index(token)]
    return held // LARGEST_SHARE


def starts() -> Figures:
    """Import and compile the kernel in two fresh processes that share an empty cache folder."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", START]
        environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
        cold, warm = (
            float(subprocess.run(command, env=environment, check=True, capture_output=True).stdout) for _ in range(2)
        )
    return {"cold ms": round(1000 * cold), "warm ms": round(1000 * warm)}


def oracle_times() -> Figures:
    """Time the oracle on some thirty pools, traded until nothing pays its gas, its list of cycles remembered."""
    for market in map(random_market, range(1000)):
        cycles = len(listed(market.pools, market.base_tokens))
        if 4000 < cycles < 6000:
            break
    else:
        raise AssertionError("no universe of the size asked for")
    calm = settle(market.pools, market.prices, market.base_tokens, SMALL_GAS_PRICE_WEI)
    spent = 0.0
    for _ in range(2):
        started = perf_counter()
        left = oracle_cycles(calm, market.base_tokens, market.prices, SMALL_GAS_PRICE_WEI, 0)
        spent = perf_counter() - started
    return {"pools": len(calm), "cycles": cycles, "profitable": len(left), "ms": round(1000 * spent, 1)}


def listed(pools: Mapping[PoolId, AnyPool], base_tokens: tuple[Address, ...]) -> list[tuple[int, ...]]:
    """List all cycles of 2 to 4 hops."""
    return all_cycles(tuple((pool_id, pools[pool_id].tokens) for pool_id in sorted(pools)), base_tokens, 4)[1]


def quantiles(seconds: list[float]) -> Figures:
    """Return p50 and p99 in milliseconds."""
    p50, p99 = np.percentile(np.array(seconds) * 1000, (50, 99))
    return {"n": len(seconds), "p50 ms": round(float(p50), 2), "p99 ms": round(float(p99), 2)}


if __name__ == "__main__":
    for name, figures in measure().items():
        print(f"{name}: {json.dumps(figures)}")
