"""The pieces that sizing walks follow the exact quotes, piece by piece."""

from itertools import pairwise
from math import inf

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.domain.errors import QuoteError
from engine.domain.pools import ConcentratedPool, ConstantProductPool
from engine.venues.piecewise import piece, pieces
from engine.venues.table import venue_of
from tests.property.pool_strategies import FAMILIES

DUST = 1e-3
FLAT = 1e-6  # of a slope, by which float pieces may rise where true ones fall

pools = FAMILIES["constant_product"].pools | FAMILIES["concentrated"].pools


@given(pools, st.booleans(), st.integers(1, 2**110))
def test_a_piece_gives_the_exact_quote_within_its_rounding(
    pool: ConstantProductPool | ConcentratedPool, down: bool, amount: int
) -> None:
    token_in, token_out = pool.tokens if down else pool.tokens[::-1]
    try:
        quoted = venue_of(pool).quote_out(pool, token_in, token_out, amount)
    except QuoteError:
        assume(False)
    found = piece(pool, token_in, token_out, amount)
    assert found.x_min <= amount * (1 + DUST) + 2
    assert amount < found.x_max
    crossings = len(pool.tick_index) if isinstance(pool, ConcentratedPool) else 0
    # every step of the exact walk rounds input and output, a unit each; there are also steps at the edges of words.
    # In dust of liquidity one unit of input goes far, so it counts at the rate where the piece starts.
    rounding = (crossings + 300) * (1 + found.slope(found.x_min))
    assert found.output(amount) == pytest.approx(quoted, rel=1e-9, abs=rounding)


@given(pools, st.booleans())
def test_pieces_follow_each_other_and_never_get_steeper(
    pool: ConstantProductPool | ConcentratedPool, down: bool
) -> None:
    token_in, token_out = pool.tokens if down else pool.tokens[::-1]
    found = list(pieces(pool, token_in, token_out))
    rate = venue_of(pool).marginal_rate(pool, token_in, token_out)
    if not found:
        assert rate == 0.0
        return
    assert found[0].x_min == 0.0
    assert found[0].slope(0.0) == pytest.approx(rate, rel=1e-9)
    for one, following in pairwise(found):
        assert one.x_max <= following.x_min <= one.x_max * (1 + DUST) + 2
        assert following.slope(following.x_min) <= one.slope(one.x_min) * (1 + FLAT)
    if isinstance(pool, ConstantProductPool):
        assert [one.x_max for one in found] == [inf]
        return
    # asking again where a piece ends gives the next one
    assert piece(pool, token_in, token_out, 0) == found[0]
    with pytest.raises(QuoteError):
        piece(pool, token_in, token_out, int(found[-1].x_max))
