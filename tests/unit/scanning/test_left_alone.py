"""Rounds with a judge: what it does not want is left alone, and the pools of it; the order stays."""

from typing import Any

import pytest

from engine.domain.opportunity import SizedCycle
from engine.domain.units import Address
from engine.scanning.cycles import Screened, screen
from engine.scanning.scan import Judge, build_universe, find_cycles, greedy_rounds
from tests.unit.scanning.pairs import DAI, LINK, ONE_TO_ONE, UNI, WETH, by_id, pair

PRICES = {WETH: ONE_TO_ONE}
FREE = {"gas_price_wei": 0, "floor_wei": 0}
POOLS = by_id(
    pair(1, WETH, DAI, 1000, 1300),  # the best gap, through three pools: two cycles share its dear side
    pair(2, WETH, DAI, 1000, 1000),
    pair(3, WETH, DAI, 1000, 1010),
    pair(4, WETH, UNI, 1000, 1100),
    pair(5, WETH, UNI, 1000, 1000),
    pair(6, WETH, LINK, 1000, 1050),
    pair(7, WETH, LINK, 1000, 1000),
)
UNIVERSE = build_universe(POOLS, [WETH])


def rounds(judge: Judge | None = None) -> list[SizedCycle]:
    return greedy_rounds(UNIVERSE, POOLS, prices=PRICES, max_rounds=9, worth_sending=judge, **FREE)


def through(cycle: SizedCycle, token: Address) -> bool:
    return any(hop.token_out == token for hop in cycle.route.hops)


def test_a_judge_that_wants_everything_changes_nothing() -> None:
    assert len(rounds()) > 3
    assert rounds(lambda cycle: True) == rounds()


def test_what_is_left_alone_takes_its_pools_along_and_the_rest_keeps_its_order() -> None:
    (best, *_) = find_cycles(UNIVERSE, POOLS, prices=PRICES, **FREE)
    judged: list[SizedCycle] = []

    def judge(cycle: SizedCycle) -> bool:
        judged.append(cycle)
        return cycle.route != best.route

    taken = rounds(judge)
    assert judged[0] == best
    assert not [cycle for cycle in taken if cycle.route.pools & best.route.pools]
    assert through(taken[0], UNI)
    assert through(taken[1], LINK)
    assert [c for c in taken if not through(c, DAI)] == [c for c in rounds() if not through(c, DAI)]


def test_the_market_is_screened_once_a_round_however_many_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    screened: list[int] = []

    def counted(*given: Any) -> Screened:
        screened.append(len(given))
        return screen(*given)

    monkeypatch.setattr("engine.scanning.scan.screen", counted)
    assert rounds(lambda cycle: False) == []
    assert len(screened) == 1


def test_a_judge_that_wants_nothing_ends_the_rounds() -> None:
    judged: list[SizedCycle] = []

    def judge(cycle: SizedCycle) -> bool:
        judged.append(cycle)
        return False

    assert rounds(judge) == []
    assert 0 < len(judged) <= len(POOLS) // 2
