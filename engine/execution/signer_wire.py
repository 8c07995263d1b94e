"""What engine and signer process say to each other: one canonical JSON object a line. No key is ever among it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from engine.domain.decision import Approved, Fees
from engine.domain.errors import JournalError, SignerAway, SigningRefused
from engine.domain.units import Address
from engine.journal.canonical import decode, plain

SIGNER_SOCKET_NAME = "signer.sock"
MAX_LINE_BYTES = 1 << 17
"""A trade of eight hops with its proof takes some 8 kB."""
MAX_BRACKETS = 256
MAX_NONCE = 2**64 - 2  # EIP-2681


@dataclass(frozen=True, slots=True, kw_only=True)
class SignTrade:
    """Sign what was approved."""

    approved: Approved
    intent_id: str
    nonce: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SignSweep:
    """Sign a sweep of `amount` raw units to the treasury."""

    token: Address
    amount: int
    fees: Fees
    intent_id: str
    command_id: str
    nonce: int
    block_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SignBump:
    """Sign a call of the signer's own once more, at other fees."""

    raw_tx: bytes
    max_fee_wei: int
    priority_fee_wei: int
    worst_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SignCancel:
    """Sign a transfer of nothing to the hot key itself."""

    nonce: int
    max_fee_wei: int
    priority_fee_wei: int


Asked = SignTrade | SignSweep | SignBump | SignCancel
ASKED: Mapping[str, type[Asked]] = {
    "sign_trade": SignTrade,
    "sign_sweep": SignSweep,
    "sign_bump": SignBump,
    "sign_cancel": SignCancel,
}
_NAMES = {kind: name for name, kind in ASKED.items()}


def asked_line(asked: Asked) -> bytes:
    """Write a request."""
    return _line({"method": _NAMES[type(asked)], "params": plain(asked)})


def read_asked(line: bytes) -> Asked:
    """Read a request; raises `SigningRefused` that says what is wrong with it."""
    fields = _object(line)
    method = fields.get("method")
    if fields.keys() != {"method", "params"} or not isinstance(method, str) or method not in ASKED:
        raise SigningRefused("the signer does not know this request", limit=", ".join(ASKED))
    try:
        asked = decode(ASKED[method], fields["params"])
    except (JournalError, AttributeError) as error:
        raise SigningRefused(f"the request is no {method}") from error
    if any(number < 0 for number in _numbers(plain(asked))):
        raise SigningRefused("the request has a negative number in it", limit="0 or more")
    if not isinstance(asked, SignBump) and asked.nonce > MAX_NONCE:
        raise SigningRefused("no chain has such a nonce", measured=asked.nonce, limit=MAX_NONCE)
    return asked


def signed_line(signed: object) -> bytes:
    """Write an answer: a `Submission`, or signed bytes."""
    return _line({"signed": plain(signed)})


def refused_line(refusal: SigningRefused) -> bytes:
    """Write a refusal, in the signer's own words."""
    said = {
        "what": refusal.what,
        "measured": None if refusal.measured is None else str(refusal.measured),
        "limit": None if refusal.limit is None else str(refusal.limit),
        "next_step": refusal.next_step,
    }
    return _line({"refused": said})


def read_answer(line: bytes) -> Any:
    """Read what was signed; raises the signer's `SigningRefused`, or `SignerAway` when it is no answer at all."""
    try:
        fields = _object(line)
    except SigningRefused as error:
        raise SignerAway("the signer's process does not speak as one does") from error
    if "signed" in fields:
        return fields["signed"]
    said = fields.get("refused")
    if not isinstance(said, dict):
        raise SignerAway("the signer's process does not speak as one does")
    words = cast("dict[str, Any]", said)
    raise SigningRefused(
        str(words.get("what")),
        measured=words.get("measured"),
        limit=words.get("limit"),
        next_step=str(words.get("next_step") or ""),
    )


def _numbers(tree: Any) -> list[int]:
    """List what reads as a whole number, hex left out."""
    if isinstance(tree, dict):
        return [n for item in cast("dict[str, Any]", tree).values() for n in _numbers(item)]
    if isinstance(tree, list):
        return [n for item in cast("list[Any]", tree) for n in _numbers(item)]
    return [int(tree)] if isinstance(tree, str) and tree.removeprefix("-").isdecimal() else []


def _object(line: bytes) -> dict[str, Any]:
    """Read a JSON object; a deeply nested line could overflow the C stack, which is why brackets are counted first."""
    try:
        value = json.loads(line) if line.count(b"[") + line.count(b"{") <= MAX_BRACKETS else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise SigningRefused("a request is one JSON object a line", limit=f"{MAX_LINE_BYTES} bytes")
    return cast("dict[str, Any]", value)


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii") + b"\n"
