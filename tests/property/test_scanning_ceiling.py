"""The screen's bound on a hop lies above what the pool really gives, whatever the family."""

from itertools import permutations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.domain.errors import QuoteError
from engine.domain.pools import Family
from engine.scanning.ceiling import ceiling
from engine.venues.table import BY_FAMILY, venue_of
from tests.property.pool_strategies import FAMILIES


@pytest.mark.parametrize("family", sorted(BY_FAMILY))
@given(data=st.data())
def test_no_quote_is_above_its_ceiling(family: Family, data: st.DataObject) -> None:
    pool = data.draw(FAMILIES[family].pools)
    token_in, token_out = data.draw(st.sampled_from(list(permutations(pool.tokens, 2))))
    amount = data.draw(FAMILIES[family].amounts)
    venue = venue_of(pool)
    rate = venue.marginal_rate(pool, token_in, token_out)
    assume(rate > 0)
    try:
        received = venue.quote_out(pool, token_in, token_out, amount)
    except QuoteError:
        assume(False)
    curve, most = ceiling(pool, token_in, token_out, rate)
    slack = 1 + 1e-11  # what the kernel adds before it compares
    assert received <= slack * rate * amount / (1 + curve * amount)
    assert received <= slack * most
