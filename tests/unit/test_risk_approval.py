"""The operator's consent is good for one waiting trade, under one policy, in time and once; the words say which."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.domain.commands import Approve
from engine.domain.decision import Waiting
from engine.domain.errors import ControlError
from engine.domain.opportunity import TradeRequest
from engine.domain.units import Address
from engine.risk.approval import approval_message, in_words, request_digest, sign_approval, verify_approval
from engine.risk.operator import create_operator
from tests.unit import journal_stubs as stub

SECRET = "correct horse"
POLICY = "0x" + "99" * 32
JOURNAL = "0x" + "44" * 32
NOW_S = 1_800_000_000
ASKED = replace(stub.request(), principal="mcp-1", origin="agent")


def waits(request: TradeRequest = ASKED, **changes: Any) -> Waiting:
    given = {"approval": "a1", "policy_hash": POLICY, "expires_s": NOW_S + 60} | changes
    return Waiting(
        stamp=stub.stamp("w1"),
        request=request,
        command="c1",
        digest=request_digest(request, **given),
        notional_wei=2,
        limit_wei=1,
        **given,
    )


@pytest.fixture
def operator(tmp_path: Path) -> Address:
    return create_operator(tmp_path, SECRET, iterations=2)


def signed(state: Path, waiting: Waiting, **changes: Any) -> Approve:
    given = {"journal": JOURNAL, "expires_s": NOW_S + 30, "nonce": "n1"} | changes
    return sign_approval(state, SECRET, waiting, principal="cli", **given)


def verify(approve: Approve, waiting: Waiting, operator: Address, **changes: Any) -> None:
    given: dict[str, Any] = {"journal": JOURNAL, "policy_hash": POLICY, "now_s": NOW_S, "used_nonces": ()}
    verify_approval(approve, waiting, operator_secret=operator, **given | changes)


def test_the_operators_signature_lets_the_trade_through_that_it_names(tmp_path: Path, operator: Address) -> None:
    approve = signed(tmp_path, waits())
    assert (approve.approval, approve.principal, approve.expires_s, approve.nonce) == ("a1", "cli", NOW_S + 30, "n1")
    verify(approve, waits(), operator)
    verify(approve, waits(), operator, now_s=NOW_S + 29, used_nonces=("n0", "n2"))


LARGER = waits(replace(ASKED, amount_in=ASKED.amount_in + 1))
UNSIGNED = "not signed by the operator"
WRONG: dict[str, tuple[str, dict[str, Any], Waiting, dict[str, Any], object, object]] = {
    "a trade of another amount": (UNSIGNED, {}, LARGER, {}, ..., ...),
    "a trade with a lower floor": (UNSIGNED, {}, waits(replace(ASKED, min_profit=1)), {}, ..., ...),
    "another agent's trade": (UNSIGNED, {}, waits(replace(ASKED, principal="mcp-2")), {}, ..., ...),
    "the same trade in another waiting place": (UNSIGNED, {}, waits(approval="a2"), {}, ..., ...),
    "another journal": (UNSIGNED, {}, waits(), {"journal": POLICY}, ..., ...),
    "a later expiry than was signed": (UNSIGNED, {"expires_s": NOW_S + 31}, waits(), {}, ..., ...),
    "another nonce than was signed": (UNSIGNED, {"nonce": "n2"}, waits(), {}, ..., ...),
    "no signature": (UNSIGNED, {"signature": ""}, waits(), {}, "no signature", ...),
    "a policy that changed since": ("another policy", {}, waits(), {"policy_hash": JOURNAL}, POLICY, JOURNAL),
    "a signature past its time": (
        "expired",
        {},
        waits(),
        {"now_s": NOW_S + 30},
        f"now {NOW_S + 30}",
        f"before {NOW_S + 30}",
    ),
    "a trade that waited too long": (
        "expired",
        {"expires_s": NOW_S + 99},
        waits(),
        {"now_s": NOW_S + 60},
        f"now {NOW_S + 60}",
        f"before {NOW_S + 60}",
    ),
    "a signature used before": ("used before", {}, waits(), {"used_nonces": ("n1",)}, "nonce n1", ...),
}


@pytest.mark.parametrize("case", WRONG)
def test_consent_is_refused_for(tmp_path: Path, operator: Address, case: str) -> None:
    why, forged, waiting, given, measured, limit = WRONG[case]
    approve = replace(signed(tmp_path, waits()), **forged)
    with pytest.raises(ControlError, match=why) as refused:
        verify(approve, waiting, operator, **given)
    assert refused.value.code == "approval_refused"
    assert refused.value.next_step
    assert measured is ... or refused.value.measured == measured
    assert limit is ... or refused.value.limit == limit


def test_another_key_is_no_operators(tmp_path: Path, operator: Address) -> None:
    with pytest.raises(ControlError, match=UNSIGNED) as refused:
        verify(signed(tmp_path, waits()), waits(), stub.OPERATOR)
    assert (refused.value.measured, refused.value.limit) == (operator, stub.OPERATOR)


def test_nothing_is_signed_when_the_trade_shown_is_not_the_trade_whose_digest_is_asked(
    tmp_path: Path, operator: Address
) -> None:
    for lie in (replace(waits(), request=LARGER.request), replace(waits(), expires_s=NOW_S + 61)):
        with pytest.raises(ControlError, match="another trade than the one shown") as refused:
            signed(tmp_path, lie)
        assert refused.value.measured == lie.digest != refused.value.limit


def test_the_digest_is_of_everything_that_makes_the_trade() -> None:
    given = {"approval": "a1", "policy_hash": POLICY, "expires_s": 1}
    other_route = replace(stub.ROUTE, hops=stub.ROUTE.hops[::-1])
    requests = [replace(ASKED, **each) for each in CHANGES] + [replace(ASKED, route=other_route), ASKED]
    digests = {request_digest(request, **given) for request in requests}
    digests |= {
        request_digest(ASKED, **given | other)
        for other in ({"approval": "a2"}, {"policy_hash": JOURNAL}, {"expires_s": 2})
    }
    assert len(digests) == len(requests) + 3
    assert {len(digest) for digest in digests} == {66}
    again = replace(ASKED, stamp=stub.stamp("q2"))
    assert request_digest(again, **given) == request_digest(ASKED, **given)


CHANGES: tuple[dict[str, Any], ...] = ({"principal": "mcp-2"}, {"amount_in": 7}, {"min_profit": 7})


def test_the_person_who_signs_reads_the_trade_in_words_and_what_holds_it_to_this_engine() -> None:
    first, second = stub.ROUTE.hops
    words = (
        f"mcp-1 asks for a closed cycle of 2 swaps through the executor: put in {10**18} raw units of {stub.WETH}; "
        f"swap {stub.WETH} into {stub.USDC} in pool {first.pool}, then {stub.USDC} into {stub.WETH} in pool "
        f"{second.pool}; end with all of it and a profit of at least {9 * 10**15} raw units, or not at all"
    )
    assert in_words(ASKED) == words
    text = approval_message(waits(), journal=JOURNAL, expires_s=NOW_S + 30, nonce="n1").body.decode()
    assert text.splitlines() == [
        "Ketch: approve one trade",
        words,
        "approval a1",
        f"request {waits().digest}",
        f"journal {JOURNAL}",
        f"policy {POLICY}",
        f"expires {NOW_S + 30}",
        "nonce n1",
    ]
