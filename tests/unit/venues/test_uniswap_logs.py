"""Logs as the pools emit them, encoded with the ABI, and what they make of a pool's state."""

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.errors import QuoteError
from engine.domain.hops import HopKind, unpack_hop
from engine.domain.pools import AnyPool, ConstantProductPool, Log
from engine.domain.units import Address
from engine.venues import concentrated, constant_product
from engine.venues.table import venue_of
from engine.venues.tick_math import sqrt_ratio_at
from tests.positions import POOL, TOKEN0, TOKEN1, concentrated_pool

ALICE, BOB = "0x" + "01" * 20, "0x" + "02" * 20

PAIR = ConstantProductPool(
    id=POOL, deployment="uniswap_v2", tokens=(TOKEN0, TOKEN1), fee=3, fee_denominator=1000, reserve0=5, reserve1=7
)
UNPRICED = concentrated_pool(sqrt_price_x96=0, fee_ppm=3000, tick_spacing=60, tick=0)


def log(signature: str, indexed: list[tuple[str, object]], data: list[tuple[str, object]]) -> Log:
    return Log(
        address=Address(POOL),
        topics=(keccak(text=signature), *(encode([kind], [value]) for kind, value in indexed)),
        data=encode([kind for kind, _ in data], [value for _, value in data]),
        block_number=1,
        tx_hash="0x" + "ee" * 32,
        log_index=0,
    )


def sync(reserve0: int, reserve1: int) -> Log:
    return log("Sync(uint112,uint112)", [], [("uint112", reserve0), ("uint112", reserve1)])


def initialize(tick: int) -> Log:
    return log("Initialize(uint160,int24)", [], [("uint160", sqrt_ratio_at(tick)), ("int24", tick)])


def mint(lower: int, upper: int, amount: int) -> Log:
    return log(
        "Mint(address,address,int24,int24,uint128,uint256,uint256)",
        [("address", ALICE), ("int24", lower), ("int24", upper)],
        [("address", BOB), ("uint128", amount), ("uint256", 11), ("uint256", 12)],
    )


def burn(lower: int, upper: int, amount: int) -> Log:
    return log(
        "Burn(address,int24,int24,uint128,uint256,uint256)",
        [("address", ALICE), ("int24", lower), ("int24", upper)],
        [("uint128", amount), ("uint256", 11), ("uint256", 12)],
    )


def swap(sqrt_price_x96: int, liquidity: int, tick: int) -> Log:
    return log(
        "Swap(address,address,int256,int256,uint160,uint128,int24)",
        [("address", ALICE), ("address", BOB)],
        [
            ("int256", -(10**18)),
            ("int256", 10**18),
            ("uint160", sqrt_price_x96),
            ("uint128", liquidity),
            ("int24", tick),
        ],
    )


def after(pool: AnyPool, *logs: Log) -> AnyPool:
    for entry in logs:
        assert entry.topics[0] in venue_of(pool).topics
        assert venue_of(pool).pool_of(entry) == pool.id
        pool = venue_of(pool).apply(pool, entry)
    return pool


def test_a_sync_sets_both_reserves() -> None:
    pair = constant_product.apply(PAIR, sync(2**112 - 1, 3))
    assert (pair.reserve0, pair.reserve1) == (2**112 - 1, 3)
    assert (PAIR.reserve0, PAIR.reserve1) == (5, 7)


def test_a_pool_is_priced_when_it_is_initialised() -> None:
    pool = concentrated.apply(UNPRICED, initialize(-12345))
    assert (pool.sqrt_price_x96, pool.tick, pool.liquidity) == (sqrt_ratio_at(-12345), -12345, 0)


def test_mints_and_burns_keep_the_ticks_complete_and_sorted() -> None:
    pool = after(UNPRICED, initialize(0), mint(-120, 60, 100), mint(60, 180, 30), mint(-60, 60, 7))
    assert pool == concentrated_pool(
        sqrt_price_x96=sqrt_ratio_at(0),
        fee_ppm=3000,
        tick_spacing=60,
        positions=[(-120, 60, 100), (60, 180, 30), (-60, 60, 7)],
    )
    assert dict(concentrated.apply(pool, burn(-60, 60, 7)).ticks) == {
        -120: (100, 100),
        60: (-70, 130),
        180: (-30, 30),
    }
    assert after(pool, burn(-60, 60, 7), burn(60, 180, 30), burn(-120, 60, 100)) == concentrated_pool(
        sqrt_price_x96=sqrt_ratio_at(0), fee_ppm=3000, tick_spacing=60
    )


def test_only_positions_around_the_price_count_as_liquidity() -> None:
    pool = after(UNPRICED, initialize(60), mint(60, 120, 5), mint(0, 60, 3))
    assert isinstance(pool, type(UNPRICED))
    assert pool.liquidity == 5


def test_a_burn_of_nothing_changes_nothing() -> None:
    pool = after(UNPRICED, initialize(0), mint(-60, 60, 9))
    assert after(pool, burn(-60, 60, 0)) == pool


def test_a_burn_that_the_ticks_do_not_hold_is_refused() -> None:
    pool = after(UNPRICED, initialize(0), mint(-60, 60, 9))
    with pytest.raises(QuoteError, match="does not fit"):
        after(pool, burn(-60, 60, 10))


@given(st.integers(-887272, 887271), st.integers(0, 2**128 - 1), st.integers(4295128739, 2**160 - 1))
def test_a_swap_sets_price_tick_and_liquidity(tick: int, liquidity: int, price: int) -> None:
    pool = concentrated.apply(UNPRICED, swap(price, liquidity, tick))
    assert (pool.sqrt_price_x96, pool.tick, pool.liquidity) == (price, tick, liquidity)


@pytest.mark.parametrize("pool", [PAIR, after(UNPRICED, initialize(0), mint(-60, 60, 9))])
def test_logs_of_another_kind_leave_the_pool_as_it_is(pool: AnyPool) -> None:
    other = log("Transfer(address,address,uint256)", [("address", ALICE), ("address", BOB)], [("uint256", 1)])
    assert venue_of(pool).apply(pool, other) == pool


@pytest.mark.parametrize(("pool", "kind", "fee_ppm"), [(PAIR, HopKind.CONSTANT_PRODUCT, 3000), (UNPRICED, 2, 0)])
def test_a_hop_is_encoded_with_its_direction_and_fee(pool: AnyPool, kind: HopKind, fee_ppm: int) -> None:
    for token_in, token_out in ((TOKEN0, TOKEN1), (TOKEN1, TOKEN0)):
        hop = unpack_hop(venue_of(pool).encode(pool, token_in, token_out))
        assert (hop.kind, hop.pool, hop.token_out, hop.fee_ppm) == (kind, POOL, token_out, fee_ppm)
        assert hop.zero_for_one == (token_in == TOKEN0)


def test_a_venue_does_not_take_another_family_s_pool() -> None:
    with pytest.raises(TypeError, match="not concentrated"):
        concentrated.quote_out(PAIR, TOKEN0, TOKEN1, 1)
    with pytest.raises(TypeError, match="not constant product"):
        constant_product.quote_out(UNPRICED, TOKEN0, TOKEN1, 1)
