"""Each cause of a miss, planted one at a time into what we knew: it is the one that is named."""

from dataclasses import replace

import pytest

from engine.domain.opportunity import Price
from engine.domain.pools import ConstantProductPool
from engine.domain.units import Address, PoolId
from engine.misses.classify import Arbitrage
from engine.misses.explain import WHAT_WOULD_HELP, Decided, Known, OurTrade, Reason, explain
from engine.misses.ledger import by_reason
from engine.misses.swaps import Swap
from engine.scanning.ranking import gas_units

WETH, USDC, ODD = (Address("0x" + digits * 20) for digits in ("aa", "bb", "cc"))
ONE, TWO, STRANGE = (PoolId("0x" + digits * 20) for digits in ("01", "02", "03"))
FACTORY, OTHER_FACTORY = (Address("0x" + digits * 20) for digits in ("f1", "f2"))
RIVAL = Address("0x" + "dd" * 20)
E18 = 10**18


def pair(pool: PoolId, weth: int, usdc: int) -> ConstantProductPool:
    return ConstantProductPool(
        id=pool,
        deployment="uniswap_v2",
        tokens=(WETH, USDC),
        fee=3,
        fee_denominator=1000,
        reserve0=weth * E18,
        reserve1=usdc * 10**6,
    )


def swap(order: int, pool: PoolId, token_in: Address, amount_in: int, token_out: Address, amount_out: int) -> Swap:
    return Swap(
        tx_hash="0x" + "11" * 32,
        position=3,
        order=order,
        family="uniswap_v2",
        pool=pool,
        sender=RIVAL,
        receiver=RIVAL,
        token_in=token_in,
        amount_in=amount_in,
        token_out=token_out,
        amount_out=amount_out,
    )


def cycle(*pools: PoolId, tokens: tuple[Address, ...] = (WETH, USDC)) -> Arbitrage:
    amounts = [E18 + step * 10**15 for step in range(len(pools) + 1)]
    around = [*tokens, tokens[0]]
    swaps = tuple(swap(i, pool, around[i], amounts[i], around[i + 1], amounts[i + 1]) for i, pool in enumerate(pools))
    return Arbitrage(
        tx_hash=swaps[0].tx_hash,
        position=3,
        account=RIVAL,
        swaps=swaps,
        token=tokens[0],
        amount_in=amounts[0],
        amount_out=amounts[-1],
        gas_wei=5 * 10**14,
        tip_wei=None,
    )


KNOWN = Known(
    pools={ONE: pair(ONE, 1_000, 3_100_000), TWO: pair(TWO, 1_000, 3_000_000)},
    prices={WETH: Price(num=1, den=1), USDC: Price(num=E18, den=3_000 * 10**6)},
    base_fee_wei=10**8,
    base_tokens=(WETH,),
    max_hops=4,
    least_net_wei=10**13,
    state="ACTIVE",
    looked=True,
    decided=(),
    ours=(),
    set_aside={},
    factories={},
    venues=frozenset({FACTORY}),
    mined_base_fee_wei=10**8,
)
OURS = OurTrade(pools=frozenset({ONE}), amount_in=7, bid_wei=9, filled=False, position=4)
REFUSED = Decided(pools=frozenset({TWO}), rule="notional", measured="9 wei", limit="8 wei")
LEVEL = {ONE: pair(ONE, 1_000, 3_000_000), TWO: pair(TWO, 1_000, 3_000_000)}

PLANTED: tuple[tuple[Reason, Arbitrage, Known], ...] = (
    ("unknown venue", cycle(ONE, STRANGE), replace(KNOWN, factories={STRANGE: OTHER_FACTORY})),
    ("unknown venue", cycle(ONE, STRANGE), KNOWN),
    ("unknown pool", cycle(ONE, STRANGE), replace(KNOWN, factories={STRANGE: FACTORY})),
    ("token set aside", cycle(ONE, TWO), replace(KNOWN, set_aside={USDC: "it taxes transfers"})),
    ("base tokens", cycle(ONE, TWO), replace(KNOWN, base_tokens=(ODD,))),
    ("too many hops", cycle(ONE, TWO), replace(KNOWN, max_hops=1)),
    ("halted", cycle(ONE, TWO), replace(KNOWN, state="HALTED")),
    ("seen late", cycle(ONE, TWO), replace(KNOWN, looked=False)),
    ("seen late", cycle(ONE, TWO), replace(KNOWN, pools=LEVEL)),
    ("below floor", cycle(ONE, TWO), replace(KNOWN, least_net_wei=E18)),
    ("refused", cycle(ONE, TWO), replace(KNOWN, decided=(REFUSED,))),
    ("simulation failed", cycle(ONE, TWO), replace(KNOWN, decided=(replace(REFUSED, rule="simulation"),))),
    ("outbid", cycle(ONE, TWO), replace(KNOWN, ours=(OURS,))),
    ("outbid", cycle(ONE, TWO), replace(KNOWN, ours=(replace(OURS, position=None),))),
    ("mis-sized", cycle(ONE, TWO), replace(KNOWN, ours=(replace(OURS, filled=True, position=2),))),
    ("not chosen", cycle(ONE, TWO), KNOWN),
)


@pytest.mark.parametrize(("reason", "arbitrage", "known"), PLANTED)
def test_the_planted_cause_is_the_one_named(reason: Reason, arbitrage: Arbitrage, known: Known) -> None:
    miss = explain(arbitrage, known)
    assert miss.reason == reason
    assert miss.measured
    assert miss.limit


def test_every_reason_is_planted_and_says_what_would_help() -> None:
    assert {reason for reason, _, _ in PLANTED} == {*WHAT_WOULD_HELP}


def test_a_miss_is_worth_its_profit_at_our_price_less_the_gas_that_was_paid() -> None:
    miss = explain(cycle(ONE, TWO), KNOWN)
    assert miss.net_wei == 2 * 10**15 - 5 * 10**14
    assert explain(cycle(ONE, TWO), replace(KNOWN, prices={})).net_wei is None


def bought_and_sold(weth: int) -> int:
    """Sell WETH for dollars where they are cheap and buy it back, by the pairs' own formula."""
    usdc = weth * 997 * 3_100_000 * 10**6 // (1_000 * E18 * 1000 + weth * 997)
    return usdc * 997 * 1_000 * E18 // (3_000_000 * 10**6 * 1000 + usdc * 997)


def test_what_we_would_have_made_of_it_is_sized_on_the_block_before() -> None:
    miss = explain(cycle(ONE, TWO), KNOWN)
    assert miss.our_amount_in is not None
    assert miss.our_net_wei is not None
    around = [miss.our_amount_in + step for step in (-(10**15), 0, 10**15)]
    gains = [bought_and_sold(amount) - amount for amount in around]
    assert gains[1] == max(gains)
    assert miss.our_net_wei == gains[1] - gas_units(("constant_product",) * 2) * KNOWN.base_fee_wei
    assert explain(cycle(ONE, STRANGE), KNOWN).our_amount_in is None


def test_a_cycle_that_begins_elsewhere_is_turned_to_a_base_token() -> None:
    turned = cycle(TWO, ONE, tokens=(USDC, WETH))
    assert explain(turned, KNOWN).reason == "not chosen"
    assert explain(turned, replace(KNOWN, base_tokens=(ODD,))).reason == "base tokens"


def test_the_ledger_adds_up_by_reason_the_dearest_first_and_counts_what_has_no_value() -> None:
    misses = [
        explain(cycle(ONE, TWO), KNOWN),
        explain(cycle(ONE, TWO), KNOWN),
        explain(cycle(ONE, TWO), replace(KNOWN, state="HALTED")),
        explain(cycle(ONE, TWO), replace(KNOWN, state="HALTED", prices={})),
    ]
    rows = by_reason(misses)
    assert [(row.reason, row.misses, row.net_wei, row.unvalued) for row in rows] == [
        ("not chosen", 2, 3 * 10**15, 0),
        ("halted", 2, 15 * 10**14, 1),
    ]
    assert by_reason([]) == []
