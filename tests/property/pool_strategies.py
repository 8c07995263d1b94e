"""Random pools of each family, for the suite that every venue passes. A family is one row of `FAMILIES`."""

from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from engine.domain.pools import AnyPool, ConcentratedPool, ConstantProductPool, Family
from engine.venues.tick_math import MAX_TICK, sqrt_ratio_at
from tests.positions import POOL, TOKEN0, TOKEN1, concentrated_pool
from tests.property.balancer_strategies import stable_pools, weighted_pools

TIERS = ((100, 1), (500, 10), (3000, 60), (10_000, 200))  # fee in ppm, tick spacing


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyCases:
    """What the suite needs of a family.

    `amounts` should reach from one raw unit past what the pools hold. `short_of_exact` bounds by how many raw units,
    and parts per 1e12, paying `quote_in(y)` may bring less than y: 0 where the contract's two sides agree;
    `short_of_held` adds parts per 1e18 of the balance out, and `refuses_own_price` says that a pool may quote an
    input for an exact output and yet refuse it as too much or too little to swap.
    """

    pools: SearchStrategy[AnyPool]
    empty: SearchStrategy[AnyPool]
    amounts: SearchStrategy[int]
    short_of_exact: tuple[int, int] = (0, 0)
    short_of_held: int = 0
    refuses_own_price: bool = False


def log_uniform(low_bits: int, high_bits: int) -> SearchStrategy[int]:
    """Integers of all sizes, each number of bits as likely as another."""
    return st.integers(low_bits, high_bits).flatmap(lambda bits: st.integers(1 << bits, (2 << bits) - 1))


def constant_product_pools(reserves: SearchStrategy[int]) -> SearchStrategy[AnyPool]:
    return st.builds(
        lambda reserve0, reserve1, fee: ConstantProductPool(
            id=POOL,
            deployment="uniswap_v2",
            tokens=(TOKEN0, TOKEN1),
            fee=fee[0],
            fee_denominator=fee[1],
            reserve0=reserve0,
            reserve1=reserve1,
        ),
        reserves,
        reserves,
        st.sampled_from([(3, 1000), (25, 10_000), (17, 10_000)]),
    )


@st.composite
def concentrated_pools(draw: st.DrawFn) -> ConcentratedPool:
    """One to six positions around a price anywhere in the range; gaps without liquidity happen."""
    fee_ppm, spacing = draw(st.sampled_from(TIERS))
    last = MAX_TICK // spacing
    centre = draw(st.integers(-last + 2000 // spacing, last - 2000 // spacing) | st.integers(-1000, 1000))
    edges = st.integers(max(-last, centre - 600), min(last, centre + 600))
    pairs = st.tuples(edges, edges).filter(lambda pair: pair[0] != pair[1])
    positions = draw(st.lists(st.tuples(pairs, log_uniform(10, 90)), min_size=1, max_size=6))
    low = sqrt_ratio_at(max(-MAX_TICK, centre * spacing))
    nudge = draw(st.integers(0, 1000))  # from just on a tick to a tick further
    return concentrated_pool(
        sqrt_price_x96=low + low * nudge // 10_000_000,
        fee_ppm=fee_ppm,
        tick_spacing=spacing,
        positions=[(min(pair) * spacing, max(pair) * spacing, liquidity) for pair, liquidity in positions],
    )


def priced_without_positions(tick: int) -> ConcentratedPool:
    return concentrated_pool(sqrt_price_x96=sqrt_ratio_at(tick), fee_ppm=3000, tick_spacing=60)


FAMILIES: dict[Family, FamilyCases] = {
    "constant_product": FamilyCases(
        pools=constant_product_pools(log_uniform(0, 110)),
        empty=constant_product_pools(st.just(0)),
        amounts=log_uniform(0, 112),
    ),
    "concentrated": FamilyCases(
        pools=concentrated_pools(),
        empty=st.integers(-MAX_TICK, MAX_TICK - 1).map(priced_without_positions),
        amounts=log_uniform(0, 130),
    ),
    # two powers, each rounded against the trader by 1e-14; at most 30 % of a balance in, and of a balance out
    "weighted": FamilyCases(
        pools=weighted_pools(log_uniform(30, 90)),
        empty=weighted_pools(st.just(0)),
        amounts=log_uniform(0, 80),
        short_of_exact=(1, 0),
        short_of_held=10_200,
        refuses_own_price=True,
    ),
    # the product term of the invariant is rounded to a thousandth of the amplification, on either side
    "stable": FamilyCases(
        pools=stable_pools(log_uniform(3, 40)),
        empty=stable_pools(st.just(0)),
        amounts=log_uniform(0, 100),
        short_of_exact=(2500, 1),
        refuses_own_price=True,
    ),
}
