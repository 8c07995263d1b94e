"""The hot key in a process of its own, as the engine sees it: ask over its socket, and believe nothing unread."""

import os
import socket
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_utils.crypto import keccak
from hexbytes import HexBytes

from engine.chains.executor_calls import encode_sweep
from engine.control_path import reachable
from engine.domain.decision import Approved, Fees, Submission
from engine.domain.errors import JournalError, SignerAway, SigningRefused
from engine.domain.units import Address, ChainId
from engine.execution.signer_wire import (
    MAX_LINE_BYTES,
    Asked,
    SignBump,
    SignCancel,
    SignSweep,
    SignTrade,
    asked_line,
    read_answer,
)
from engine.journal.canonical import decode

ANSWER_WITHIN_S = 1.0
AWAY_S = 1.0
"""After no answer the signer is left alone for so long: a round of trades waits for it once, not once a trade."""


class RemoteSigner:
    """Asks the signer's process; each request has a connection of its own, so that a late answer is never read.

    What was signed and not received is nowhere on disk, so it is never sent and its nonce is free. Raises
    `SignerAway` when there is no answer in time, `SigningRefused` for a refusal and for an answer that was not asked.
    """

    def __init__(
        self,
        path: Path,
        *,
        address: Address,
        chain: ChainId,
        executor: Address,
        answer_within_s: float = ANSWER_WITHIN_S,
    ) -> None:
        self._path = path
        self._address = address
        self._chain = chain
        self._executor = executor
        self._answer_within_s = answer_within_s
        self._away: tuple[float, SignerAway] | None = None

    @property
    def address(self) -> Address:
        return self._address

    def sign_trade(self, approved: Approved, *, intent_id: str, nonce: int) -> Submission:
        """Have signed what was approved."""
        plan = approved.proof.plan
        asked = replace(approved, bid_limits=())  # why the bid was no higher is nothing that a signer needs to know
        made = self._submission(SignTrade(approved=asked, intent_id=intent_id, nonce=nonce))
        fees = Fees(max_fee_wei=approved.max_fee_wei, priority_fee_wei=approved.priority_fee_wei)
        self._check(made.raw_tx, to=plan.to, data=plan.calldata, nonce=nonce, fees=fees)
        return _named(made, intent_id, approved.stamp.id, nonce, approved.proof.block.number)

    def sign_sweep(
        self, token: Address, amount: int, *, fees: Fees, intent_id: str, command_id: str, nonce: int, block_number: int
    ) -> Submission:
        """Have a sweep to the treasury signed."""
        asked = SignSweep(
            token=token,
            amount=amount,
            fees=fees,
            intent_id=intent_id,
            command_id=command_id,
            nonce=nonce,
            block_number=block_number,
        )
        made = self._submission(asked)
        self._check(made.raw_tx, to=self._executor, data=encode_sweep(token, amount), nonce=nonce, fees=fees)
        return _named(made, intent_id, command_id, nonce, block_number)

    def sign_bump(self, raw_tx: bytes, *, max_fee_wei: int, priority_fee_wei: int, worst_wei: int) -> bytes:
        """Have a call of its own signed once more at other fees."""
        fees = Fees(max_fee_wei=max_fee_wei, priority_fee_wei=priority_fee_wei)
        raw = self._bytes(
            SignBump(raw_tx=raw_tx, worst_wei=worst_wei, max_fee_wei=max_fee_wei, priority_fee_wei=priority_fee_wei)
        )
        earlier = TypedTransaction.from_bytes(HexBytes(raw_tx)).as_dict()
        self._check(raw, to=self._executor, data=bytes(earlier["data"]), nonce=earlier["nonce"], fees=fees)
        return raw

    def sign_cancel(self, nonce: int, *, max_fee_wei: int, priority_fee_wei: int) -> bytes:
        """Have a transfer of nothing to itself signed."""
        fees = Fees(max_fee_wei=max_fee_wei, priority_fee_wei=priority_fee_wei)
        raw = self._bytes(SignCancel(nonce=nonce, max_fee_wei=max_fee_wei, priority_fee_wei=priority_fee_wei))
        self._check(raw, to=self._address, data=b"", nonce=nonce, fees=fees)
        return raw

    def _submission(self, asked: Asked) -> Submission:
        return _decoded(Submission, self._ask(asked))

    def _bytes(self, asked: Asked) -> bytes:
        return _decoded(bytes, self._ask(asked))

    def _check(self, raw: bytes, *, to: Address, data: bytes, nonce: int, fees: Fees) -> None:
        """Decode what came back: what is sent is what was asked for, under our own key."""
        try:
            said: dict[str, Any] = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
            sender = str(Account.recover_transaction(HexBytes(raw))).lower()
        except Exception as error:  # whatever the decoders of others raise on bytes that are no transaction
            raise SigningRefused("the signer's answer is no transaction", measured=type(error).__name__) from error
        pairs: tuple[tuple[str, object, object], ...] = (
            ("sender", sender, self._address),
            ("chain", said.get("chainId"), self._chain),
            ("nonce", said.get("nonce"), nonce),
            ("receiver", "0x" + bytes(said["to"]).hex(), to),
            ("value", said.get("value"), 0),
            ("data", bytes(said["data"]), data),
            ("fee", said.get("maxFeePerGas"), fees.max_fee_wei),
            ("bid", said.get("maxPriorityFeePerGas"), fees.priority_fee_wei),
        )
        for name, found, meant in pairs:
            if found != meant:
                raise SigningRefused(f"the signer's answer has another {name}", measured=found, limit=meant)

    def _ask(self, asked: Asked) -> Any:
        if self._away is not None and time.monotonic() < self._away[0]:
            raise self._away[1]
        try:
            answer = read_answer(self._conversation(asked_line(asked)))
        except SignerAway as away:
            self._away = (time.monotonic() + AWAY_S, away)
            raise
        self._away = None
        return answer

    def _conversation(self, line: bytes) -> bytes:
        """Send one line and read one; raises `SignerAway` when that is not over in time."""
        until, held = time.monotonic() + self._answer_within_s, bytearray()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            try:
                sock.settimeout(self._answer_within_s)
                with reachable(self._path) as short:
                    if self._path.lstat().st_uid != os.geteuid():
                        raise SignerAway(f"{self._path} is another user's", next_step="see who made it")
                    sock.connect(short)
                sock.sendall(line)
                while not held.endswith(b"\n"):
                    if (left_s := until - time.monotonic()) <= 0:
                        raise TimeoutError
                    sock.settimeout(left_s)
                    chunk = sock.recv(1 << 16)
                    held += chunk
                    if not chunk or len(held) > MAX_LINE_BYTES:
                        raise SignerAway("the signer's process left in the middle of its answer")
            except TimeoutError as error:
                raise SignerAway(
                    "the signer's process does not answer",
                    measured=f"{self._answer_within_s:g} s",
                    next_step="see its log; it is asked again",
                ) from error
            except OSError as error:
                raise SignerAway(
                    "no signer's process is running",
                    measured=error.strerror,
                    next_step=f"ketch signer --state {self._path.parent}; it is asked again",
                ) from error
        return bytes(held)


def _decoded(kind: type[Any], said: object) -> Any:
    try:
        return decode(kind, said)
    except (JournalError, AttributeError) as error:
        raise SigningRefused("the signer's answer is not what was asked for") from error


def _named(made: Submission, intent_id: str, decision_id: str, nonce: int, block_number: int) -> Submission:
    """Put our own names on the signed bytes: only the bytes are the signer's."""
    return Submission(
        intent_id=intent_id,
        decision_id=decision_id,
        nonce=nonce,
        raw_tx=made.raw_tx,
        tx_hash="0x" + keccak(made.raw_tx).hex(),
        submitted_block=block_number,
    )
