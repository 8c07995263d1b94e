"""How trades ended that were sent, by their route's shape and the market's state: evidence that ranks the next ones.

Told by the journal alone, in its order: the same journal gives the same chances, so a seed still gives one journal.
Only what was sent counts. A refusal says nothing about what the chain would have done.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from engine.domain.chance import Chance, Shape
from engine.domain.hops import PPM
from engine.domain.pools import AnyPool
from engine.domain.units import BlockRef, PoolId
from engine.journal.ancestry import backwards, ended_trade
from engine.journal.canonical import Body
from engine.journal.journal import Journal
from engine.knowledge.states import market_state

KEPT: Final = 200
"""Newest ends that count; a start reads no more of the journal than these."""
COUNTS_S: Final = 3_600
"""Evidence older than this, by the chain's time, does not count: what was left alone is tried again after it."""
LEAST_SENT: Final = 5
"""With fewer trades of a shape nothing is known of it."""
STRENGTH: Final = 5
"""How many trades that filled are added to the evidence: a shape's own in other states, certain ones to that."""
_ENDS: Final = ("Filled", "Reverted", "Cancelled")
"""Ends that count: a nonce taken by somebody else's transaction says nothing of the route."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One trade that was sent and has ended. `paid_wei` is its gas and bid, `expected_wei` what its proof said."""

    intent_id: str
    shape: Shape
    state: str
    time_s: int
    filled: bool
    paid_wei: int
    expected_wei: int


class Experience:
    """Reads the journal's ends as they come, and adds them up when asked."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        first = journal.rows("SELECT seq FROM entries WHERE kind = 'outcome' ORDER BY seq DESC LIMIT 1 OFFSET ?", KEPT)
        self._read_to = int(first[0][0]) if first else 0
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

    def chances(self, head: BlockRef, base_fee_wei: int) -> Mapping[Shape, Chance]:
        """Say how trades fare in the market's state at `head`, by shape; one that is missing is not known."""
        state = market_state(base_fee_wei, head.number, self._landed)
        recent = [one for one in self._sent if head.timestamp_s - one.time_s <= COUNTS_S]
        by_shape: dict[Shape, list[Sent]] = {}
        for one in recent:
            by_shape.setdefault(one.shape, []).append(one)
        return {shape: chance_of(sent, state) for shape, sent in by_shape.items() if len(sent) >= LEAST_SENT}

    def shown(self) -> list[dict[str, object]]:
        """List what was sent by shape and state, the most first: counts, and gas and bids lost without a fill."""
        cells: dict[tuple[Shape, str], list[Sent]] = {}
        for one in self._sent:
            cells.setdefault((one.shape, one.state), []).append(one)
        return [
            {
                "shape": list(shape),
                "state": state,
                "sent": len(sent),
                "filled": sum(one.filled for one in sent),
                "lost_wei": str(sum(one.paid_wei for one in sent if not one.filled)),
            }
            for (shape, state), sent in sorted(cells.items(), key=lambda cell: (-len(cell[1]), cell[0]))
        ]

    def _take(self, outcome: Body, pools: Mapping[PoolId, AnyPool]) -> None:
        found = ended_trade(self._journal, outcome["intent_id"])
        if found is None:
            return
        request, proof = found
        route = [PoolId(hop["pool"]) for hop in request.body["route"]["hops"]]
        if not all(pool in pools for pool in route):
            return
        costs, block = proof.body["costs"], proof.body["block"]
        price_wei = int(costs["base_fee_wei"]) + int(costs["priority_fee_wei"])
        apart_wei = int(costs["l1_fee_wei"]) + int(costs.get("operator_fee_wei") or 0)
        sent = Sent(
            intent_id=outcome["intent_id"],
            shape=tuple(sorted(pools[pool].deployment for pool in route)),
            state=market_state(int(costs["base_fee_wei"]), int(block["number"]), self._landed_before(proof.seq)),
            time_s=int(block["timestamp_s"]),
            filled=outcome["type"] == "Filled",
            paid_wei=int(outcome["gas_paid_wei"]),
            expected_wei=int(costs["gas_units"]) * price_wei + apart_wei,
        )
        self._sent.append(sent)

    def _landed_before(self, seq: int | None) -> int | None:
        """Name the block of the newest arbitrage of others that stands before a place in the journal."""
        miss = next(backwards(self._journal, "miss", before_seq=seq), None)
        return None if miss is None else int(miss.body["block"]["number"])


def chance_of(sent: Iterable[Sent], state: str) -> Chance:
    """Estimate the chance of a shape in a state from its trades, those in other states with the weight of `STRENGTH`.

    The mean of a beta distribution, twice: (filled + n·m) / (sent + n) with n = STRENGTH, where m is 1 for the other
    states, and for this one what they came to. Without evidence it is 1: the engine's own belief in its proof.
    """
    here, elsewhere = [0, 0], [0, 0]
    paid_wei = expected_wei = 0
    for one in sent:
        counts = here if one.state == state else elsewhere
        counts[0] += 1
        counts[1] += one.filled
        if not one.filled:
            paid_wei, expected_wei = paid_wei + one.paid_wei, expected_wei + one.expected_wei
    mean_ppm = (elsewhere[1] + STRENGTH) * PPM // (elsewhere[0] + STRENGTH)
    return Chance(
        sent=here[0] + elsewhere[0],
        filled=here[1] + elsewhere[1],
        ppm=(here[1] * PPM + STRENGTH * mean_ppm) // (here[0] + STRENGTH),
        lost_ppm=paid_wei * PPM // expected_wei if expected_wei else 0,
    )
