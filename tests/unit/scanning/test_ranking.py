"""What counts as profit, and what comes first."""

from engine.domain.opportunity import Price, SizedCycle
from engine.scanning.ranking import GAS_BASE, GAS_PER_HOP, gas_units, known_price, net_wei, ranked
from tests.unit.scanning.pairs import DAI, UNI, WETH, pair, route

A, B, C = pair(1, WETH, DAI, 1, 1), pair(2, WETH, DAI, 1, 1), pair(3, DAI, UNI, 1, 1)


def cycle(net: int, *pools: int) -> SizedCycle:
    chosen = [(A, B, C)[number] for number in pools]
    hops = route(*((pool, pool.tokens[0], pool.tokens[1]) for pool in chosen))
    return SizedCycle(route=hops, amount_in=1, amount_out=2, gas_units=0, net_wei=net)


def test_gas_is_the_base_and_every_hop_by_its_family() -> None:
    expected = GAS_BASE + GAS_PER_HOP["constant_product"] + GAS_PER_HOP["stable"]
    assert gas_units(["constant_product", "stable"]) == expected


def test_net_profit_is_the_profit_in_wei_less_gas_rounded_down() -> None:
    assert net_wei(7, Price(num=10, den=4), units=3, gas_price_wei=5) == 17 - 15


def test_a_price_that_is_not_positive_is_unknown() -> None:
    prices = {WETH: Price(num=0, den=1), DAI: Price(num=1, den=2)}
    assert known_price(prices, WETH) is None
    assert known_price(prices, UNI) is None
    assert known_price(prices, DAI) == Price(num=1, den=2)


def test_the_greatest_net_comes_first_and_ties_have_one_order() -> None:
    long, short, other, best = cycle(5, 0, 2, 1), cycle(5, 0, 1), cycle(5, 1, 0), cycle(9, 0, 1)
    expected = [best, short, other, long]
    assert ranked([long, short, other, best]) == expected
    assert ranked([best, other, short, long]) == expected
