"""`ketch signer` follows the journal: the key that signs, and the policy in force."""

from __future__ import annotations

from pathlib import Path

import pytest
from eth_account import Account

from engine.domain.errors import JournalError, SigningRefused
from engine.domain.units import Address
from engine.execution.following_signer import FollowingSigner
from engine.execution.wallet import Signer
from engine.journal.operators import OperatorTerm
from tests.unit.execution.test_signer import CHAIN, EXECUTOR

KEYS = ["0x" + "11" * 32, "0x" + "22" * 32]
ADDRESSES = [Address(Account.from_key(key).address.lower()) for key in KEYS]


def term(number: int) -> OperatorTerm:
    return OperatorTerm(number=number, address=ADDRESSES[number], since_seq=1 + number, from_block=0)


def signer_of(given: OperatorTerm) -> Signer:
    return Signer(KEYS[given.number], chain=CHAIN, executor=EXECUTOR, max_gas_wei=lambda: 10**16, halted=lambda: None)


def sender(raw: bytes) -> str:
    return str(Account.recover_transaction(raw)).lower()


def test_signs_with_the_key_that_the_journal_names_and_holds_its_lock_first() -> None:
    now, held = [term(0)], list[Address]()
    signer = FollowingSigner(lambda: now[0], signer_of, held.append)
    assert sender(signer.sign_cancel(0, max_fee_wei=10, priority_fee_wei=1)) == ADDRESSES[0]
    now[0] = term(1)
    assert sender(signer.sign_cancel(0, max_fee_wei=10, priority_fee_wei=1)) == ADDRESSES[1]
    assert (held, signer.address) == (ADDRESSES, ADDRESSES[1])


def test_signs_nothing_while_the_journal_cannot_be_read(tmp_path: Path) -> None:
    failing = [False]

    def asked() -> OperatorTerm:
        if failing[0]:
            raise JournalError(f"the journal at {tmp_path} cannot be read")
        return term(0)

    signer = FollowingSigner(asked, signer_of, lambda _: None)
    failing[0] = True
    with pytest.raises(SigningRefused, match="the journal's key cannot be read"):
        signer.sign_cancel(0, max_fee_wei=10, priority_fee_wei=1)
