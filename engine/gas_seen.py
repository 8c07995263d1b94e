"""What trades really burnt, told by the journal alone: how far the estimates were off, and better estimates from it.

Nothing is kept anywhere else: the proofs hold what the simulation said, the outcomes what the receipts said. The same
journal gives the same estimates, so a seed still gives one journal.
"""

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from engine.chains.endpoints import Endpoint
from engine.domain.hops import PPM
from engine.domain.opportunity import Capital, Price, SizedCycle
from engine.domain.pools import AnyPool, Family
from engine.domain.units import Address, PoolId
from engine.journal import ancestry
from engine.journal.canonical import Body
from engine.journal.journal import Entry, Journal
from engine.planning.capital import EXTRA_GAS
from engine.planning.costs import L1Fee, L1Model
from engine.planning.plan import GAS_MARGIN_PPM, REFUND_PPM
from engine.scanning.ranking import gas_units, net_wei

LEAST_SAMPLES = 5
"""With fewer the fixed table, the quoted fee and the fixed margin hold."""
KEPT = 200
"""Newest trades of a kind that count."""
QUANTILE_PERCENT = 75
MOST_TIMES = 2
"""No receipt moves an estimate beyond so many times the fixed one, nor below it."""

Shape = tuple[Family, ...]
"""The families of a route's pools, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GasSample:
    """One trade, in gas without L1 data: `table` is the fixed estimate, `estimated` what was learned then, `used` paid.

    `table`, `estimated` and `used` are of the whole transaction with its capital.
    """

    table: int
    estimated: int
    simulated: int
    used: int


@dataclass(frozen=True, slots=True, kw_only=True)
class L1Sample:
    """One trade's L1 data in wei: what the oracle quoted, what was counted with, and what the receipt said."""

    quoted_wei: int
    estimated_wei: int
    paid_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GasError:
    """How far an estimate was from receipts, in gas or wei, absolute; None where nothing was measured."""

    samples: int
    mean: int | None
    p95: int | None


class GasSeen:
    """Reads the journal's ends as they come; `pools` tells their families.

    A revert that burnt less than its simulation stopped early: its error is counted, and nothing is learned from it.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        first = journal.rows("SELECT seq FROM entries WHERE kind = 'outcome' ORDER BY seq DESC LIMIT 1 OFFSET ?", KEPT)
        self._read_to = int(first[0][0]) if first else 0  # a start does not wait for a month's fills
        self._burnt: defaultdict[Shape | tuple[Shape, Capital], deque[int]] = defaultdict(lambda: deque(maxlen=KEPT))
        self.samples: deque[GasSample] = deque(maxlen=KEPT * 10)
        self.reverted: deque[GasSample] = deque(maxlen=KEPT * 10)
        self.l1: deque[L1Sample] = deque(maxlen=KEPT)

    def read(self, pools: Mapping[PoolId, AnyPool]) -> None:
        """Take up the ends since the last reading."""
        for outcome in self._journal.entries("outcome", after_seq=self._read_to):
            self._read_to = outcome.seq
            if outcome.body["type"] in ("Filled", "Reverted"):
                self._take(outcome, pools)

    def units(self, shape: Shape) -> int:
        """Estimate a route's gas with own funds: a high quantile of what its shape burnt, within bounds."""
        return self._bounded(shape, gas_units(shape)) or gas_units(shape)

    def whole(self, shape: Shape, capital: Capital) -> int:
        """Estimate a transaction's gas with this capital: by what both burnt, else by the shape and the table."""
        learned = self._bounded((shape, capital), gas_units(shape) + EXTRA_GAS[capital])
        return self.units(shape) + EXTRA_GAS[capital] if learned is None else learned

    def margin_ppm(self) -> int:
        """Set the gas limit's margin over what was simulated: the fixed one, or more where receipts came out higher."""
        over = [one.used * PPM // one.simulated - PPM for one in self.samples if one.simulated]
        if len(over) < LEAST_SAMPLES:
            return GAS_MARGIN_PPM
        above = max(max(over), 0)
        return max(GAS_MARGIN_PPM, min((PPM + above) * (PPM + REFUND_PPM) // PPM - PPM, MOST_TIMES * GAS_MARGIN_PPM))

    def l1_ppm(self) -> int:
        """Say what receipts came to of the oracle's quote: a high quantile within bounds, 1,000,000 is as much."""
        shares = sorted(one.paid_wei * PPM // one.quoted_wei for one in self.l1 if one.quoted_wei)
        if len(shares) < LEAST_SAMPLES:
            return PPM
        return max(PPM, min(shares[(len(shares) - 1) * QUANTILE_PERCENT // 100], MOST_TIMES * PPM))

    def repriced(
        self, cycle: SizedCycle, pools: Mapping[PoolId, AnyPool], prices: Mapping[Address, Price], gas_price_wei: int
    ) -> SizedCycle:
        """Give a cycle the gas that was learned, and the net profit that is left then."""
        units = self.units(tuple(pools[hop.pool].family for hop in cycle.route.hops))
        net = net_wei(cycle.profit, prices[cycle.route.token], units, gas_price_wei)
        return replace(cycle, gas_units=units, net_wei=net)

    def errors(self) -> dict[str, GasError]:
        """Say how far table, learned estimate, simulation and L1 fee were off, over the newest trades."""
        return {
            "table": _error([one.used - one.table for one in self.samples]),
            "estimate": _error([one.used - one.estimated for one in self.samples]),
            "simulation": _error([one.used - one.simulated for one in self.samples]),
            "reverted": _error([one.used - one.simulated for one in self.reverted]),
            "l1": _error([one.paid_wei - one.estimated_wei for one in self.l1]),
        }

    def _bounded(self, key: Shape | tuple[Shape, Capital], table: int) -> int | None:
        burnt = sorted(self._burnt.get(key, ()))
        if len(burnt) < LEAST_SAMPLES:
            return None
        return max(table, min(burnt[(len(burnt) - 1) * QUANTILE_PERCENT // 100], MOST_TIMES * table))

    def _take(self, outcome: Entry, pools: Mapping[PoolId, AnyPool]) -> None:
        found = ancestry.ended_trade(self._journal, outcome.body["intent_id"])
        if found is None:
            return
        request, proof = found
        route = [PoolId(hop["pool"]) for hop in request.body["route"]["hops"]]
        if not all(pool in pools for pool in route):
            return
        self._take_l1(outcome.body, proof.body["costs"])
        shape: Shape = tuple(pools[pool].family for pool in route)
        capital: Capital = proof.body["plan"]["capital"]
        extra, used = EXTRA_GAS[capital], int(outcome.body["gas_used"]) - int(outcome.body.get("l1_gas", 0))
        sample = GasSample(
            table=gas_units(shape) + extra,
            estimated=self.whole(shape, capital),
            simulated=int(proof.body["gas_used"]),
            used=used,
        )
        if outcome.body["type"] == "Reverted":
            self.reverted.append(sample)
            if used < sample.simulated:
                return
        self.samples.append(sample)
        self._burnt[shape].append(used - extra)
        self._burnt[shape, capital].append(used)

    def _take_l1(self, outcome: Body, costs: Body) -> None:
        estimated_wei, paid_wei = int(costs["l1_fee_wei"]), int(outcome.get("l1_fee_wei", 0))
        if estimated_wei and paid_wei:  # a receipt that does not say is not one that was free
            quoted_wei = int(costs.get("l1_quoted_wei") or estimated_wei)
            self.l1.append(L1Sample(quoted_wei=quoted_wei, estimated_wei=estimated_wei, paid_wei=paid_wei))


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedL1:
    """A chain's L1 model whose quotes are raised by what receipts came to."""

    model: L1Model
    seen: GasSeen

    @property
    def name(self) -> str:
        return self.model.name

    async def fee(self, endpoint: Endpoint, to: Address, calldata: bytes) -> L1Fee:
        """Quote as the model does, times the share learned; raises what the model does."""
        quote, ppm = await self.model.fee(endpoint, to, calldata), self.seen.l1_ppm()
        raised = {name: -(-getattr(quote, name) * ppm // PPM) for name in ("wei", "gas_units")}
        return replace(quote, quoted_wei=quote.wei, **raised)


def _error(off: Sequence[int]) -> GasError:
    if not off:
        return GasError(samples=0, mean=None, p95=None)
    ordered = sorted(abs(one) for one in off)
    p95 = ordered[min(len(ordered) * 95 // 100, len(ordered) - 1)]
    return GasError(samples=len(off), mean=sum(ordered) // len(ordered), p95=p95)
