"""Between gross and net: what is bid, and the floor that makes a fill pay for itself."""

from hypothesis import given
from hypothesis import strategies as st

from engine.domain.opportunity import Price
from engine.planning.costs import SAMPLE_CALLDATA, bid_wei, floor_raw
from engine.planning.plan import with_margin

PRICES = st.builds(Price, num=st.integers(1, 10**30), den=st.integers(1, 10**30))
WEI = st.integers(0, 10**21)
SHARES = st.integers(0, 10**6)


@given(profit=st.integers(0, 10**30), gas_wei=WEI, min_net_wei=WEI, price=PRICES, share=SHARES)
def test_a_fill_at_the_floor_has_paid_its_gas_and_earned_the_least_net(
    profit: int, gas_wei: int, min_net_wei: int, price: Price, share: int
) -> None:
    floor = floor_raw(
        expected_profit=profit, gas_wei=gas_wei, min_net_wei=min_net_wei, price=price, floor_share_ppm=share
    )
    assert floor * price.num >= (gas_wei + min_net_wei) * price.den
    assert floor >= profit * share // 10**6
    assert floor >= 1


@given(profit=st.integers(1, 10**30), gas_wei=WEI, min_net_wei=WEI, price=PRICES, share=SHARES)
def test_the_floor_is_no_higher_than_it_must_be(
    profit: int, gas_wei: int, min_net_wei: int, price: Price, share: int
) -> None:
    floor = floor_raw(
        expected_profit=profit, gas_wei=gas_wei, min_net_wei=min_net_wei, price=price, floor_share_ppm=share
    )
    less = floor - 1
    pays = less * price.num >= (gas_wei + min_net_wei) * price.den
    assert not (pays and less >= profit * share // 10**6 and less >= 1)


@given(net_wei=st.integers(-(10**21), 10**21), units=st.integers(21_000, 5_000_000), share=SHARES)
def test_a_bid_is_at_least_one_wei_and_never_more_than_its_share(net_wei: int, units: int, share: int) -> None:
    bid = bid_wei(net_wei, units, share)
    assert bid >= 1
    assert bid == 1 or bid * units <= net_wei * share // 10**6


def test_a_bid_comes_within_a_unit_of_gas_of_its_share() -> None:
    assert bid_wei(10**18, 200_000, 500_000) == 5 * 10**17 // 200_000


@given(used=st.integers(21_000, 30_000_000))
def test_a_gas_limit_leaves_room_for_every_refund(used: int) -> None:
    assert with_margin(used) * 4 > used * 5  # EIP-3529 gives at most a fifth back, at the end


def test_the_calldata_that_stands_for_a_trades_is_as_long_as_one_of_three_hops() -> None:
    assert len(SAMPLE_CALLDATA) == 4 + 7 * 32 + 32 + 3 * 64
