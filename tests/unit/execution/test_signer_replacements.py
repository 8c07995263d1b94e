"""What may take a signed nonce once more: the same call at higher fees, or nothing at all sent to itself."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from hexbytes import HexBytes

from engine.domain.errors import SigningRefused
from engine.execution.wallet import CANCEL_GAS, Fees, Signer
from engine.risk.halt import halt_reason, write_halt
from tests.unit.execution.test_signer import (
    CHAIN,
    EXECUTOR,
    GAS_LIMIT,
    KEY,
    MAX_FEE_WEI,
    STRANGER,
    TIP_WEI,
    TOKENS,
    approved,
    signer,
)

RAISED = {"max_fee_wei": 2 * MAX_FEE_WEI, "priority_fee_wei": 2 * TIP_WEI}
WORST_WEI = GAS_LIMIT * 2 * MAX_FEE_WEI


def fields(raw: bytes) -> dict[str, Any]:
    """Decode a signed transaction."""
    return TypedTransaction.from_bytes(HexBytes(raw)).as_dict()


def trade(nonce: int = 5) -> bytes:
    return signer().sign_trade(approved(), intent_id="intent-9", nonce=nonce).raw_tx


def sweep(by: Signer) -> bytes:
    fees = Fees(max_fee_wei=MAX_FEE_WEI, priority_fee_wei=1)
    made = by.sign_sweep(TOKENS[0], 1, fees=fees, intent_id="i", command_id="c", nonce=7, block_number=9)
    return made.raw_tx


def test_a_bump_says_what_was_signed_before_and_raises_nothing_but_the_fees() -> None:
    before, after = fields(trade()), fields(signer().sign_bump(trade(), **RAISED, worst_wei=WORST_WEI))
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"maxFeePerGas", "maxPriorityFeePerGas", "v", "r", "s"} - (
        {"v"} if before["v"] == after["v"] else set()
    )
    assert (after["maxFeePerGas"], after["maxPriorityFeePerGas"]) == (2 * MAX_FEE_WEI, 2 * TIP_WEI)


def test_a_bump_of_bytes_that_another_key_signed_is_refused() -> None:
    other = Signer("0x" + "43" * 32, chain=CHAIN, executor=EXECUTOR, max_gas_wei=lambda: 10**16, halted=lambda: None)
    with pytest.raises(SigningRefused, match="no call of ours"):
        signer().sign_bump(other.sign_trade(approved(), intent_id="i", nonce=5).raw_tx, **RAISED, worst_wei=WORST_WEI)


def test_a_bump_of_a_call_to_another_contract_is_refused() -> None:
    wanted = fields(trade()) | {"to": STRANGER, "accessList": []}
    raw = Account.from_key(KEY).sign_transaction({k: v for k, v in wanted.items() if k not in "vrs"}).raw_transaction
    with pytest.raises(SigningRefused, match="no call of ours"):
        signer().sign_bump(bytes(raw), **RAISED, worst_wei=WORST_WEI)


@pytest.mark.parametrize("worst_wei, max_gas_wei", [(WORST_WEI - 1, 10**16), (WORST_WEI, WORST_WEI - 1)])
def test_a_bump_above_the_reservation_or_the_cap_is_refused(worst_wei: int, max_gas_wei: int) -> None:
    raw = trade()
    with pytest.raises(SigningRefused, match="gas could cost more"):
        signer(max_gas_wei=max_gas_wei).sign_bump(raw, **RAISED, worst_wei=worst_wei)


def test_a_halt_refuses_the_bump_of_a_trade_and_lets_a_sweeps_pass(tmp_path: Path) -> None:
    key = signer(lambda: halt_reason(tmp_path))
    raw = trade()
    write_halt(tmp_path, principal="somebody", reason="smoke")
    with pytest.raises(SigningRefused, match="halted"):
        key.sign_bump(raw, **RAISED, worst_wei=WORST_WEI)
    key.sign_bump(sweep(key), **RAISED, worst_wei=WORST_WEI)


def test_a_cancel_sends_nothing_to_itself_even_when_halted() -> None:
    key = signer(lambda: "halted")
    said = fields(key.sign_cancel(5, **RAISED))
    assert (bytes(said["to"]).hex(), said["value"], bytes(said["data"])) == (key.address[2:], 0, b"")
    assert (said["gas"], said["nonce"], said["chainId"]) == (CANCEL_GAS, 5, CHAIN)
    assert (said["maxFeePerGas"], said["maxPriorityFeePerGas"]) == (2 * MAX_FEE_WEI, 2 * TIP_WEI)


def test_a_cancel_above_the_cap_is_refused() -> None:
    cap = CANCEL_GAS * RAISED["max_fee_wei"]
    signer(max_gas_wei=cap).sign_cancel(5, **RAISED)
    with pytest.raises(SigningRefused, match="gas could cost more"):
        signer(max_gas_wei=cap - 1).sign_cancel(5, **RAISED)


def test_a_bump_of_what_was_approved_needs_no_second_approval_and_is_no_second_trade() -> None:
    given = replace(approved(), worst_loss_wei=10 * WORST_WEI)
    raw = signer().sign_trade(given, intent_id="i", nonce=11).raw_tx
    assert fields(signer().sign_bump(raw, **RAISED, worst_wei=WORST_WEI))["nonce"] == 11
