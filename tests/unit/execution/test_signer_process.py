"""The signer's process: the same bytes as the engine's own signer, and nothing for whoever asks for anything else."""

from __future__ import annotations

import json
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from hexbytes import HexBytes

from engine.chains.executor_calls import ExecuteCall, decode_execute
from engine.domain.decision import BidLimit
from engine.domain.errors import SignerAway, SigningRefused
from engine.execution.signer_wire import (
    MAX_LINE_BYTES,
    SignTrade,
    asked_line,
    read_asked,
)
from engine.journal.journal import JOURNAL_FILE, Journal
from engine.journal.records import record_state
from engine.risk.halt import lift_halt, write_halt
from engine.signer_process import halted_now
from tests.unit import journal_stubs as stub
from tests.unit.execution.signer_sockets import FEES, WORST_WEI, capped, remote, served
from tests.unit.execution.test_signer import (
    CALLS,
    CHAIN,
    EXECUTOR,
    KEY,
    MAX_FEE_WEI,
    PLANS,
    TIP_WEI,
    TOKENS,
    approved,
    signer,
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    state = tmp_path_factory.mktemp("signer")
    with served(state, capped(state)) as path:
        yield path


def raw_answer(path: Path, sent: bytes) -> bytes:
    """Send bytes as they are, and read until the signer stops talking."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(10)
        sock.connect(str(path))
        with suppress(BrokenPipeError):  # it may have turned us away already
            sock.sendall(sent)
            sock.shutdown(socket.SHUT_WR)
        held = b""
        while chunk := sock.recv(1 << 16):
            held += chunk
    return held


def test_signs_the_same_bytes_as_the_engines_own_signer(path: Path) -> None:
    asked: dict[str, Any] = {"intent_id": "i", "command_id": "c", "nonce": 7, "block_number": 9}
    mine, theirs = signer(), remote(path)
    made = theirs.sign_trade(approved(), intent_id="i", nonce=5)
    assert made == mine.sign_trade(approved(), intent_id="i", nonce=5)
    assert theirs.sign_sweep(TOKENS[0], 1, fees=FEES, **asked) == mine.sign_sweep(TOKENS[0], 1, fees=FEES, **asked)
    bumped = {"max_fee_wei": 2 * MAX_FEE_WEI, "priority_fee_wei": 3 * TIP_WEI, "worst_wei": 2 * WORST_WEI}
    assert theirs.sign_bump(made.raw_tx, **bumped) == mine.sign_bump(made.raw_tx, **bumped)
    fees = {"max_fee_wei": MAX_FEE_WEI, "priority_fee_wei": TIP_WEI}
    assert theirs.sign_cancel(6, **fees) == mine.sign_cancel(6, **fees)
    assert theirs.address == mine.address


def test_what_held_the_bid_down_never_reaches_the_signer(path: Path) -> None:
    falling = BidLimit(setting="risk.min_net_profit_wei", value=10**13, most_wei=5, more=(-100_000, 1))
    given = replace(approved(), bid_limits=(falling,))
    assert remote(path).sign_trade(given, intent_id="i", nonce=5) == signer().sign_trade(
        approved(), intent_id="i", nonce=5
    )


def test_a_request_reads_back_as_what_was_asked() -> None:
    asked = SignTrade(approved=approved(), intent_id="i", nonce=5)
    assert read_asked(asked_line(asked)) == asked


def test_only_its_owner_can_open_the_socket(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_process_of_another_user_is_turned_away_unheard(tmp_path: Path) -> None:
    with served(tmp_path, capped(tmp_path), uid=os.geteuid() + 1) as path:
        assert raw_answer(path, b"") == b""
        with pytest.raises(SignerAway):
            remote(path).sign_trade(approved(), intent_id="i", nonce=0)


@pytest.mark.parametrize("what", [*CALLS, *(f"plan {name}" for name in PLANS)])
def test_refuses_through_the_socket_what_the_signer_refuses(path: Path, what: str) -> None:
    given = PLANS[what[5:]] if what.startswith("plan ") else approved(CALLS[what])
    with pytest.raises(SigningRefused) as refused:
        remote(path).sign_trade(given, intent_id="i", nonce=0)
    assert not isinstance(refused.value, SignerAway)


GOOD = json.loads(asked_line(SignTrade(approved=approved(), intent_id="i", nonce=0)))
SWEEP: dict[str, Any] = {
    "method": "sign_sweep",
    "params": {
        "token": TOKENS[0], "amount": "1", "fees": {"max_fee_wei": "1", "priority_fee_wei": "1"},
        "intent_id": "i", "command_id": "c", "nonce": "0", "block_number": "1",
    },
}  # fmt: skip
THEIRS = Account.from_key("0x" + "66" * 32).sign_transaction(
    {
        "type": 2, "chainId": CHAIN, "nonce": 0, "to": Account.from_key(KEY).address, "value": 1, "data": b"",
        "gas": 21_000, "maxFeePerGas": 1, "maxPriorityFeePerGas": 1,
    }
)  # fmt: skip


def sweep_with(**changed: object) -> bytes:
    return json.dumps({**SWEEP, "params": SWEEP["params"] | changed}).encode() + b"\n"


def bump_of(raw_tx: bytes) -> bytes:
    params = {"raw_tx": "0x" + raw_tx.hex(), "max_fee_wei": "1", "priority_fee_wei": "1", "worst_wei": "1"}
    return json.dumps({"method": "sign_bump", "params": params}).encode() + b"\n"


def cancel_at(max_fee_wei: int) -> bytes:
    params = {"nonce": "0", "max_fee_wei": str(max_fee_wei), "priority_fee_wei": "1"}
    return json.dumps({"method": "sign_cancel", "params": params}).encode() + b"\n"


HOSTILE: dict[str, bytes] = {
    "nothing": b"\n",
    "no JSON": b"sign everything\n",
    "a list": b"[]\n",
    "deep nesting": b"[" * 100_000 + b"\n",
    "deep nesting that is closed": b"[" * 400 + b"]" * 400 + b"\n",
    "bytes that are no text": bytes(range(128, 256)) + b"\n",
    "a number of 10,000 digits": b'{"method":"sign_cancel","params":' + b"9" * 10_000 + b"}\n",
    "another method": b'{"method":"key","params":{}}\n',
    "a private method": b'{"method":"__init__","params":{}}\n',
    "a method that is no text": b'{"method":["sign_trade"],"params":{}}\n',
    "a field more": json.dumps(GOOD | {"to": TOKENS[0]}).encode() + b"\n",
    "a parameter more": sweep_with(to=TOKENS[0]),
    "a parameter less": json.dumps({**SWEEP, "params": {"token": TOKENS[0]}}).encode() + b"\n",
    "parameters that are a list": b'{"method":"sign_sweep","params":[]}\n',
    "parameters that are null": b'{"method":"sign_sweep","params":null}\n',
    "a negative amount": sweep_with(amount="-1"),
    "a negative nonce": sweep_with(nonce="-1"),
    "an amount beyond 256 bits": sweep_with(amount=str(2**256)),
    "a nonce beyond 64 bits": sweep_with(nonce=str(2**64)),
    "a sweep of what is no address": sweep_with(token="0x"),
    "a sweep above the cap on gas": sweep_with(fees={"max_fee_wei": str(10**12), "priority_fee_wei": "1"}),
    "a cancel above the cap on gas": cancel_at(10**15),
    "a bump of no transaction": bump_of(b""),
    "a bump of another's": bump_of(bytes(THEIRS.raw_transaction)),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_request_gets_a_refusal_and_no_signature(path: Path, what: str) -> None:
    answer = json.loads(raw_answer(path, HOSTILE[what]))
    assert answer.keys() == {"refused"}, answer
    assert answer["refused"]["what"]
    assert remote(path).sign_trade(approved(), intent_id="i", nonce=0).nonce == 0, "it goes on"


@pytest.mark.parametrize("size", [MAX_LINE_BYTES + 1, 4 * MAX_LINE_BYTES])
def test_an_endless_request_is_cut_off(path: Path, size: int) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(10)
        sock.connect(str(path))
        with pytest.raises(OSError):  # a reset or a broken pipe, as the kernel pleases
            for _ in range(100):
                sock.sendall(b"x" * size)
    assert remote(path).sign_trade(approved(), intent_id="i", nonce=0).nonce == 0


def test_who_says_nothing_keeps_nobody_waiting(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent, socket.socket(socket.AF_UNIX) as half:
        silent.connect(str(path))
        half.connect(str(path))
        half.sendall(b'{"method":')
        assert remote(path).sign_trade(approved(), intent_id="i", nonce=0).nonce == 0


def test_a_flipped_character_anywhere_is_refused_or_signs_what_was_approved(path: Path) -> None:
    line = asked_line(SignTrade(approved=approved(), intent_id="i", nonce=0))
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(10)
        sock.connect(str(path))
        lines = sock.makefile("rb")
        signed = 0
        for at in range(0, len(line) - 1, 7):
            sock.sendall(line[:at] + bytes([line[at] ^ 1]) + line[at + 1 :] if line[at] ^ 1 != 10 else line)
            answer = json.loads(lines.readline())
            if "signed" in answer:
                signed += 1
                raw = bytes.fromhex(answer["signed"]["raw_tx"][2:])
                said = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
                assert bytes(said["to"]).hex() == EXECUTOR[2:]
                assert approved_parts(bytes(said["data"])) == approved_parts(approved().proof.plan.calldata)
    assert 0 < signed < len(line) // 14, "names and measurements may differ; most of the rest is refused"


def approved_parts(calldata: bytes) -> ExecuteCall:
    """Read a call without what an approval does not name: a pool's own fee, and the tail of its id at the vault."""
    call = decode_execute(calldata)
    return replace(call, hops=tuple(replace(hop, fee_ppm=0, balancer_id="") for hop in call.hops))


def test_the_key_is_in_no_answer(path: Path) -> None:
    said = b"".join(raw_answer(path, sent) for sent in HOSTILE.values())
    said += raw_answer(path, asked_line(SignTrade(approved=approved(), intent_id="i", nonce=0)))
    assert bytes.fromhex(KEY[2:]) not in said
    assert KEY[2:].encode() not in said.lower()
    assert str(int(KEY, 16)).encode() not in said


def test_it_asks_the_halt_file_and_the_journals_state_itself(tmp_path: Path) -> None:
    def halted() -> str | None:
        return halted_now(tmp_path)

    holder = signer(halted)
    with Journal.open(tmp_path / JOURNAL_FILE, genesis=stub.GENESIS) as journal, served(tmp_path, holder) as path:
        asking = remote(path)
        with pytest.raises(SigningRefused, match="halted, measured the journal says nothing"):
            asking.sign_trade(approved(), intent_id="i", nonce=0)
        record_state(journal, "ACTIVE", principal="operator", reason="go", block=stub.block())
        asking.sign_trade(approved(), intent_id="i", nonce=0)
        write_halt(tmp_path, principal="someone", reason="smoke")
        with pytest.raises(SigningRefused, match=r"smoke \(by someone\)"):
            asking.sign_trade(approved(), intent_id="i", nonce=0)
        lift_halt(tmp_path)
        record_state(journal, "HALTED", principal="loss", reason="too much lost", block=stub.block())
        with pytest.raises(SigningRefused, match=r"too much lost \(by loss, in the journal\)"):
            asking.sign_trade(approved(), intent_id="i", nonce=0)
        record_state(journal, "REDUCING", principal="operator", reason="slowly", block=stub.block())
        asking.sign_trade(approved(), intent_id="i", nonce=0)
    journal_file = tmp_path / JOURNAL_FILE
    journal_file.write_bytes(b"no journal")
    assert "cannot be read" in (halted() or "")
    journal_file.unlink()
    assert "cannot be read" in (halted() or "")
