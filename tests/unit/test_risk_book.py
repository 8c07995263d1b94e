"""What a trade claims of the limits, and what an empty book counts."""

from __future__ import annotations

from dataclasses import replace

from engine.domain.opportunity import Proof
from engine.risk.book import Book, Claim, Worth, claim_of
from tests.unit import journal_stubs as stub


def planned(capital: str, **changes: object) -> Proof:
    return stub.proof(plan=replace(stub.proof().plan, capital=capital), **changes)


def test_a_trade_claims_its_notional_and_as_its_own_only_what_it_does_not_borrow() -> None:
    borrowed, own = (claim_of(planned(capital, notional_wei=70), 5) for capital in ("balancer", "own"))
    assert borrowed == Claim(
        worst_wei=5, token=stub.WETH, venues=("uniswap_v2", "uniswap_v3"), notional_wei=70, own_wei=0
    )
    assert own == replace(borrowed, own_wei=70)


def test_an_agents_trade_is_claimed_in_its_name_and_the_engines_in_the_engines() -> None:
    request = replace(stub.request(), principal="mcp-1", origin="agent")
    claim = claim_of(stub.proof(plan=replace(stub.proof().plan, request=request)), 0)
    assert (claim.principal, claim.agent) == ("mcp-1", True)
    assert (claim_of(stub.proof(), 0).principal, claim_of(stub.proof(), 0).agent) == ("engine", False)


def test_a_venue_that_a_route_passes_twice_is_claimed_once() -> None:
    plan = replace(stub.proof().plan, deployments=("b", "a", "b"))
    assert claim_of(stub.proof(plan=plan), 0).venues == ("a", "b")


def test_what_has_no_price_is_claimed_as_nothing() -> None:
    claim = claim_of(planned("own", notional_wei=None), 5)
    assert (claim.notional_wei, claim.own_wei) == (0, 0)


def test_an_empty_book_counts_nothing() -> None:
    book = Book()
    assert (book.last, book.day, book.open, book.losses_in_a_row) == (None, 0, 0, 0)
    assert (book.gas_wei, book.loss_wei, book.held_wei, book.spent, book.lately) == (0, 0, 0, {}, {})


def test_a_profit_is_valued_at_the_proofs_price_rounded_down_and_without_one_at_nothing() -> None:
    assert [Worth(wei=7, raw=2).of(raw) for raw in (0, 1, 2, 3)] == [0, 3, 7, 10]
    assert Worth(wei=7, raw=0).of(10**18) == 0
