"""The engine beside a signer's process that is dead, slow, confused or somebody else."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.chains.executor_calls import encode_sweep
from engine.domain.decision import Approved, Submission
from engine.domain.errors import SignerAway, SigningRefused
from engine.execution.remote_signer import RemoteSigner
from engine.execution.signer_wire import (
    SIGNER_SOCKET_NAME,
    signed_line,
)
from engine.execution.wallet import Signer
from tests.unit import journal_stubs as stub
from tests.unit.execution.signer_sockets import FEES, capped, remote, served
from tests.unit.execution.test_signer import (
    CHAIN,
    EXECUTOR,
    MAX_FEE_WEI,
    TOKENS,
    approved,
    signer,
)


def test_a_dead_signer_is_away_for_a_second_and_then_asked_again(tmp_path: Path) -> None:
    away = remote(tmp_path / SIGNER_SOCKET_NAME)
    with pytest.raises(SignerAway, match="no signer's process"):
        away.sign_trade(approved(), intent_id="i", nonce=0)
    with served(tmp_path, capped(tmp_path)):
        assert eventually_signs(away).nonce == 0
    with pytest.raises(SignerAway):
        away.sign_trade(approved(), intent_id="i", nonce=1)


def eventually_signs(asking: RemoteSigner, within_s: float = 10.0) -> Submission:
    deadline = time.monotonic() + within_s
    while True:
        try:
            return asking.sign_trade(approved(), intent_id="i", nonce=0)
        except SignerAway:
            assert time.monotonic() < deadline


class Told:
    """A signer's process that says whatever it is told to, or nothing."""

    def __init__(self, state: Path, answer: Callable[[bytes], bytes | None]) -> None:
        self.path = state / SIGNER_SOCKET_NAME
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(self.path))
        self._listening.listen()
        self._answer = answer
        self._clients: list[socket.socket] = []
        self.asked: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        try:
            while True:
                client, _ = self._listening.accept()
                self._clients.append(client)
                line = client.makefile("rb").readline()
                self.asked.append(line)
                if (answer := self._answer(line)) is not None:
                    client.sendall(answer)
        except OSError:
            return

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for client in self._clients:
            client.close()


@contextmanager
def told(state: Path, answer: Callable[[bytes], bytes | None]) -> Generator[Told]:
    one = Told(state, answer)
    try:
        yield one
    finally:
        one.close()


def trade_signed_by(holder: Signer, given: Approved, nonce: int = 0) -> bytes:
    return signed_line(holder.sign_trade(given, intent_id="i", nonce=nonce))


def test_a_slow_signer_is_waited_for_so_long_once_and_its_late_answer_is_never_read(tmp_path: Path) -> None:
    with told(tmp_path, lambda line: None) as slow:
        asking = remote(slow.path, answer_within_s=0.2)
        began = time.monotonic()
        for nonce in (0, 1, 2):
            with pytest.raises(SignerAway, match="does not answer"):
                asking.sign_trade(approved(), intent_id="i", nonce=nonce)
        assert time.monotonic() - began < 1.5, "a round of trades waits once"
        assert len(slow.asked) == 1


def test_bytes_signed_for_an_earlier_request_are_not_taken_for_a_later_one(tmp_path: Path) -> None:
    late = trade_signed_by(signer(), approved(), nonce=0)
    with told(tmp_path, lambda line: late) as confused:
        with pytest.raises(SigningRefused, match="another nonce"):
            remote(confused.path).sign_trade(approved(), intent_id="i", nonce=1)
        assert remote(confused.path).sign_trade(approved(), intent_id="i", nonce=0).nonce == 0


STRANGER = Signer("0x" + "77" * 32, chain=CHAIN, executor=EXECUTOR, max_gas_wei=lambda: 10**18, halted=lambda: None)
WRONG: dict[str, tuple[bytes, str]] = {
    "another key": (trade_signed_by(STRANGER, approved()), "another sender"),
    "another call": (
        signed_line(
            signer().sign_sweep(TOKENS[0], 1, fees=FEES, intent_id="i", command_id="c", nonce=0, block_number=1)
        ),
        "another data",
    ),
    "another fee": (
        trade_signed_by(signer(), replace(approved(), max_fee_wei=MAX_FEE_WEI - 1)),
        "another fee",
    ),
    "no transaction": (
        signed_line(replace(stub.submission(), raw_tx=b"\x02\xff")),
        "no transaction",
    ),
    "bytes where a submission belongs": (signed_line(b"\x02"), "not what was asked for"),
    "null": (b'{"signed":null}\n', "not what was asked for"),
}


@pytest.mark.parametrize("what", WRONG)
def test_an_answer_that_was_not_asked_for_is_never_sent(tmp_path: Path, what: str) -> None:
    answer, why = WRONG[what]
    with told(tmp_path, lambda line: answer) as wrong, pytest.raises(SigningRefused, match=why):
        remote(wrong.path).sign_trade(approved(), intent_id="i", nonce=0)


@pytest.mark.parametrize(
    "answer", [b"hello\n", b"[]\n", b'{"ok":1}\n', b'{"refused":[]}\n', b"\xff\n", b"[" * 9999 + b"\n"]
)
def test_what_is_no_answer_is_an_absent_signer(tmp_path: Path, answer: bytes) -> None:
    with told(tmp_path, lambda line: answer) as babbling, pytest.raises(SignerAway):
        remote(babbling.path).sign_trade(approved(), intent_id="i", nonce=0)


def test_a_sweep_is_checked_against_the_one_that_was_asked_for(tmp_path: Path) -> None:
    asked: dict[str, Any] = {"intent_id": "i", "command_id": "c", "nonce": 0, "block_number": 1}
    answer = signed_line(signer().sign_sweep(TOKENS[1], 1, fees=FEES, **asked))
    assert encode_sweep(TOKENS[1], 1) != encode_sweep(TOKENS[0], 1)
    with told(tmp_path, lambda line: answer) as wrong, pytest.raises(SigningRefused, match="another data"):
        remote(wrong.path).sign_sweep(TOKENS[0], 1, fees=FEES, **asked)
