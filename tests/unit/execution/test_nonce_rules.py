"""What is done about a nonce that a block did not bring, and what a replacement pays: by rule, within the cap."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.decision import Fees
from engine.execution.nonces import (
    WAIT_BLOCKS,
    Move,
    Terms,
    Waiting,
    cancel_fees,
    next_move,
    replacement_fees,
    terms_of,
)
from engine.execution.wallet import CANCEL_GAS
from tests.unit.execution.test_signer import CALL, GAS_LIMIT, MAX_FEE_WEI, TIP_WEI, approved, signer

GWEI = 10**9
TERMS = Terms(
    nonce=5,
    gas_limit=300_000,
    fees=Fees(max_fee_wei=2 * GWEI, priority_fee_wei=GWEI // 10),
    deadline_s=1_000,
    min_profit=1,
)
FRESH = Waiting(
    first=TERMS,
    newest=TERMS,
    cancelling=False,
    blocks=1,
    now_s=1_000,
    base_fee_wei=GWEI,
    may_bump=True,
    cancel_wanted=False,
)
DEAR, LATE = 3 * GWEI, 1_001
CASES: dict[str, tuple[dict[str, object], Move]] = {
    "its own block is still to come": ({"blocks": 0}, "wait"),
    "a block went by without it": ({}, "again"),
    "the base fee rose above what it pays": ({"base_fee_wei": DEAR}, "bump"),
    "it waited too long": ({"blocks": WAIT_BLOCKS}, "bump"),
    "it cannot be mined and is not worth more": ({"base_fee_wei": DEAR, "may_bump": False}, "cancel"),
    "it waited, could be mined and is not worth more": ({"blocks": WAIT_BLOCKS, "may_bump": False}, "again"),
    "its deadline has passed": ({"now_s": LATE}, "cancel"),
    "its deadline has passed and its block is to come": ({"now_s": LATE, "blocks": 0}, "wait"),
    "a cancel was asked for": ({"cancel_wanted": True, "blocks": 0}, "cancel"),
    "its cancel went missing": ({"cancelling": True, "now_s": LATE}, "again"),
    "its cancel is stuck": ({"cancelling": True, "base_fee_wei": DEAR}, "cancel"),
    "its cancel waited too long": ({"cancelling": True, "blocks": WAIT_BLOCKS}, "cancel"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_next_move_when(case: str) -> None:
    changes, move = CASES[case]
    assert next_move(replace(FRESH, **changes)) == move  # type: ignore[arg-type]


def test_a_sweep_has_no_deadline_to_miss() -> None:
    sweep = replace(TERMS, deadline_s=None)
    assert next_move(replace(FRESH, first=sweep, newest=sweep, now_s=10**12)) == "again"


wei = st.integers(0, 10**13)


@given(before=wei, tip=wei, base_fee=wei, gas_limit=st.integers(21_000, 10**7), cap=st.integers(0, 10**18))
def test_a_replacement_is_taken_by_nodes_can_be_mined_and_stays_within_the_cap(
    before: int, tip: int, base_fee: int, gas_limit: int, cap: int
) -> None:
    fees = Fees(max_fee_wei=max(before, tip), priority_fee_wei=tip)
    after = replacement_fees(fees, base_fee_wei=base_fee, gas_limit=gas_limit, cap_wei=cap)
    if after is None:
        return
    assert after.max_fee_wei * 10 >= fees.max_fee_wei * 11 and after.max_fee_wei > fees.max_fee_wei
    assert after.priority_fee_wei * 10 >= tip * 11 and after.priority_fee_wei > tip
    assert after.priority_fee_wei <= after.max_fee_wei
    assert after.max_fee_wei >= base_fee + base_fee // 8  # the next block's base fee at most
    assert gas_limit * after.max_fee_wei <= cap


def test_a_cap_gives_up_headroom_first_and_then_forbids() -> None:
    before = Fees(max_fee_wei=1_000, priority_fee_wei=100)
    assert replacement_fees(before, base_fee_wei=900, gas_limit=10, cap_wei=10**9) == Fees(
        max_fee_wei=1_913, priority_fee_wei=113
    )
    assert replacement_fees(before, base_fee_wei=900, gas_limit=10, cap_wei=11_240) == Fees(
        max_fee_wei=1_124, priority_fee_wei=113
    )
    assert replacement_fees(before, base_fee_wei=900, gas_limit=10, cap_wei=11_229) is None


def test_a_cancel_is_affordable_long_after_the_trade_is_not() -> None:
    cap = GAS_LIMIT * MAX_FEE_WEI
    before = Fees(max_fee_wei=MAX_FEE_WEI, priority_fee_wei=TIP_WEI)
    assert replacement_fees(before, base_fee_wei=2 * MAX_FEE_WEI, gas_limit=GAS_LIMIT, cap_wei=cap) is None
    cancel = cancel_fees(before, base_fee_wei=2 * MAX_FEE_WEI, cap_wei=cap)
    assert cancel is not None
    assert CANCEL_GAS * cancel.max_fee_wei <= cap


def test_the_terms_are_what_was_signed() -> None:
    said = terms_of(signer().sign_trade(approved(), intent_id="i", nonce=5).raw_tx)
    assert (said.nonce, said.gas_limit, said.deadline_s, said.min_profit) == (
        5, GAS_LIMIT, CALL.deadline_s, CALL.min_profit
    )  # fmt: skip
    assert said.fees == Fees(max_fee_wei=MAX_FEE_WEI, priority_fee_wei=TIP_WEI)
    cancel = terms_of(signer().sign_cancel(7, max_fee_wei=2, priority_fee_wei=1))
    assert (cancel.nonce, cancel.gas_limit, cancel.deadline_s) == (7, CANCEL_GAS, None)
