"""What limits a bid is named with the value that would allow the bid that was needed, and that value does allow it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.domain.opportunity import Proof
from engine.journal.journal import Journal
from engine.misses.outbid import Forbidding, Short, held_to, short_of, would_help
from engine.planning.costs import bid_wei
from engine.risk.bid_limits import SETTING_OF, bid_limits
from engine.risk.book import Book, claim_of
from engine.risk.caps import CAPS
from engine.risk.limits import LimitLedger
from engine.risk.policy import Policy
from engine.risk.review import bid_within
from tests.unit import journal_stubs as stub

WIDE = {
    "bid_share_ppm": 900_000,
    "min_net_profit_wei": 1,
    **dict.fromkeys(("max_gas_wei", "gas_budget_per_day_wei", "max_loss_per_day_wei"), 10**20),
    **dict.fromkeys(("agent_gas_per_day_wei", "agents_gas_per_day_wei"), 10**20),
}
AGENTS = replace(stub.proof().plan.request, origin="agent", principal="mcp-1")
PROOF = replace(stub.proof(), plan=replace(stub.proof().plan, request=AGENTS))
NET_WEI = 10**16 - 200_000 * stub.GWEI // 10
TIGHT = {
    "bid_share_ppm": 200_000,
    "min_net_profit_wei": NET_WEI * 8 // 10,
    **dict.fromkeys(("max_gas_wei", "gas_budget_per_day_wei", "max_loss_per_day_wei"), 3 * 10**15),
    **dict.fromkeys(("agent_gas_per_day_wei", "agents_gas_per_day_wei"), 3 * 10**15),
}
PAID_WEI = NET_WEI * 6 // 10 // 200_000


def policy(**changes: Any) -> Policy:
    return Policy(**WIDE | changes)


def bid_under(held: Policy, book: Book) -> int:
    """Bid as the desk does: a share of the net, less where a cap is nearer."""
    costs = replace(PROOF.costs, priority_fee_wei=bid_wei(NET_WEI, PROOF.costs.gas_units, held.bid_share_ppm))
    return bid_within(replace(PROOF, costs=costs), held, book).priority_fee_wei


def test_every_cap_on_what_is_burnt_names_its_setting() -> None:
    assert set(SETTING_OF) == {cap.rule for cap in CAPS if cap.burns}
    assert all(setting.removeprefix("risk.") in Policy.model_fields for setting in SETTING_OF.values())


@pytest.mark.parametrize("tight", TIGHT)
@pytest.mark.parametrize("worst_wei", [0, 10**15])
def test_the_limit_that_binds_is_the_one_named_and_its_needed_value_allows_the_bid(
    tight: str, worst_wei: int, tmp_path: Path
) -> None:
    book = replace(empty_book(tmp_path), held=(claim_of(PROOF, worst_wei),))
    held = policy(**{tight: TIGHT[tight]})
    bid = min(bid_under(held, book), (NET_WEI - held.min_net_profit_wei) // PROOF.costs.gas_units)
    assert bid < PAID_WEI
    short = short_of(bid, bid_limits(PROOF, held, book), PAID_WEI)
    assert short is not None
    (found,) = short.forbidden_by
    assert (found.setting, found.value, short.needed_wei) == (f"risk.{tight}", TIGHT[tight], PAID_WEI + 1)
    allowed = held.model_copy(update={tight: found.needed})
    assert short_of(bid, bid_limits(PROOF, allowed, book), PAID_WEI) == replace(short, forbidden_by=())
    assert bid_under(allowed, book) >= PAID_WEI + 1
    slack = {"bid_share_ppm": 2, "min_net_profit_wei": -PROOF.costs.gas_units}.get(tight, PROOF.plan.gas_limit)
    almost = held.model_copy(update={tight: found.needed - slack})
    assert short_of(bid, bid_limits(PROOF, almost, book), PAID_WEI) != replace(short, forbidden_by=())


def test_two_limits_in_the_way_are_both_named_the_tighter_first(tmp_path: Path) -> None:
    book = empty_book(tmp_path)
    short = short_of(1, bid_limits(PROOF, policy(bid_share_ppm=10, max_gas_wei=3 * 10**15), book), PAID_WEI)
    assert short is not None
    assert [found.setting for found in short.forbidden_by] == ["risk.bid_share_ppm", "risk.max_gas_wei"]


def test_a_place_that_cost_more_than_there_was_to_earn_is_no_limits_fault(tmp_path: Path) -> None:
    limits = bid_limits(PROOF, policy(), empty_book(tmp_path))
    short = short_of(1, limits, NET_WEI // 200_000 + 1)
    assert short == Short(needed_wei=NET_WEI // 200_000 + 2, affordable=False, forbidden_by=())
    assert "more than there was to earn" in held_to(short)
    assert would_help([short]) == "nothing: the place cost more than there was to earn (1 of 1)"


def test_a_bid_that_was_high_enough_came_too_late(tmp_path: Path) -> None:
    short = short_of(500, bid_limits(PROOF, policy(bid_share_ppm=0), empty_book(tmp_path)), 400)
    assert short == Short(needed_wei=401, affordable=True, forbidden_by=())
    assert "came too late" in held_to(short)
    assert would_help([short]) == would_help([short_of(1, (), 400)]) == "a nearer or faster endpoint (1 of 1)"


def test_what_the_other_paid_is_not_always_known(tmp_path: Path) -> None:
    assert short_of(1, bid_limits(PROOF, policy(), empty_book(tmp_path)), None) is None
    assert held_to(None) == ""
    assert would_help([None]).endswith("(1 of 1)")


def test_the_summary_asks_for_the_highest_value_that_any_of_them_needed() -> None:
    def short(needed: int) -> Short:
        found = Forbidding(setting="risk.max_gas_wei", value=7, needed=needed)
        return Short(needed_wei=5, affordable=True, forbidden_by=(found,))

    assert would_help([short(9), short(30), short(10), None]).startswith(
        "raise risk.max_gas_wei from 7 to 30 (3 of 4); "
    )


def test_nothing_is_listed_for_a_trade_without_a_profit(tmp_path: Path) -> None:
    worthless: Proof = replace(PROOF, gross_wei=None)
    assert bid_limits(worthless, policy(), empty_book(tmp_path)) == ()


def empty_book(folder: Path) -> Book:
    with Journal.open(folder / "journal.sqlite", genesis=stub.GENESIS) as journal:
        return LimitLedger(journal).book(stub.block())
