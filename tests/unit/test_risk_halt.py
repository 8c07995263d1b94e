"""Anyone halts, at once and for good; only the operator's signature, once and in time, trades again."""

import os
import stat
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.commands import Halt, Resume
from engine.domain.errors import ControlError
from engine.domain.units import Address
from engine.journal.journal import Journal
from engine.journal.records import record_state
from engine.risk.halt import HALT_FILE, halt_reason, lift_halt, take_halt, trading_state, write_halt
from engine.risk.operator import (
    KEYSTORE_FILE,
    create_operator,
    operator_address,
    resume_message,
    sign_resume,
    take_resume,
    used_nonces,
    verify_resume,
)
from tests.unit import journal_stubs as stub

PASSPHRASE = "correct horse"
POLICY = "0x" + "99" * 32
NOW = 1_800_000_000


@pytest.fixture
def journal(tmp_path: Path) -> Generator[Journal]:
    secret = create_operator(tmp_path, PASSPHRASE, iterations=2)
    with Journal.open(tmp_path / "journal.sqlite", genesis=stub.GENESIS | {"operator_secret": secret}) as opened:
        yield opened


def signed(journal: Journal, *, passphrase: str = PASSPHRASE, nonce: str = "n1", expires_s: int = NOW + 60) -> Resume:
    return sign_resume(
        journal.path.parent,
        passphrase,
        principal="cli",
        journal=next(journal.entries(limit=1)).hash,
        policy_hash=POLICY,
        expires_s=expires_s,
        nonce=nonce,
    )


def taken(journal: Journal, resume: Resume, *, now_s: int = NOW) -> None:
    take_resume(resume, journal=journal, state=journal.path.parent, policy_hash=POLICY, now_s=now_s, block=stub.block())


def test_a_journal_without_a_word_on_it_is_halted(journal: Journal) -> None:
    assert trading_state(journal, journal.path.parent) == "HALTED"


def test_a_halt_stands_through_everything_but_the_operators_signature(journal: Journal) -> None:
    state = journal.path.parent
    taken(journal, signed(journal))
    assert trading_state(journal, state) == "ACTIVE"
    assert (
        take_halt(Halt(principal="agent", reason="odd"), journal=journal, state=state, block=stub.block()) == "HALTED"
    )
    assert halt_reason(state) == "odd (by agent)"
    record_state(journal, "ACTIVE", principal="agent", reason="please", block=stub.block())
    assert trading_state(journal, state) == "HALTED"
    with Journal.read(journal.path) as reader:
        assert trading_state(reader, state) == "HALTED"
    taken(journal, signed(journal, nonce="n2"))
    assert trading_state(journal, state) == "ACTIVE"
    assert halt_reason(state) is None


def test_a_halt_is_on_the_disk_when_it_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forced: list[int] = []
    monkeypatch.setattr("os.fsync", lambda descriptor: forced.append(os.fstat(descriptor).st_ino))
    write_halt(tmp_path, principal="cli", reason="odd")
    assert forced == [(tmp_path / HALT_FILE).stat().st_ino, tmp_path.stat().st_ino]  # what it says, then its name


def test_reducing_tightens_and_never_loosens(journal: Journal) -> None:
    state, reduce = journal.path.parent, Halt(principal="agent", reason="odd", reducing=True)
    assert take_halt(reduce, journal=journal, state=state, block=stub.block()) == "HALTED"
    taken(journal, signed(journal))
    assert take_halt(reduce, journal=journal, state=state, block=stub.block()) == "REDUCING"
    assert trading_state(journal, state) == "REDUCING"
    write_halt(state, principal="person", reason="stop")
    assert take_halt(reduce, journal=journal, state=state, block=stub.block()) == "HALTED"
    lift_halt(state)
    assert trading_state(journal, state) == "HALTED"


def test_whatever_looks_like_a_halt_file_is_one(tmp_path: Path) -> None:
    assert halt_reason(tmp_path) is None
    halt = tmp_path / HALT_FILE
    for content in (b"", b"\xff\xfe", b"[]", b"{}", b"stop"):
        halt.write_bytes(content)
        assert halt_reason(tmp_path) == "a halt file stands in the state folder"
    halt.unlink()
    halt.symlink_to(tmp_path / "nowhere")
    assert halt_reason(tmp_path) is not None
    halt.unlink()
    halt.mkdir()
    assert halt_reason(tmp_path) is not None
    assert halt_reason(tmp_path / "gone") == f"the state folder {tmp_path / 'gone'} is gone"


def test_the_first_halt_keeps_its_reason(tmp_path: Path) -> None:
    write_halt(tmp_path, principal="person", reason="first")
    write_halt(tmp_path, principal="agent", reason="second")
    assert halt_reason(tmp_path) == "first (by person)"
    with pytest.raises(ControlError, match="cannot be written"):
        write_halt(tmp_path / "nowhere", principal="person", reason="x")


def test_the_secret_is_on_disk_under_its_passphrase_only(journal: Journal) -> None:
    state = journal.path.parent
    file = state / KEYSTORE_FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    key = bytes(Account.decrypt(file.read_text(), PASSPHRASE))
    assert key.hex() not in file.read_text()
    assert key not in journal.path.read_bytes()
    assert operator_address(state) == Account.from_key(key).address.lower()
    assert not file.with_suffix(".new").exists()


def test_a_secret_is_never_overwritten(journal: Journal) -> None:
    state = journal.path.parent
    before = (state / KEYSTORE_FILE).read_bytes()
    with pytest.raises(ControlError, match="already"):
        create_operator(state, "another", iterations=2)
    assert (state / KEYSTORE_FILE).read_bytes() == before
    with pytest.raises(ControlError, match="passphrase"):
        create_operator(state, "")
    with pytest.raises(ControlError, match="run ketch init"):
        operator_address(state / "nowhere")
    with pytest.raises(ControlError, match="cannot be written"):
        create_operator(state / "nowhere", "another", iterations=2)


def test_refuses_a_wrong_passphrase(journal: Journal) -> None:
    with pytest.raises(ControlError, match="does not open"):
        signed(journal, passphrase="wrong")


def test_refuses_a_replayed_resume(journal: Journal) -> None:
    resume = signed(journal)
    taken(journal, resume)
    assert used_nonces(journal) == {"n1"}
    write_halt(journal.path.parent, principal="agent", reason="again")
    with pytest.raises(ControlError, match="used before"):
        taken(journal, resume)
    assert trading_state(journal, journal.path.parent) == "HALTED"


def test_refuses_an_expired_resume(journal: Journal) -> None:
    with pytest.raises(ControlError, match="expired"):
        taken(journal, signed(journal, expires_s=NOW))
    with pytest.raises(ControlError, match="not signed by the operator"):
        taken(journal, replace(signed(journal, expires_s=NOW), expires_s=NOW + 60))


def test_refuses_a_resume_of_another_policy(journal: Journal) -> None:
    other = replace(signed(journal), policy_hash="0x" + "00" * 32)
    with pytest.raises(ControlError, match="another policy"):
        taken(journal, other)
    with pytest.raises(ControlError, match="not signed by the operator"):
        verify(journal, other, policy_hash=other.policy_hash)


def test_refuses_a_resume_of_another_engine(journal: Journal) -> None:
    with pytest.raises(ControlError, match="not signed by the operator"):
        verify(journal, signed(journal), history="0x" + "00" * 32)


def test_refuses_a_forged_resume(journal: Journal) -> None:
    genuine = signed(journal)
    history = next(journal.entries(limit=1)).hash
    message = resume_message(journal=history, policy_hash=POLICY, expires_s=NOW + 60, nonce="n1")
    forged = Account.create().sign_message(message)
    for signature in ("0x" + bytes(forged.signature).hex(), "", "0x", "0x00", "nonsense", genuine.signature[:-2]):
        with pytest.raises(ControlError, match="not signed by the operator"):
            taken(journal, replace(genuine, signature=signature))
    for changed in (replace(genuine, nonce="n2"), replace(genuine, nonce="n1\nnonce n2")):
        with pytest.raises(ControlError, match="not signed by the operator"):
            taken(journal, changed)
    assert journal.count("command") == 0


def verify(journal: Journal, resume: Resume, *, history: str | None = None, policy_hash: str = POLICY) -> None:
    genesis = next(journal.entries(limit=1))
    verify_resume(
        resume,
        operator_secret=Address(genesis.body["operator_secret"]),
        journal=history or genesis.hash,
        policy_hash=policy_hash,
        now_s=NOW,
        used_nonces=(),
    )


@given(st.one_of(st.text(), st.binary(min_size=60, max_size=70).map(lambda data: "0x" + data.hex())))
def test_no_bytes_at_all_pass_for_the_operators_signature(signature: str) -> None:
    resume = Resume(principal="agent", policy_hash=POLICY, expires_s=NOW + 1, nonce="n", signature=signature)
    with pytest.raises(ControlError, match="not signed by the operator"):
        verify_resume(
            resume,
            operator_secret=Address("0x" + "11" * 20),
            journal="0x00",
            policy_hash=POLICY,
            now_s=NOW,
            used_nonces=(),
        )
