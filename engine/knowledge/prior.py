"""How trades ended that were sent, by their worth, their route's shape and the market's state: a prior for the next.

Told by the journal alone, in its order, so a seed still gives one journal. Only what the engine itself sent counts: a
refusal says nothing about what the chain would have done, an agent's trade nothing about the engine's. A restart reads
what counted again, but for trades through pools that are not followed any more.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import islice, zip_longest
from typing import Final

from engine.domain.chance import Chance, Chances, Shape, worth_of
from engine.domain.hops import PPM
from engine.domain.pools import AnyPool
from engine.domain.units import BlockRef, PoolId
from engine.journal.ancestry import backwards, ended_trade
from engine.journal.canonical import Body
from engine.journal.journal import Journal
from engine.knowledge.states import market_state

KEPT: Final = 200
"""Newest ends that count."""
MOST_READ: Final = 4 * KEPT
"""How many ends a start reads at most to find them."""
COUNTS_S: Final = 3_600
"""Evidence older than this, by the chain's time, does not count: what was left alone is tried again after it."""
LEAST_SENT: Final = 5
"""With fewer trades of a worth nothing is known of it."""
STRENGTH: Final = 5
"""How many trades what is less alike counts for, at each step."""
SHOWN: Final = 20
_ENDS: Final = ("Filled", "Reverted", "Cancelled")
"""Ends that count: a nonce taken by somebody else's transaction says nothing of the route."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One trade that was sent and has ended. `worth` is the class of what it was to net before its bid, `paid_wei` the
    gas and bid that it paid, `expected_wei` what its proof said of them; `gain_wei` is its profit, at the price of its
    proof, less what it paid."""

    intent_id: str
    shape: Shape
    worth: int
    state: str
    time_s: int
    filled: bool
    paid_wei: int
    expected_wei: int
    gain_wei: int


@dataclass(slots=True, kw_only=True)
class Tally:
    """Trades added up: `paid_wei` and `expected_wei` are of those that did not fill, `gain_wei` is of all."""

    sent: int = 0
    filled: int = 0
    paid_wei: int = 0
    expected_wei: int = 0
    gain_wei: int = 0

    def add(self, one: Sent) -> None:
        """Count one trade."""
        self.sent += 1
        self.filled += one.filled
        self.gain_wei += one.gain_wei
        if not one.filled:
            self.paid_wei += one.paid_wei
            self.expected_wei += one.expected_wei


_NONE: Final = Tally()
_Like = tuple[int] | tuple[int, Shape] | tuple[int, Shape, str]


def _begin(journal: Journal) -> int:
    """Find the place behind which the newest `KEPT` ends that count stand, looking at `MOST_READ` ends at most."""
    counted, place = 0, 0
    for outcome in islice(backwards(journal, "outcome"), MOST_READ):
        counted, place = counted + (outcome.body["type"] in _ENDS), outcome.seq
        if counted == KEPT:
            break
    return max(place - 1, 0)


class Experience:
    """Reads the journal's ends as they come, and adds them up when asked."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._read_to = _begin(journal)
        self._sent: deque[Sent] = deque(maxlen=KEPT)
        self._landed: int | None = None

    def learn(self, pools: Mapping[PoolId, AnyPool]) -> None:
        """Take up the ends since the last reading, and whether a rival has landed something."""
        self._landed = self._landed_before(None)
        for outcome in self._journal.entries("outcome", after_seq=self._read_to):
            self._read_to = outcome.seq
            if outcome.body["type"] in _ENDS:
                self._take(outcome.body, pools)
            elif outcome.body["type"] == "Reorged":
                still = [one for one in self._sent if one.intent_id != outcome.body["intent_id"]]
                self._sent.clear()
                self._sent.extend(still)

    def chances(self, head: BlockRef, base_fee_wei: int) -> Chances | None:
        """Say how trades fare in the market's state at `head`; None when nothing is known of any."""
        return chances_of(self._sent, market_state(base_fee_wei, head.number, self._landed), head.timestamp_s)

    def shown(self) -> list[dict[str, object]]:
        """List what was sent by worth, shape and state, the most first: how it ended, what it lost and brought."""
        cells: defaultdict[tuple[int, Shape, str], Tally] = defaultdict(Tally)
        for one in self._sent:
            cells[one.worth, one.shape, one.state].add(one)
        return [
            {
                "nets_below_wei": str(10**worth),
                "shape": list(shape),
                "state": state,
                "sent": tally.sent,
                "filled": tally.filled,
                "lost_wei": str(tally.paid_wei),
                "gain_wei": str(tally.gain_wei),
            }
            for (worth, shape, state), tally in sorted(cells.items(), key=lambda cell: (-cell[1].sent, cell[0]))[:SHOWN]
        ]

    def _take(self, outcome: Body, pools: Mapping[PoolId, AnyPool]) -> None:
        found = ended_trade(self._journal, outcome["intent_id"])
        if found is None:
            return
        request, proof = found
        if request.body["origin"] != "engine":
            return  # what an agent sends says what the agent is like
        route = [PoolId(hop["pool"]) for hop in request.body["route"]["hops"]]
        costs, block, gross_wei = proof.body["costs"], proof.body["block"], proof.body["gross_wei"]
        if gross_wei is None or not all(pool in pools for pool in route):
            return
        units, base_fee_wei = int(costs["gas_units"]), int(costs["base_fee_wei"])
        paid_wei, realised = int(outcome["gas_paid_wei"]), int(proof.body["realised"])
        filled = outcome["type"] == "Filled"
        profit_wei = int(outcome["realised"]) * int(gross_wei) // realised if filled and realised else 0
        apart_wei = int(costs["l1_fee_wei"]) + int(costs.get("operator_fee_wei") or 0)
        sent = Sent(
            intent_id=outcome["intent_id"],
            shape=tuple(sorted(pools[pool].deployment for pool in route)),
            worth=worth_of(int(gross_wei) - units * base_fee_wei),
            state=market_state(base_fee_wei, int(block["number"]), self._landed_before(proof.seq)),
            time_s=int(block["timestamp_s"]),
            filled=filled,
            paid_wei=paid_wei,
            expected_wei=units * (base_fee_wei + int(costs["priority_fee_wei"])) + apart_wei,
            gain_wei=profit_wei - paid_wei,
        )
        self._sent.append(sent)

    def _landed_before(self, seq: int | None) -> int | None:
        """Name the block of the newest arbitrage of others that stands before a place in the journal."""
        miss = next(backwards(self._journal, "miss", before_seq=seq), None)
        return None if miss is None else int(miss.body["block"]["number"])


def chances_of(sent: Iterable[Sent], state: str, now_s: int) -> Chances | None:
    """Estimate the chances in a state from trades that still count, the nearest with the most weight.

    None when there are too few of them.

    Three times the mean of a beta distribution, (filled + n·m) / (sent + n) with n = STRENGTH: over the other shapes
    of the same worth, where m is 1, the engine's own belief in its proof; over the shape's trades in other states,
    where m is what came of that; and over those in this state. No trade counts twice.
    """
    recent = [one for one in sent if now_s - one.time_s <= COUNTS_S]
    if len(recent) < LEAST_SENT:
        return None
    tallies: defaultdict[_Like, Tally] = defaultdict(Tally)
    for one in recent:
        for like in ((one.worth,), (one.worth, one.shape), (one.worth, one.shape, one.state)):
            tallies[like].add(one)

    @cache
    def chance(shape: Shape, worth: int) -> Chance | None:
        nested = [tallies[like] for like in ((worth,), (worth, shape), (worth, shape, state)) if like in tallies]
        if not nested or nested[0].sent < LEAST_SENT:
            return None
        ppm = PPM
        for tally, inner in zip_longest(nested, nested[1:], fillvalue=_NONE):
            ppm = ((tally.filled - inner.filled) * PPM + STRENGTH * ppm) // (tally.sent - inner.sent + STRENGTH)
        of_worth = nested[0]
        lost_ppm = of_worth.paid_wei * PPM // of_worth.expected_wei if of_worth.expected_wei else 0
        return Chance(sent=nested[-1].sent, filled=nested[-1].filled, ppm=ppm, lost_ppm=lost_ppm)

    return lambda shape, net_wei: chance(shape, worth_of(net_wei))
