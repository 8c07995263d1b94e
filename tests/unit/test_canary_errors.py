"""Thousands of ways to fail with a secret at hand: no error, no log and no traceback ever repeats any of it."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from eth_account import Account

from engine.config import load
from engine.domain.decision import Approved
from engine.domain.errors import KetchError, SigningRefused
from engine.execution.gas_day import CappedSigner, GasDay
from engine.execution.keys import unlock_hot_key
from engine.execution.signer_wire import SignTrade, asked_line
from engine.execution.wallet import Signer
from engine.key_sources import hot_key
from engine.risk.operator import create_operator, sign_resume
from engine.signer_process import _answer
from tests.canaries import HOT_KEY, PASSPHRASE, SECRET, forms, seen
from tests.unit.execution.test_signer import CHAIN, EXECUTOR, approved

EVERY = (HOT_KEY, PASSPHRASE, SECRET)
ROUNDS = 1000


def told(fails: Callable[[], object], *, traced: bool = True) -> bytes:
    """Fail, and return everything that could be shown of it; tracebacks take their time."""
    try:
        fails()
    except Exception as error:  # noqa: BLE001 - whatever it is, it must not tell
        shown = [str(error), repr(error), repr(error.args)]
        shown += traceback.format_exception(error) if traced else ()
        if isinstance(error, KetchError):
            shown += [error.line(), repr(error.measured), repr(error.limit), error.next_step]
        return "\n".join(shown).encode()
    return b""


def signer(state: Path) -> CappedSigner:
    own = Signer(HOT_KEY, chain=CHAIN, executor=EXECUTOR, max_gas_wei=lambda: 10**16, halted=lambda: None)
    day = GasDay(state / "gas", limit_wei=10**30, now_ns=lambda: 0)
    return CappedSigner(own, day=day, max_gas_wei=lambda: 10**16)


def odd(rng: Random, whole: Approved) -> Approved:
    """Put something that does not belong into one place of an approval."""
    values = (None, -1, 2**300, "0x", b"\xff", "0x" + "66" * 20, (), {}, 1.5, object())
    plan, value = whole.proof.plan, rng.choice(values)
    if rng.random() < 0.3:
        name = rng.choice(("max_fee_wei", "priority_fee_wei", "worst_loss_wei"))
        return replace(whole, **{name: value})  # type: ignore[arg-type]
    name = rng.choice(("to", "calldata", "value", "gas_limit", "deadline_s", "anchor", "capital", "lender", "request"))
    return replace(whole, proof=replace(whole.proof, plan=replace(plan, **{name: value})))  # type: ignore[arg-type]


def test_the_forms_of_a_canary_are_recognised() -> None:
    for secret in EVERY:
        for form, what in forms(secret).items():
            assert f"{secret[:8]}… as {form}" in seen(b"before " + what + b" after", [secret])


def test_a_signer_that_fails_says_nothing_of_its_key(tmp_path: Path) -> None:
    holder, rng, failed = signer(tmp_path), Random("signer"), 0
    for at in range(ROUNDS):
        given, nonce = odd(rng, approved()), rng.choice((0, -1, 2**70, "x", None))
        said = told(
            lambda given=given, nonce=nonce: holder.sign_trade(given, intent_id="i", nonce=nonce), traced=at % 50 == 0
        )
        failed += said != b""
        assert seen(said, EVERY) == []
    assert failed > ROUNDS // 2
    assert seen(repr(holder).encode() + repr(holder._signer).encode(), EVERY) == []


def test_the_signers_process_says_nothing_of_its_key(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    holder, rng = signer(tmp_path), Random("process")
    line = asked_line(SignTrade(approved=approved(), intent_id="i", nonce=0))
    with caplog.at_level(logging.DEBUG):
        answers = b"".join(
            _answer(line[: (at := rng.randrange(len(line)))] + rng.randbytes(2) + line[at + 2 :], holder)
            for _ in range(ROUNDS)
        )
    assert answers.count(b'"refused"') > ROUNDS // 2
    assert seen(answers + caplog.text.encode(), EVERY) == []


def test_sources_that_hold_a_broken_key_say_nothing_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = Random("sources")
    settings = load(tmp_path, environ={"KETCH_RPC": "http://127.0.0.1:9", "KETCH_WALLET__KEY": "environment"})
    for _ in range(300):
        at = rng.randrange(2, len(HOT_KEY))
        broken = (
            HOT_KEY + rng.choice(("0", " x", "\n\n1", HOT_KEY))
            if rng.random() < 0.5
            else HOT_KEY[:at] + "g" + HOT_KEY[at:]
        )
        monkeypatch.setattr("engine.key_sources._taken", {})
        monkeypatch.setenv("KETCH_HOT_KEY", broken)
        said = told(lambda: hot_key(settings, state=tmp_path, passphrase=str))
        assert said
        assert broken.encode() not in said
        assert seen(said, EVERY) == []


@pytest.mark.parametrize("name", ["KEY", "SIGNER", "SIGNER_GAS_PER_DAY_WEI", "WARN_BELOW_TRADES", "ENDPOINTS__BASE"])
def test_a_key_put_where_a_setting_belongs_is_not_repeated(tmp_path: Path, name: str) -> None:
    said = told(lambda: load(tmp_path, environ={"KETCH_RPC": "http://127.0.0.1:9", f"KETCH_WALLET__{name}": HOT_KEY}))
    assert said
    assert seen(said, EVERY) == []


def test_keystores_that_do_not_open_say_nothing_of_what_was_tried(tmp_path: Path) -> None:
    rng = Random("keystores")
    keystore = json.dumps(Account.encrypt(HOT_KEY, PASSPHRASE, kdf="scrypt", iterations=2)).encode()
    create_operator(tmp_path, SECRET, iterations=2)
    operator = (tmp_path / "operator.json").read_bytes()
    failed = 0
    for _ in range(200):
        at = rng.randrange(len(keystore))
        (tmp_path / "hot-key.json").write_bytes(keystore[:at] + rng.randbytes(1) + keystore[at + 1 :])
        said = told(lambda: unlock_hot_key(tmp_path, PASSPHRASE))
        at = rng.randrange(len(operator))
        (tmp_path / "operator.json").write_bytes(operator[:at] + rng.randbytes(1) + operator[at + 1 :])
        said += told(
            lambda: sign_resume(tmp_path, SECRET, principal="x", journal="0x", policy_hash="0x", expires_s=1, nonce="n")
        )
        failed += said != b""
        assert seen(said, EVERY) == []
    assert failed > 100


def test_a_fault_within_signing_shows_nothing_of_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    holder = signer(tmp_path)
    monkeypatch.setattr("engine.execution.wallet._compare", lambda raw, wanted: 1 // 0)
    try:
        holder.sign_trade(approved(), intent_id="i", nonce=0)
    except (ZeroDivisionError, SigningRefused) as error:
        with_locals = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
        assert "wanted = " in with_locals, "locals are shown"
        assert seen(with_locals.encode(), EVERY) == []
    else:
        pytest.fail("no fault came")
