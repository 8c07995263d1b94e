"""The arithmetic of the prior: bounded, in one direction, blind to order, and it forgets."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from engine.domain.chance import Chance, Shape, worth_of
from engine.domain.hops import PPM
from engine.knowledge.prior import COUNTS_S, LEAST_SENT, Sent, chances_of
from engine.scanning.ranking import expected_wei

SHAPES: tuple[Shape, ...] = (("sushi_v2", "uniswap_v2"), ("uniswap_v2", "uniswap_v3"))
STATES = ("base fee 64-128 Mwei, quiet", "base fee 64-128 Mwei, contested")
NETS = (5 * 10**13, 5 * 10**16)

sents = st.builds(
    Sent,
    intent_id=st.just("intent-1"),
    shape=st.sampled_from(SHAPES),
    worth=st.sampled_from([worth_of(net) for net in NETS]),
    state=st.sampled_from(STATES),
    time_s=st.integers(0, COUNTS_S),
    filled=st.booleans(),
    paid_wei=st.integers(0, 10**17),
    expected_wei=st.integers(1, 10**17),
    gain_wei=st.integers(-(10**17), 10**17),
)
histories = st.lists(sents, max_size=60)
asked = st.tuples(st.sampled_from(SHAPES), st.sampled_from(NETS), st.sampled_from(STATES))


def chance(history: list[Sent], of: tuple[Shape, int, str]) -> Chance | None:
    shape, net_wei, state = of
    chances = chances_of(history, state, COUNTS_S)
    return None if chances is None else chances(shape, net_wei)


@given(histories, asked)
def test_a_chance_is_between_never_and_certain_and_unknown_below_the_least_evidence(
    history: list[Sent], of: tuple[Shape, int, str]
) -> None:
    alike = [one for one in history if one.worth == worth_of(of[1])]
    found = chance(history, of)
    assert (found is None) == (len(alike) < LEAST_SENT)
    if found is not None:
        assert 0 < found.ppm <= PPM
        assert 0 <= found.filled <= found.sent <= len(alike)


@given(histories, asked)
def test_what_always_filled_is_as_certain_as_without_a_prior(history: list[Sent], of: tuple[Shape, int, str]) -> None:
    found = chance([replace(one, filled=True) for one in history], of)
    assert found is None or (found.ppm, found.lost_ppm) == (PPM, 0)


@given(histories, asked, sents)
def test_one_more_loss_never_raises_a_chance_and_one_more_fill_never_lowers_it(
    history: list[Sent], of: tuple[Shape, int, str], one: Sent
) -> None:
    nearest = replace(one, shape=of[0], worth=worth_of(of[1]), state=of[2])
    before = chance(history, of)
    lost, filled = (chance([*history, replace(nearest, filled=how)], of) for how in (False, True))
    if before is not None and lost is not None and filled is not None:
        assert lost.ppm <= before.ppm <= filled.ppm + 1  # each step rounds down


@given(histories, asked)
def test_the_order_of_the_evidence_does_not_matter(history: list[Sent], of: tuple[Shape, int, str]) -> None:
    assert chance(history[::-1], of) == chance(sorted(history, key=str), of) == chance(history, of)


@given(
    st.integers(-(10**18), 10**20),
    st.integers(0, 10**18),
    st.integers(0, PPM),
    st.integers(0, PPM),
    st.integers(0, 2 * PPM),
)
def test_an_expectation_is_never_above_the_net_after_its_bid_and_equals_it_when_certain(
    net_wei: int, gas_wei: int, bid_ppm: int, ppm: int, lost_ppm: int
) -> None:
    after_bid = net_wei - max(net_wei, 0) * bid_ppm // PPM
    odds = Chance(sent=9, filled=4, ppm=ppm, lost_ppm=lost_ppm)
    assert expected_wei(net_wei, gas_wei, bid_ppm, replace(odds, ppm=PPM)) == after_bid
    if net_wei >= 0:
        assert expected_wei(net_wei, gas_wei, bid_ppm, odds) <= after_bid


@given(histories, asked, st.integers(1, 10**6))
def test_whatever_was_lost_nothing_is_known_once_it_is_an_hour_old(
    history: list[Sent], of: tuple[Shape, int, str], later_s: int
) -> None:
    newest_s = max((one.time_s for one in history), default=0)
    assert chances_of(history, of[2], newest_s + COUNTS_S + later_s) is None
