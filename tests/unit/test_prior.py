"""The prior learns from what was sent and has ended, by the journal alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import pytest

from engine.domain.chance import shape_of
from engine.domain.hops import PPM
from engine.domain.opportunity import Hop, Route
from engine.domain.outcome import Cancelled, Filled, Outcome, Reorged, Replaced, Reverted
from engine.domain.units import BlockRef
from engine.journal.journal import JOURNAL_FILE, Journal
from engine.journal.records import record_decision, record_intent, record_outcome, record_proof, record_request
from engine.knowledge.prior import COUNTS_S, KEPT, LEAST_SENT, Experience
from engine.scanning.ranking import expected_wei
from tests.unit import journal_stubs as stub
from tests.unit.scanning.pairs import by_id, pair

ONE, TWO, OTHER = (pair(number, stub.WETH, stub.USDC, 1, 1) for number in (1, 2, 3))
OTHER = replace(OTHER, deployment="sushi_v2")
POOLS = by_id(ONE, TWO, OTHER)
BAD, GOOD = (
    Route(
        hops=(
            Hop(pool=a.id, token_in=stub.WETH, token_out=stub.USDC),
            Hop(pool=b.id, token_in=stub.USDC, token_out=stub.WETH),
        )
    )
    for a, b in ((ONE, TWO), (ONE, OTHER))
)
BASE_FEE_WEI = stub.proof().costs.base_fee_wei
NET_WEI = 10**16 - stub.proof().costs.gas_wei
BID_PPM = 500_000


@dataclass
class Sender:
    """Writes trades down as the desk does."""

    journal: Journal
    sent: int = 0

    def send(self, route: Route, at: BlockRef, *, by: Literal["engine", "agent"] = "engine") -> str:
        """Write a trade up to its intent; returns the intent's id."""
        self.sent += 1
        request = replace(stub.request(), stamp=stub.stamp(self._id("request")), route=route, origin=by)
        record_request(self.journal, request)
        proof = stub.proof()
        costs = replace(proof.costs, priority_fee_wei=25 * stub.GWEI)
        plan = replace(proof.plan, request=request)
        proof = replace(proof, plan=plan, stamp=stub.stamp(self._id("proof")), block=at, costs=costs)
        record_proof(self.journal, proof)
        record_decision(self.journal, replace(stub.approved(), stamp=stub.stamp(self._id("decision")), proof=proof))
        name = self._id("intent")
        terms = {"to": stub.EXECUTOR, "gas_limit": 1, "max_fee_wei": 1, "priority_fee_wei": 1}
        submission = replace(stub.submission(self.sent), intent_id=name)
        record_intent(self.journal, submission, calldata_anchor=None, **terms)
        return name

    def end(self, route: Route, kind: str, at: BlockRef, *, by: Literal["engine", "agent"] = "engine") -> None:
        """Write a trade with its end; what does not fill pays half the gas and bid expected of it."""
        name = self.send(route, at, by=by)
        paid = {"block": at, "gas_used": 100_000, "gas_paid_wei": 100_000 * (BASE_FEE_WEI + 25 * stub.GWEI)}
        ends: dict[str, Outcome] = {
            "filled": Filled(intent_id=name, token=stub.WETH, realised=10**16, **paid),
            "reverted": Reverted(intent_id=name, reason="floor", **paid),
            "cancelled": Cancelled(intent_id=name, **paid),
            "replaced": Replaced(intent_id=name, by=None, block=at),
        }
        record_outcome(self.journal, ends[kind])

    def rival(self, at: BlockRef) -> None:
        """Write down that a rival landed something."""
        self.journal.append("miss", {"block": {"number": str(at.number)}})

    def _id(self, kind: str) -> str:
        return f"{kind}-{self.journal.head[0] + 1}"


@pytest.fixture
def sender(tmp_path: Path) -> Sender:
    return Sender(Journal.open(tmp_path / JOURNAL_FILE, genesis=stub.GENESIS))


def block(number: int = 100, later_s: int = 0) -> BlockRef:
    return stub.block(number, 1_800_000_000 + later_s)


def learned(sender: Sender) -> Experience:
    prior = Experience(sender.journal)
    prior.learn(POOLS)
    return prior


def ppm(prior: Experience, route: Route, at: BlockRef | None = None) -> int | None:
    """Ask for the chance of a route that nets what all those of these tests do."""
    chances = prior.chances(at or block(), BASE_FEE_WEI)
    found = None if chances is None else chances(shape_of(route, POOLS), NET_WEI)
    return None if found is None else found.ppm


def expected(prior: Experience, route: Route) -> int:
    chances = prior.chances(block(), BASE_FEE_WEI)
    assert chances is not None
    found = chances(shape_of(route, POOLS), NET_WEI)
    assert found is not None
    return expected_wei(NET_WEI, 200_000 * BASE_FEE_WEI, BID_PPM, found)


def test_a_shape_that_always_reverts_sinks_until_it_is_worth_no_transaction_and_one_that_fills_does_not(
    sender: Sender,
) -> None:
    prior = learned(sender)
    fell: list[int] = []
    for _ in range(16):
        sender.end(BAD, "reverted", block())
        sender.end(GOOD, "filled", block())
        prior.learn(POOLS)
        if ppm(prior, BAD) is not None:
            fell.append(expected(prior, BAD))
    assert fell == sorted(fell, reverse=True)
    assert fell[0] > 0 > fell[-1]
    assert expected(prior, GOOD) > NET_WEI // 4
    rose = ppm(prior, GOOD)
    sender.end(GOOD, "filled", block())
    prior.learn(POOLS)
    assert (ppm(prior, GOOD) or 0) >= (rose or 0)
    assert ppm(prior, GOOD, block(later_s=COUNTS_S)) == ppm(prior, GOOD)
    assert ppm(prior, BAD, block(later_s=COUNTS_S + 1)) is None  # it is tried again


def test_little_evidence_says_nothing(sender: Sender) -> None:
    prior = learned(sender)
    for _ in range(LEAST_SENT - 1):
        sender.end(BAD, "reverted", block())
    prior.learn(POOLS)
    assert prior.chances(block(), BASE_FEE_WEI) is None
    sender.end(BAD, "reverted", block())
    prior.learn(POOLS)
    assert ppm(prior, BAD) == ppm(prior, GOOD) == PPM // 2  # five lost of that worth, against five that filled
    chances = prior.chances(block(), BASE_FEE_WEI)
    assert chances is not None
    assert chances(shape_of(BAD, POOLS), 100 * NET_WEI) is None  # nothing of that worth was sent


def test_refusals_strangers_nonces_and_what_is_still_open_say_nothing(sender: Sender) -> None:
    for _ in range(2 * LEAST_SENT):
        record_decision(sender.journal, stub.refused())
        sender.end(BAD, "replaced", block())
        sender.send(BAD, block())
    assert learned(sender).shown() == []


def test_what_an_agent_sends_says_nothing_of_the_engines_own(sender: Sender) -> None:
    for _ in range(2 * LEAST_SENT):
        sender.end(BAD, "reverted", block(), by="agent")
    assert learned(sender).shown() == []


def test_a_cancelled_trade_is_one_that_was_lost(sender: Sender) -> None:
    for _ in range(LEAST_SENT):
        sender.end(BAD, "cancelled", block())
    (row,) = learned(sender).shown()
    assert (row["sent"], row["filled"]) == (LEAST_SENT, 0)
    assert int(str(row["lost_wei"])) == -int(str(row["gain_wei"])) > 0


def test_a_reorg_takes_an_end_back(sender: Sender) -> None:
    name = sender.send(GOOD, block())
    paid = {"block": block(), "gas_used": 1, "gas_paid_wei": 1}
    record_outcome(sender.journal, Filled(intent_id=name, token=stub.WETH, realised=10**15, **paid))
    prior = learned(sender)
    assert [(row["filled"], row["gain_wei"]) for row in prior.shown()] == [(1, str(10**15 - 1))]
    record_outcome(sender.journal, Reorged(intent_id=name, block=block()))
    prior.learn(POOLS)
    assert prior.shown() == []
    record_outcome(sender.journal, Reverted(intent_id=name, reason="", **paid))
    prior.learn(POOLS)
    assert [(row["sent"], row["filled"]) for row in prior.shown()] == [(1, 0)]


def test_a_market_with_rivals_is_a_state_of_its_own(sender: Sender) -> None:
    for number in range(100, 100 + LEAST_SENT):
        sender.end(BAD, "filled", block(number))
    sender.rival(block(110))
    for number in range(111, 111 + LEAST_SENT):
        sender.end(BAD, "reverted", block(number))
    prior = learned(sender)
    contested, quiet = ppm(prior, BAD, block(111)), ppm(prior, BAD, block(200))
    assert contested is not None
    assert quiet is not None
    assert contested < quiet
    assert {str(row["state"]).split(", ")[1] for row in prior.shown()} == {"contested", "quiet"}


def test_a_restart_knows_what_the_engine_knew_and_reads_no_more_than_the_newest(sender: Sender) -> None:
    prior = learned(sender)
    for number in range(KEPT + 20):
        sender.end(BAD if number % 3 else GOOD, "reverted" if number % 4 else "filled", block(100 + number))
        sender.end(BAD, "replaced", block(100 + number))
        prior.learn(POOLS)
    again = learned(sender)
    assert again.shown() == prior.shown()
    assert len(again._sent) == KEPT
