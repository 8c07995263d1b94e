"""Each rule alone: what it lets through at its edge, and what it says was measured and allowed where it does not."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from engine.domain.hops import MAX_HOPS
from engine.domain.opportunity import Hop, Proof, Route
from engine.domain.units import Address, ChainId, PoolId
from engine.risk.book import Book, Claim
from engine.risk.caps import CAPS
from engine.risk.chain_time import ChainTime
from engine.risk.policy import Policy
from engine.risk.rules import (
    RULES,
    RuleInput,
    all_breaches,
    first_breach,
    l1_worst_wei,
    least_fee_wei,
    least_worst_wei,
    unsafe_tokens,
)
from tests.unit import journal_stubs as stub

OTHER = Address("0x" + "99" * 20)


def given(proof: Proof | None = None, **changes: Any) -> RuleInput:
    asked: dict[str, Any] = {"policy": Policy(), "state": "ACTIVE", "head": stub.block(), "book": Book()}
    return RuleInput(proof=proof or stub.proof(), **asked | changes)


def planned(**changes: Any) -> Proof:
    return replace(stub.proof(), plan=replace(stub.proof().plan, **changes))


def asked(**changes: Any) -> Proof:
    return planned(request=replace(stub.request(), **changes))


def costing(**changes: Any) -> Proof:
    return replace(stub.proof(), costs=replace(stub.proof().costs, **changes))


def ring(hops: int) -> Route:
    """Make a closed cycle of so many hops."""
    tokens = [stub.WETH, *(Address(f"0x{n:040x}") for n in range(1, hops)), stub.WETH]
    pairs = pairwise(tokens)
    return Route(hops=tuple(Hop(pool=PoolId(f"0x{n:x}"), token_in=a, token_out=b) for n, (a, b) in enumerate(pairs)))


CYCLE = "a closed cycle of 2 to 8 hops, floor at least 1, no value sent"
HELD = Book(held=(Claim(worst_wei=5),), open=4)
SAYS: dict[str, tuple[RuleInput, str, str, str]] = {
    "halted": (given(state="HALTED"), "trading state", "HALTED", "ACTIVE, or REDUCING for borrowed capital"),
    "reducing": (
        given(planned(capital="own"), state="REDUCING"),
        "trading state",
        "REDUCING, and the trade puts in own funds",
        "borrowed capital only",
    ),
    "a chain off the list": (given(policy=Policy(allowed_chains=(1,))), "chain list", "42161", "none"),
    "another chain than the head's": (
        given(replace(stub.proof(), block=replace(stub.block(), chain=ChainId(1)))),
        "chain list",
        "1",
        "42161",
    ),
    "an open end": (
        given(asked(route=Route(hops=(*ring(2).hops, Hop(pool=PoolId("0x9"), token_in=stub.WETH, token_out=OTHER))))),
        "closed cycle",
        "a route that does not end in the token it begins with",
        CYCLE,
    ),
    "a hop too many": (given(asked(route=ring(MAX_HOPS + 1))), "closed cycle", "9 hops", CYCLE),
    "nothing put in": (given(asked(amount_in=0)), "closed cycle", "an input of 0", CYCLE),
    "no floor": (given(asked(min_profit=0)), "closed cycle", "a floor of 0", CYCLE),
    "value sent": (given(planned(value=1)), "closed cycle", "a value of 1 wei", CYCLE),
    "no gas": (given(planned(gas_limit=0)), "closed cycle", "a gas limit of 0", CYCLE),
    "two flaws at once": (
        given(asked(amount_in=0, min_profit=-1)),
        "closed cycle",
        "an input of 0; a floor of -1",
        CYCLE,
    ),
    "tokens off the list": (
        given(asked(route=ring(3)), policy=Policy(allowed_tokens=(stub.WETH, stub.USDC))),
        "token list",
        f"0x{1:040x}, 0x{2:040x}",
        f"{stub.WETH}, {stub.USDC}",
    ),
    "a list of no token": (
        given(policy=Policy(allowed_tokens=())),
        "token list",
        f"{stub.WETH}, {stub.USDC}",
        "none",
    ),
    "tokens set aside": (
        given(token_faults={stub.USDC: "it pauses", stub.WETH: "it taxes"}),
        "token safety",
        f"{stub.WETH}: it taxes; {stub.USDC}: it pauses",
        "tokens that were checked and found sound",
    ),
    "venues off the list": (
        given(policy=Policy(allowed_deployments=("curve", "uniswap_v2"))),
        "venue list",
        "uniswap_v3",
        "curve, uniswap_v2",
    ),
    "an older block": (
        given(head=stub.block(101)),
        "fresh proof",
        f"proved on block 100 {stub.block(100).hash}",
        f"block 101 {stub.block(101).hash}",
    ),
    "no price": (
        given(stub.proof(notional_wei=None)),
        "known price",
        f"no price for {stub.WETH}",
        "a price in the native coin",
    ),
    "too large": (
        given(policy=Policy(max_notional_wei=10**18 - 1)),
        "notional",
        f"{10**18} wei",
        f"{10**18 - 1} wei",
    ),
    "too little profit": (
        given(stub.proof(net_wei=10**13 - 1)),
        "least net profit",
        f"{10**13 - 1} wei",
        f"at least {10**13} wei",
    ),
    "too much gas": (
        given(policy=Policy(max_gas_wei=1)),
        "gas a trade",
        f"{300_000 * 112_500_001} wei",
        "1 wei",
    ),
    "a leap of the time": (
        given(book=Book(last=ChainTime(time_s=1_799_996_389, number=99))),
        "chain time",
        "timestamp 1800000000 in block 100",
        "at most 1799999999, after 1799996389 in block 99",
    ),
    "a cap": (given(book=HELD), "open intents", "5", "4"),
    "pools in flight": (
        given(in_flight=frozenset({*stub.ROUTE.pools, PoolId("0x9")})),
        "pools in flight",
        ", ".join(hop.pool for hop in stub.ROUTE.hops),
        "no pool of an open transaction",
    ),
}


@pytest.mark.parametrize("case", SAYS)
def test_a_refusal_says_what_was_measured_and_what_is_allowed(case: str) -> None:
    asked_of, rule, measured, limit = SAYS[case]
    breaches = [breach for breach in all_breaches(asked_of) if breach.rule == rule]
    assert [(breach.measured, breach.limit) for breach in breaches] == [(measured, limit)]
    assert breaches[0].next_step
    assert first_breach(asked_of) == all_breaches(asked_of)[0]


AT_THE_EDGE: dict[str, RuleInput] = {
    "the stub itself": given(),
    "as many hops as the contract takes": given(asked(route=ring(8))),
    "the smallest trade that can be": given(planned(request=replace(stub.request(), amount_in=1, min_profit=1))),
    "the least gas limit": given(planned(gas_limit=1)),
    "a notional at the cap": given(policy=Policy(max_notional_wei=10**18)),
    "a profit at the least": given(stub.proof(net_wei=10**13, realised=1)),
    "gas at the cap": given(policy=Policy(max_gas_wei=300_000 * 112_500_001)),
    "a time that is just borne out": given(book=Book(last=ChainTime(time_s=1_799_996_390, number=99))),
    "tokens on the list": given(policy=Policy(allowed_tokens=(stub.USDC, stub.WETH))),
    "own funds": given(planned(capital="own"), policy=Policy(max_exposure_wei=10**18)),
    "borrowed funds while reducing": given(state="REDUCING"),
    "other pools in flight": given(in_flight=frozenset({PoolId("0x9")})),
}


@pytest.mark.parametrize("case", AT_THE_EDGE)
def test_what_comes_to_a_limit_exactly_passes_every_rule(case: str) -> None:
    assert all_breaches(AT_THE_EDGE[case]) == []
    assert first_breach(AT_THE_EDGE[case]) is None


@pytest.mark.parametrize("unknown", ["notional_wei", "gross_wei", "net_wei"])
def test_one_unknown_amount_is_a_price_unknown(unknown: str) -> None:
    breach = first_breach(given(stub.proof(**{unknown: None})))
    assert breach is not None
    assert breach.rule == "known price"


def test_an_unknown_profit_is_counted_as_none_at_all() -> None:
    tight = given(stub.proof(net_wei=None, notional_wei=None), policy=Policy(min_net_profit_wei=1, max_notional_wei=0))
    assert [(b.rule, b.measured) for b in all_breaches(tight)] == [
        ("known price", f"no price for {stub.WETH}"),
        ("least net profit", "0 wei"),
    ]


def test_profit_in_the_coin_without_any_in_the_token_is_no_profit() -> None:
    breach = first_breach(given(stub.proof(realised=0)))
    assert breach is not None
    assert breach.rule == "least net profit"


def test_a_fee_that_is_mined_next_follows_the_base_fee_up_an_eighth_rounded_up() -> None:
    fees = {base: least_fee_wei(costing(base_fee_wei=base)) for base in (0, 1, 8, 9, 16)}
    assert fees == {0: 1, 1: 3, 8: 10, 9: 12, 16: 19}
    dear = costing(base_fee_wei=8, l1_fee_wei=7)
    assert (l1_worst_wei(dear), least_worst_wei(dear)) == (14, 300_000 * 10 + 14)


@pytest.mark.parametrize(
    ("fee_wei", "gas_units", "worst_wei"),
    [
        (0, 200_000, 2 * 7),
        (200_000, 200_000, 2 * (7 + 300_000)),  # the limit, 300,000 gas, is half as much again as was quoted
        (100_000, 700_000, 2 * (7 + 100_000)),  # more gas was quoted than the limit lets burn: the quote
        (1, 299_999, 2 * (7 + 2)),  # 1.000003 wei: rounded up
    ],
)
def test_an_operators_fee_is_at_its_worst_for_all_the_gas_that_may_burn(
    fee_wei: int, gas_units: int, worst_wei: int
) -> None:
    proof = stub.proof()
    costs = replace(proof.costs, l1_fee_wei=7, operator_fee_wei=fee_wei, gas_units=gas_units)
    assert proof.plan.gas_limit == 300_000
    assert l1_worst_wei(replace(proof, costs=costs)) == worst_wei


def test_a_cap_is_asked_with_the_trade_at_the_least_fee_that_works() -> None:
    worst = least_worst_wei(stub.proof())
    assert all_breaches(given(policy=Policy(gas_budget_per_day_wei=worst))) == []
    (breach,) = all_breaches(given(policy=Policy(gas_budget_per_day_wei=worst - 1)))
    assert (breach.rule, breach.measured) == ("gas budget a day", f"{worst} wei")


def test_no_token_at_fault_is_no_refusal() -> None:
    assert unsafe_tokens({}) is None


def test_every_breach_is_told_in_the_order_of_the_rules_and_the_first_decides() -> None:
    worst = given(
        planned(capital="own", value=1), state="HALTED", head=stub.block(101), book=HELD, in_flight=stub.ROUTE.pools
    )
    rules = [breach.rule for breach in all_breaches(worst)]
    assert rules == ["trading state", "closed cycle", "fresh proof", "open intents", "exposure", "pools in flight"]
    assert len(RULES) == 13 + len(CAPS)
