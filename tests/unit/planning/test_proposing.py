"""What a cycle must net to be worth asking for."""

from hypothesis import given
from hypothesis import strategies as st

from engine.planning.costs import bid_wei
from engine.proposing import net_before_bid
from engine.risk.policy import Policy


@given(
    share=st.integers(0, 999_000),
    least=st.integers(1, 10**18),
    units=st.integers(100_000, 1_000_000),
    over=st.integers(0, 10**18),
)
def test_what_nets_enough_before_the_bid_nets_the_least_after_it(share: int, least: int, units: int, over: int) -> None:
    policy = Policy(bid_share_ppm=share, min_net_profit_wei=least)
    net = net_before_bid(policy) + over
    bid = max(bid_wei(net, units, share) - 1, 0) * units  # a bid of at least 1 wei a gas is nobody's share
    assert net - bid >= least - 1


def test_a_bid_of_half_asks_for_twice_the_least() -> None:
    assert net_before_bid(Policy(bid_share_ppm=500_000, min_net_profit_wei=10**13)) == 2 * 10**13
    assert net_before_bid(Policy(bid_share_ppm=0, min_net_profit_wei=10**13)) == 10**13


def test_a_bid_of_everything_leaves_nothing_to_ask_for() -> None:
    assert net_before_bid(Policy(bid_share_ppm=1_000_000, min_net_profit_wei=10**13)) == 10**19
