"""The operator's secret on the disk, the words that are signed to resume, and whose signature something is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct

from engine.domain.commands import ApplyPolicy, Approve, Halt, Resume
from engine.domain.errors import ControlError
from engine.journal.journal import JOURNAL_FILE, Journal
from engine.journal.records import record_command
from engine.risk.operator import (
    KEYSTORE_FILE,
    check_secret,
    create_operator,
    operator_address,
    resume_message,
    signer_of,
    used_nonces,
    verify_resume,
)
from tests.unit import journal_stubs as stub

SECRET = "correct horse"
KEY = "0x" + "42" * 32
POLICY, JOURNAL = "0x" + "99" * 32, "0x" + "44" * 32
MESSAGE = encode_defunct(text="words")


def test_a_secret_is_whole_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[dict[str, object], bool]] = []

    def fsync(_: int) -> None:
        draft = json.loads((tmp_path / "operator.new").read_bytes())
        synced.append((draft, (tmp_path / KEYSTORE_FILE).exists()))

    monkeypatch.setattr("os.fsync", fsync)
    address = create_operator(tmp_path, SECRET, key=KEY, iterations=2)
    assert synced == [(json.loads((tmp_path / KEYSTORE_FILE).read_bytes()), False)]
    assert address == operator_address(tmp_path) == Account.from_key(KEY).address.lower()


def test_a_draft_that_a_crash_left_is_written_over_and_none_is_left(tmp_path: Path) -> None:
    (tmp_path / "operator.new").write_text("x" * 10_000)
    create_operator(tmp_path, SECRET, iterations=2)
    with pytest.raises(ControlError, match="already"):
        create_operator(tmp_path, SECRET, iterations=2)
    assert sorted(file.name for file in tmp_path.iterdir()) == [KEYSTORE_FILE]


def test_each_new_secret_is_another_one(tmp_path: Path) -> None:
    made = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        made.append(create_operator(tmp_path / name, SECRET, iterations=2))
    assert made[0] != made[1]


def test_a_secret_that_cannot_be_read_says_where_it_should_come_from(tmp_path: Path) -> None:
    (tmp_path / KEYSTORE_FILE).write_text("{ torn")
    with pytest.raises(ControlError, match="cannot be read") as torn:
        operator_address(tmp_path)
    assert torn.value.next_step == "restore it from your backup"
    (tmp_path / KEYSTORE_FILE).unlink()
    (tmp_path / KEYSTORE_FILE).mkdir()
    with pytest.raises(ControlError, match="cannot be read"):
        operator_address(tmp_path)


def test_a_passphrase_can_be_tried_without_signing_anything(tmp_path: Path) -> None:
    create_operator(tmp_path, SECRET, iterations=2)
    check_secret(tmp_path, SECRET)
    with pytest.raises(ControlError, match="does not open"):
        check_secret(tmp_path, "wrong")


def test_the_words_that_are_signed_hold_the_resume_to_one_engine_policy_time_and_use() -> None:
    message = resume_message(journal=JOURNAL, policy_hash=POLICY, expires_s=7, nonce="n1")
    assert message.body.decode().splitlines() == [
        "Ketch: resume trading",
        f"journal {JOURNAL}",
        f"policy {POLICY}",
        "expires 7",
        "nonce n1",
    ]


def test_a_refusal_names_who_signed_instead() -> None:
    message = resume_message(journal=JOURNAL, policy_hash=POLICY, expires_s=7, nonce="n1")
    forged = "0x" + bytes(Account.sign_message(message, KEY).signature).hex()
    who: dict[str, str] = {"": "no signature", forged: Account.from_key(KEY).address.lower()}
    for signature, named in who.items():
        resume = Resume(principal="x", policy_hash=POLICY, expires_s=7, nonce="n1", signature=signature)
        with pytest.raises(ControlError, match="not signed by the operator") as refused:
            verify_resume(
                resume,
                operator_secret=stub.OPERATOR,
                journal=JOURNAL,
                policy_hash=POLICY,
                now_s=6,
                used_nonces=(),
            )
        assert (refused.value.measured, refused.value.limit) == (named, stub.OPERATOR)


NOBODYS = {
    "nothing": "00" * 65,
    "nothing, but a v": "00" * 64 + "1b",
    "beyond the curve's order": "ff" * 64 + "1b",
    "an unknown v": "11" * 65,
}


@pytest.mark.parametrize("case", NOBODYS)
def test_bytes_that_are_no_point_of_the_curve_are_nobodys_signature(case: str) -> None:
    assert signer_of(MESSAGE, "0x" + NOBODYS[case]) is None
    genuine = "0x" + bytes(Account.sign_message(MESSAGE, KEY).signature).hex()
    assert signer_of(MESSAGE, genuine) == Account.from_key(KEY).address.lower()


def test_a_nonce_of_anything_that_the_operator_signed_is_used(tmp_path: Path) -> None:
    with Journal.open(tmp_path / JOURNAL_FILE, genesis=stub.GENESIS) as journal:
        assert used_nonces(journal) == frozenset()
        record_command(journal, Halt(principal="agent", reason="odd"))
        record_command(journal, Resume(principal="cli", policy_hash="", expires_s=0, nonce="n1", signature=""))
        record_command(journal, Approve(principal="cli", approval="a", expires_s=0, nonce="n2", signature=""))
        policy = ApplyPolicy(principal="cli", previous="", hash="", expires_s=0, nonce="n3", signature="")
        record_command(journal, policy)
        assert used_nonces(journal) == {"n1", "n2", "n3"}
