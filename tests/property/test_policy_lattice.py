"""For any two terms: what is taken without a signature is never looser than what was held, and nothing else waits."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.risk.loosening import LOOSENS, changes, loosenings, tightened
from engine.risk.terms import Terms

SMALL = st.integers(1, 5)
NAMES = st.lists(st.sampled_from(("balancer_v2", "curve", "uniswap_v2", "uniswap_v3")), max_size=4)
TOKENS = st.lists(st.sampled_from([f"0x{n:040x}" for n in range(4)]), max_size=4)
OTHERS: dict[str, st.SearchStrategy[Any]] = {
    "risk.allowed_chains": st.lists(st.sampled_from((1, 10, 8453, 42161)), max_size=4).map(tuple),
    "risk.allowed_tokens": st.none() | TOKENS.map(tuple),
    "risk.allowed_deployments": st.none() | NAMES.map(tuple),
    "agents.trading": st.booleans(),
    "agents.live_trading": st.booleans(),
}
TERMS = st.fixed_dictionaries({name: OTHERS.get(name, SMALL) for name in Terms().flat()}).map(Terms.of)


@given(TERMS, TERMS)
def test_what_is_taken_is_never_looser_than_what_was_held_nor_than_what_was_wanted(held: Terms, wanted: Terms) -> None:
    taken = tightened(held, wanted)
    assert loosenings(held, taken) == ()
    assert loosenings(wanted, taken) == ()


@given(TERMS, TERMS)
def test_taking_twice_is_taking_once_and_the_order_does_not_matter(held: Terms, wanted: Terms) -> None:
    taken = tightened(held, wanted)
    assert tightened(taken, wanted) == taken == tightened(wanted, held)


@given(TERMS, TERMS)
def test_nothing_loosens_exactly_when_all_is_taken(held: Terms, wanted: Terms) -> None:
    assert (loosenings(held, wanted) == ()) is (tightened(held, wanted) == wanted)


@given(TERMS, TERMS, TERMS)
def test_tightening_twice_never_opens_what_the_first_closed(held: Terms, first: Terms, second: Terms) -> None:
    assert loosenings(held, tightened(tightened(held, first), second)) == ()


@given(TERMS, TERMS)
def test_a_change_is_looser_one_way_at_least(one: Terms, other: Terms) -> None:
    there = {change.name: change.loosens for change in changes(one, other)}
    back = {change.name: change.loosens for change in changes(other, one)}
    assert there.keys() == back.keys() <= LOOSENS.keys()
    assert all(there[name] or back[name] for name in there)


@given(TERMS)
def test_terms_are_read_back_from_the_journal_as_they_were(one: Terms) -> None:
    assert Terms.model_validate(one.body()) == one
