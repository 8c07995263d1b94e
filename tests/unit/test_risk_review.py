"""One door: a trade passes every rule or is refused with what was measured, the limit, and what to do."""

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from engine.domain.decision import Approved, Decision, Refused
from engine.domain.opportunity import Hop, Proof, Route
from engine.domain.units import ChainId, PoolId
from engine.journal.journal import Journal
from engine.risk.book import Breach, Worth
from engine.risk.limits import LimitLedger
from engine.risk.policy import Policy
from engine.risk.review import review
from engine.risk.rules import RULES, least_fee_wei, least_worst_wei
from tests.unit import journal_stubs as stub
from tests.unit.journal_stubs import GWEI

POLICY = Policy()


@pytest.fixture
def ledger(tmp_path: Path) -> Generator[LimitLedger]:
    with Journal.open(tmp_path / "journal.sqlite", genesis=stub.GENESIS) as journal:
        yield LimitLedger(journal)


def reviewed(ledger: LimitLedger, proof: Proof | None = None, *, policy: Policy = POLICY, **changes: Any) -> Decision:
    given: dict[str, Any] = {"state": "ACTIVE", "head": stub.block(), "stamp": stub.stamp("d1", "p1")}
    return review(proof or stub.proof(), policy=policy, ledger=ledger, **given | changes)


def refusal(decision: Decision) -> Refused:
    assert isinstance(decision, Refused), decision
    assert decision.measured
    assert decision.limit
    assert decision.next_step
    return decision


def planned(**changes: Any) -> Proof:
    return replace(stub.proof(), plan=replace(stub.proof().plan, **changes))


def asked(**changes: Any) -> Proof:
    return planned(request=replace(stub.request(), **changes))


def costing(**changes: Any) -> Proof:
    return replace(stub.proof(), costs=replace(stub.proof().costs, **changes))


def policy(**changes: Any) -> Policy:
    return Policy(**POLICY.model_dump() | changes)


def test_approves_what_passes_every_rule_and_reserves_its_worst_loss(ledger: LimitLedger) -> None:
    proof = costing(base_fee_wei=GWEI, priority_fee_wei=GWEI)
    decision = reviewed(ledger, proof)
    assert isinstance(decision, Approved)
    assert decision.max_fee_wei == 3 * GWEI
    assert decision.priority_fee_wei == GWEI
    assert decision.worst_loss_wei == 300_000 * 3 * GWEI
    assert decision.policy_hash == POLICY.digest()
    assert ledger.held() == [decision.reservation]
    book = ledger.book(stub.block())
    assert (book.held_wei, book.open) == (decision.worst_loss_wei, 1)


OWN = planned(capital="own")
AGENT = asked(principal="mcp-1", origin="agent")
LINE = Route(hops=(*stub.ROUTE.hops[:1], Hop(pool=PoolId("0x3"), token_in=stub.USDC, token_out=stub.TREASURY)))
REFUSED: dict[str, tuple[str, Proof, Policy, dict[str, Any]]] = {
    "a halted engine": ("trading state", stub.proof(), POLICY, {"state": "HALTED"}),
    "own funds while reducing": ("trading state", OWN, POLICY, {"state": "REDUCING"}),
    "a chain off the list": ("chain list", stub.proof(), policy(allowed_chains=(1,)), {}),
    "a head of another chain": ("chain list", stub.proof(), POLICY, {"head": replace(stub.block(), chain=ChainId(1))}),
    "an open route": ("closed cycle", asked(route=LINE), POLICY, {}),
    "a floor of nothing": ("closed cycle", asked(min_profit=0), POLICY, {}),
    "an input of nothing": ("closed cycle", asked(amount_in=0), POLICY, {}),
    "native coin sent along": ("closed cycle", planned(value=1), POLICY, {}),
    "no gas at all": ("closed cycle", planned(gas_limit=0), POLICY, {}),
    "a token off the list": ("token list", stub.proof(), policy(allowed_tokens=(stub.WETH,)), {}),
    "a venue off the list": ("venue list", stub.proof(), policy(allowed_deployments=("uniswap_v2",)), {}),
    "a proof of an older block": ("fresh proof", stub.proof(), POLICY, {"head": stub.block(101)}),
    "a block that left the chain": ("fresh proof", stub.proof(), POLICY, {"head": replace(stub.block(), hash="0x1")}),
    "an unknown price": ("known price", stub.proof(gross_wei=None, notional_wei=None, net_wei=None), POLICY, {}),
    "a notional above the cap": ("notional", stub.proof(notional_wei=POLICY.max_notional_wei + 1), POLICY, {}),
    "a profit below the least": ("least net profit", stub.proof(net_wei=10**13 - 1), POLICY, {}),
    "a profit of nothing": ("least net profit", stub.proof(realised=0), POLICY, {}),
    "gas above a trade's cap": ("gas a trade", costing(base_fee_wei=12 * GWEI), POLICY, {}),
    "gas above the day's budget": ("gas budget a day", stub.proof(), policy(gas_budget_per_day_wei=GWEI), {}),
    "a loss above the day's limit": ("loss a day", stub.proof(), policy(max_loss_per_day_wei=GWEI), {}),
    "a token that was set aside": ("token safety", stub.proof(), POLICY, {"token_faults": {stub.WETH: "it taxes"}}),
    "a pool that an open trade moves": ("pools in flight", stub.proof(), POLICY, {"in_flight": stub.ROUTE.pools}),
    "one open trade too many": ("open intents", stub.proof(), POLICY, {"open_intents": 4}),
    "a day's notional": ("notional a day", stub.proof(), policy(max_notional_per_day_wei=10**18 - 1), {}),
    "a token's notional": (
        "notional of a token a day",
        stub.proof(),
        policy(max_notional_per_token_per_day_wei=10**18 - 1),
        {},
    ),
    "a venue's notional": (
        "notional at a venue a day",
        stub.proof(),
        policy(max_notional_per_venue_per_day_wei=10**18 - 1),
        {},
    ),
    "own capital above the exposure": ("exposure", OWN, policy(max_exposure_wei=10**18 - 1), {}),
    "an agent's notional": ("an agent's notional a day", AGENT, policy(agent_notional_per_day_wei=10**18 - 1), {}),
    "an agent's gas": ("an agent's gas a day", AGENT, policy(agent_gas_per_day_wei=GWEI), {}),
    "the gas of all agents": ("all agents' gas a day", AGENT, policy(agents_gas_per_day_wei=GWEI), {}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses(ledger: LimitLedger, case: str) -> None:
    rule, proof, limits, given = REFUSED[case]
    assert refusal(reviewed(ledger, proof, policy=limits, **given)).rule == rule
    assert ledger.held() == []
    assert ledger.journal.head[0] == 1


NEEDS_A_HISTORY = {"losses in a row", "trades a minute", "an agent's trades a minute", "chain time"}
"""Refused in test_risk_limits.py and test_risk_trips.py, where a trade came before."""


def test_every_rule_has_a_case_that_it_refuses() -> None:
    assert len({rule for rule, *_ in REFUSED.values()} | NEEDS_A_HISTORY) == len(RULES)


def test_borrowed_capital_still_trades_while_reducing(ledger: LimitLedger) -> None:
    assert isinstance(reviewed(ledger, state="REDUCING"), Approved)


def test_limits_themselves_are_within_the_limits(ledger: LimitLedger) -> None:
    proof = stub.proof(notional_wei=10**18, net_wei=10**13)
    tight = policy(
        max_notional_wei=10**18,
        max_gas_wei=least_worst_wei(proof),
        gas_budget_per_day_wei=least_worst_wei(proof),
        max_loss_per_day_wei=least_worst_wei(proof),
        max_open_intents=1,
        allowed_tokens=(stub.WETH, stub.USDC),
        allowed_deployments=("uniswap_v2", "uniswap_v3"),
    )
    decision = reviewed(ledger, proof, policy=tight)
    assert isinstance(decision, Approved)
    assert decision.max_fee_wei == least_fee_wei(proof)
    assert refusal(reviewed(ledger, proof, policy=tight)).rule == "open intents"


@pytest.mark.parametrize("cap", ["max_gas_wei", "gas_budget_per_day_wei", "max_loss_per_day_wei"])
def test_the_bid_never_takes_a_transaction_past_a_cap(ledger: LimitLedger, cap: str) -> None:
    proof = costing(base_fee_wei=GWEI, priority_fee_wei=1_000 * GWEI)
    limit = 300_000 * 2 * GWEI
    decision = reviewed(ledger, proof, policy=policy(**{cap: limit}))
    assert isinstance(decision, Approved)
    assert decision.worst_loss_wei <= limit
    assert decision.max_fee_wei >= GWEI + GWEI // 8 + decision.priority_fee_wei
    assert decision.priority_fee_wei == 2 * GWEI - GWEI - GWEI // 8


def test_twice_the_l1_fee_is_reserved_with_the_gas(ledger: LimitLedger) -> None:
    decision = reviewed(ledger, costing(l1_fee_wei=7 * GWEI))
    assert isinstance(decision, Approved)
    assert decision.worst_loss_wei == 300_000 * decision.max_fee_wei + 14 * GWEI


def test_the_l1_fee_is_taken_from_the_room_under_a_cap_before_the_bid(ledger: LimitLedger) -> None:
    proof = costing(base_fee_wei=GWEI, priority_fee_wei=1_000 * GWEI, l1_fee_wei=60_000 * GWEI)
    limit = 300_000 * 2 * GWEI
    decision = reviewed(ledger, proof, policy=policy(max_gas_wei=limit))
    assert isinstance(decision, Approved)
    assert decision.max_fee_wei == 2 * GWEI - 2 * 60_000 * GWEI // 300_000
    assert decision.worst_loss_wei == limit


def test_the_proofs_own_price_is_kept_to_value_what_the_trade_earns(ledger: LimitLedger) -> None:
    decision = reviewed(ledger, stub.proof(gross_wei=3 * 10**16, realised=10**16))
    assert isinstance(decision, Approved)
    assert ledger.worth_of(decision.reservation) == Worth(wei=3 * 10**16, raw=10**16)


def test_where_the_ledger_itself_says_no_the_trade_is_refused_in_its_words(
    ledger: LimitLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    breach = Breach(rule="loss a day", measured="2 wei", limit="1 wei", next_step="wait")
    monkeypatch.setattr(ledger, "reserve", lambda *_, **__: breach)
    refused = refusal(reviewed(ledger))
    assert (refused.rule, refused.measured, refused.limit, refused.next_step) == (
        "loss a day",
        "2 wei",
        "1 wei",
        "wait",
    )
    assert refused.request == stub.request()


def test_the_policy_hash_changes_with_any_limit() -> None:
    changed = [policy(max_open_intents=5), policy(allowed_tokens=()), policy(bid_share_ppm=1), POLICY]
    assert len({each.digest() for each in changed}) == len(changed)
    again = Policy(allowed_chains=(42161, 1, 10, 8453, 1))
    assert again.digest() == POLICY.digest()


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_notional_wei": 0.5},
        {"max_notional_wei": "0.5"},
        {"max_notional_wei": True},
        {"max_gas_wei": -1},
        {"min_net_profit_wei": 0},
        {"bid_share_ppm": 1_000_001},
        {"max_gas": 1},
        {"allowed_tokens": ["WETH"]},
        {"max_open_intents": 0},
    ],
    ids=str,
)
def test_a_policy_with_a_mistake_in_units_or_names_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Policy(**wrong)


def test_a_policy_takes_amounts_as_text_since_settings_come_as_text() -> None:
    assert Policy(max_gas_wei="4_000_000_000_000_000") == POLICY  # type: ignore[arg-type]
