"""What fills really burnt, told by the journal alone: how far the estimates were off, and better estimates from it.

Nothing is kept anywhere else: the proofs hold what the simulation said, the outcomes what the receipts said. The same
journal gives the same estimates, so a seed still gives one journal.
"""

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from engine.domain.opportunity import Price, SizedCycle
from engine.domain.pools import AnyPool, Family
from engine.domain.units import Address, PoolId
from engine.journal import ancestry
from engine.journal.journal import Entry, Journal
from engine.planning.capital import EXTRA_GAS
from engine.scanning.ranking import gas_units, net_wei

LEAST_SAMPLES = 5
"""A shape with fewer fills keeps the fixed table's estimate."""
KEPT = 200
"""Newest fills of a shape that count."""
QUANTILE_PERCENT = 75
MOST_TIMES = 2
"""No receipt moves an estimate beyond so many times the fixed table's, nor below it."""

Shape = tuple[Family, ...]
"""The families of a route's pools, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GasSample:
    """One fill, in gas: `table` is the fixed estimate, `estimated` what was learned then, `used` the receipt's.

    `table`, `estimated` and `used` are of the whole transaction with its capital.
    """

    table: int
    estimated: int
    simulated: int
    used: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GasError:
    """How far an estimate was from receipts, in gas, absolute; None where nothing was measured."""

    samples: int
    mean: int | None
    p95: int | None


class GasSeen:
    """Reads the journal's fills as they come; `pools` tells their families."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        first = journal.rows("SELECT seq FROM entries WHERE kind = 'outcome' ORDER BY seq DESC LIMIT 1 OFFSET ?", KEPT)
        self._read_to = int(first[0][0]) if first else 0  # a start does not wait for a month's fills
        self._burnt: defaultdict[Shape, deque[int]] = defaultdict(lambda: deque(maxlen=KEPT))
        self.samples: deque[GasSample] = deque(maxlen=KEPT * 10)

    def read(self, pools: Mapping[PoolId, AnyPool]) -> None:
        """Take up the fills since the last reading."""
        for outcome in self._journal.entries("outcome", after_seq=self._read_to):
            self._read_to = outcome.seq
            if outcome.body["type"] == "Filled":
                self._take(outcome, pools)

    def units(self, shape: Shape) -> int:
        """Estimate a route's gas with own funds: a high quantile of what its shape burnt, within bounds."""
        table = gas_units(shape)
        burnt = sorted(self._burnt.get(shape, ()))
        if len(burnt) < LEAST_SAMPLES:
            return table
        return max(table, min(burnt[(len(burnt) - 1) * QUANTILE_PERCENT // 100], MOST_TIMES * table))

    def repriced(
        self, cycle: SizedCycle, pools: Mapping[PoolId, AnyPool], prices: Mapping[Address, Price], gas_price_wei: int
    ) -> SizedCycle:
        """Give a cycle the gas that was learned, and the net profit that is left then."""
        units = self.units(tuple(pools[hop.pool].family for hop in cycle.route.hops))
        net = net_wei(cycle.profit, prices[cycle.route.token], units, gas_price_wei)
        return replace(cycle, gas_units=units, net_wei=net)

    def errors(self) -> dict[str, GasError]:
        """Say how far table, learned estimate and simulation were off, over the newest fills."""
        return {
            "table": _error([one.used - one.table for one in self.samples]),
            "estimate": _error([one.used - one.estimated for one in self.samples]),
            "simulation": _error([one.used - one.simulated for one in self.samples]),
        }

    def _take(self, outcome: Entry, pools: Mapping[PoolId, AnyPool]) -> None:
        rows = self._journal.rows("SELECT seq FROM intents WHERE intent_id = ?", outcome.body["intent_id"])
        decision = self._journal.entry(rows[0][0] - 1) if rows else None
        if decision is None or decision.kind != "decision":
            return  # a sweep
        proof = ancestry.stamped(self._journal, "proof", decision.body["proof"])
        request = ancestry.stamped(self._journal, "request", decision.body["request"])
        if proof is None or request is None:
            return
        route = [PoolId(hop["pool"]) for hop in request.body["route"]["hops"]]
        if not all(pool in pools for pool in route):
            return
        shape: Shape = tuple(pools[pool].family for pool in route)
        extra, used = EXTRA_GAS[proof.body["plan"]["capital"]], int(outcome.body["gas_used"])
        self.samples.append(
            GasSample(
                table=gas_units(shape) + extra,
                estimated=self.units(shape) + extra,
                simulated=int(proof.body["gas_used"]),
                used=used,
            )
        )
        self._burnt[shape].append(used - extra)


def _error(off: Sequence[int]) -> GasError:
    if not off:
        return GasError(samples=0, mean=None, p95=None)
    ordered = sorted(abs(one) for one in off)
    p95 = ordered[min(len(ordered) * 95 // 100, len(ordered) - 1)]
    return GasError(samples=len(off), mean=sum(ordered) // len(ordered), p95=p95)
