"""What holds for every venue, whatever its curve: run over all of VENUES through the table of pool strategies."""

from itertools import permutations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.domain.errors import QuoteError
from engine.domain.pools import AnyPool, Family, Venue
from engine.domain.units import Address
from engine.venues.table import BY_FAMILY, venue_of
from tests.property.pool_strategies import FAMILIES

STRANGER = Address("0x" + "99" * 20)

every_family = pytest.mark.parametrize("family", sorted(BY_FAMILY))


def quote(venue: Venue, pool: AnyPool, token_in: Address, token_out: Address, amount: int) -> int | None:
    """The exact-in quote, or None where the pool refuses the amount."""
    try:
        return venue.quote_out(pool, token_in, token_out, amount)
    except QuoteError:
        return None


def taken(venue: Venue, pool: AnyPool, token_in: Address, token_out: Address, amount: int) -> int:
    """The amount, made smaller until the pool takes it: most of what is drawn should be of use."""
    while amount and quote(venue, pool, token_in, token_out, amount) is None:
        amount >>= 3
    assume(amount)  # nothing to be had in this direction
    return amount


def draw_pool(data: st.DataObject, family: Family) -> tuple[Venue, AnyPool, Address, Address]:
    pool = data.draw(FAMILIES[family].pools)
    token_in, token_out = data.draw(st.sampled_from(list(permutations(pool.tokens, 2))))
    return venue_of(pool), pool, token_in, token_out


@every_family
def test_every_family_has_pools_to_be_tested_with(family: Family) -> None:
    assert family in FAMILIES


@every_family
@given(data=st.data())
def test_more_in_never_gives_less_out(family: Family, data: st.DataObject) -> None:
    venue, pool, token_in, token_out = draw_pool(data, family)
    less, more = sorted(data.draw(st.tuples(FAMILIES[family].amounts, FAMILIES[family].amounts)))
    more = taken(venue, pool, token_in, token_out, more)
    out_of_less, out_of_more = (quote(venue, pool, token_in, token_out, amount) for amount in (min(less, more), more))
    assert out_of_more is not None
    if out_of_less is None:
        assert family == "stable"  # its invariant's last unit: less in may leave nothing to subtract it from
    else:
        assert out_of_less <= out_of_more


@every_family
@given(data=st.data())
def test_a_round_trip_never_profits(family: Family, data: st.DataObject) -> None:
    venue, pool, token_in, token_out = draw_pool(data, family)
    amount = taken(venue, pool, token_in, token_out, data.draw(FAMILIES[family].amounts))
    try:
        received, after = venue.swap(pool, token_in, token_out, amount)
    except QuoteError:
        assume(False)
    returned = quote(venue, after, token_out, token_in, received) if received else 0
    assert returned is None or returned <= amount


@every_family
@given(data=st.data())
def test_a_swap_gives_what_was_quoted_and_leaves_the_pool_as_it_was(family: Family, data: st.DataObject) -> None:
    venue, pool, token_in, token_out = draw_pool(data, family)
    amount = data.draw(FAMILIES[family].amounts)
    quoted = quote(venue, pool, token_in, token_out, amount)
    try:
        received, after = venue.swap(pool, token_in, token_out, amount)
    except QuoteError:
        assert not quoted or family == "constant_product"  # a pair also refuses what its quote does not look at
        return
    assert received == quoted
    assert type(after) is type(pool)
    assert quote(venue, pool, token_in, token_out, amount) == quoted


@every_family
@given(data=st.data())
def test_paying_the_exact_out_quote_brings_at_least_that_output(family: Family, data: st.DataObject) -> None:
    venue, pool, token_in, token_out = draw_pool(data, family)
    spent = taken(venue, pool, token_in, token_out, data.draw(FAMILIES[family].amounts))
    most = quote(venue, pool, token_in, token_out, spent)
    assume(most)
    wanted = data.draw(st.integers(1, most))
    try:
        price = venue.quote_in(pool, token_in, token_out, wanted)
    except QuoteError:
        assume(False)
    assert price > 0
    received = quote(venue, pool, token_in, token_out, price)
    cases = FAMILIES[family]
    units, parts = cases.short_of_exact
    assume(received is not None or not cases.refuses_own_price)
    assert received is not None
    held = pool.balances[pool.tokens.index(token_out)] if cases.short_of_held else 0
    assert received >= wanted - units - wanted * parts // 10**12 - held * cases.short_of_held // 10**18


@every_family
@given(data=st.data())
def test_no_amount_beats_the_marginal_rate(family: Family, data: st.DataObject) -> None:
    venue, pool, token_in, token_out = draw_pool(data, family)
    amount = data.draw(FAMILIES[family].amounts)
    amount = taken(venue, pool, token_in, token_out, amount)
    received = quote(venue, pool, token_in, token_out, amount)
    assert received is not None
    assert received <= venue.marginal_rate(pool, token_in, token_out) * amount * (1 + 1e-9) + 1e-9


@every_family
@given(data=st.data())
def test_a_pool_without_liquidity_refuses_every_amount(family: Family, data: st.DataObject) -> None:
    pool = data.draw(FAMILIES[family].empty)
    venue, amount = venue_of(pool), data.draw(FAMILIES[family].amounts)
    for token_in, token_out in permutations(pool.tokens, 2):
        for refuses in (venue.quote_out, venue.quote_in, venue.swap):
            with pytest.raises(QuoteError):
                refuses(pool, token_in, token_out, amount)
        assert venue.marginal_rate(pool, token_in, token_out) == 0.0


@every_family
@given(data=st.data())
def test_refuses_nothing_less_than_nothing_and_tokens_it_does_not_hold(family: Family, data: st.DataObject) -> None:
    venue, pool, token_in, token_out = draw_pool(data, family)
    for refuses in (venue.quote_out, venue.quote_in, venue.swap):
        for amount in (0, -1):
            with pytest.raises(QuoteError):
                refuses(pool, token_in, token_out, amount)
        for tokens in ((STRANGER, token_out), (token_in, STRANGER), (token_in, token_in)):
            with pytest.raises(QuoteError):
                refuses(pool, *tokens, 1000)
    for tokens in ((STRANGER, token_out), (token_in, STRANGER), (token_in, token_in)):
        with pytest.raises(QuoteError):
            venue.encode(pool, *tokens)
