"""Random Balancer pools: two to five tokens of 6, 8 and 18 decimals, every version, fees from the least to the most."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from engine.domain.pools import StablePool, WeightedPool
from engine.domain.units import Address, PoolId

E18 = 10**18
POOL = PoolId("0x" + "d3" * 20)
TOKENS = tuple(Address("0x" + f"{n}e" * 20) for n in range(1, 6))
FEES = st.sampled_from([10**12, 4 * 10**14, 3 * 10**15, 10**17])


def shared_fields(draw: st.DrawFn, count: int, decimals: list[int]) -> dict[str, Any]:
    return {
        "id": POOL,
        "deployment": "balancer_v2",
        "tokens": TOKENS[:count],
        "balancer_id": POOL + "00" * 11 + "07",
        "scaling": tuple(10 ** (18 - d) for d in decimals),
        "fee": draw(FEES),
        "version": draw(st.sampled_from([1, 2])),
    }


def token_decimals(draw: st.DrawFn) -> list[int]:
    return draw(st.lists(st.sampled_from([6, 8, 18]), min_size=2, max_size=5))


@st.composite
def weighted_pools(draw: st.DrawFn, balances: SearchStrategy[int]) -> WeightedPool:
    """Weights are whole percents from 1 to 99."""
    decimals = token_decimals(draw)
    count = len(decimals)
    cuts = sorted(draw(st.sets(st.integers(1, 99), min_size=count - 1, max_size=count - 1)))
    weights = tuple((high - low) * E18 // 100 for low, high in zip([0, *cuts], [*cuts, 100], strict=True))
    return WeightedPool(
        **shared_fields(draw, count, decimals), weights=weights, balances=tuple(draw(balances) for _ in decimals)
    )


@st.composite
def stable_pools(draw: st.DrawFn, wholes: SearchStrategy[int]) -> StablePool:
    """Balances within a factor of ten of one another, some pools with tokens that have grown by up to a third."""
    decimals = token_decimals(draw)
    whole = draw(wholes)
    shares = [draw(st.integers(100, 1000)) for _ in decimals]
    return StablePool(
        **shared_fields(draw, len(decimals), decimals),
        amp=1000 * draw(st.sampled_from([1, 50, 200, 5000])),
        balances=tuple(whole * share * 10**d // 1000 for share, d in zip(shares, decimals, strict=True)),
        rates=tuple(draw(st.integers(E18, E18 * 4 // 3)) for _ in decimals) if draw(st.booleans()) else (),
    )
