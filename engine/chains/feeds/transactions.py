"""Signed transactions as chains write them down (EIP-2718): whose, to whom, with what calldata."""

from typing import Any, cast

import rlp
from eth_utils.crypto import keccak
from rlp.exceptions import RLPException

from engine.chains.feeds.events import FeedMessageRefused, SeenTransaction
from engine.domain.units import Address

MAX_TRANSACTION_BYTES = 256 * 1024
_DEPOSIT = 0x7E
_SHAPES = {0x01: (4, 6, 11), 0x02: (5, 7, 12), 0x03: (5, 7, 14), 0x04: (5, 7, 13), _DEPOSIT: (2, 7, 8)}
"""By type: where `to` and the calldata stand among the fields, and how many fields there are."""
_LEGACY = (3, 5, 9)


def seen(raw: bytes, *, timeboosted: bool | None = None) -> SeenTransaction:
    """Read one transaction; of a type unknown here only the hash. Raises `FeedMessageRefused` for anything else."""
    if not 0 < len(raw) <= MAX_TRANSACTION_BYTES:
        raise FeedMessageRefused(measured=f"a transaction of {len(raw)} bytes", limit=MAX_TRANSACTION_BYTES)
    typed = raw[0] < 0x80
    to, calldata = None, b""
    if not typed or raw[0] in _SHAPES:
        at_to, at_calldata, count = _SHAPES[raw[0]] if typed else _LEGACY
        fields = _fields(raw[1:] if typed else raw, count)
        to, calldata = _address(fields[at_to]), _bytes(fields[at_calldata])
    return SeenTransaction(tx_hash="0x" + keccak(raw).hex(), to=to, calldata=calldata, raw=raw, timeboosted=timeboosted)


def sender_of(transaction: SeenTransaction) -> Address:
    """Recover who signed; an OP Stack deposit names its sender and is signed by nobody.

    An elliptic curve operation, so it is done for whom it is asked of. Raises `FeedMessageRefused` where nobody did.
    """
    from eth_account import Account

    raw = transaction.raw
    if raw[0] == _DEPOSIT:
        sender = _address(_fields(raw[1:], _SHAPES[_DEPOSIT][2])[1])
        if sender is None:
            raise FeedMessageRefused(measured="a deposit from nobody")
        return sender
    try:
        return Address(cast("str", cast("Any", Account).recover_transaction(raw)).lower())
    except Exception as error:  # whatever the libraries beneath raise for a signature or a field that is none
        raise FeedMessageRefused(measured=f"a transaction that nobody signed ({type(error).__name__})") from error


def _fields(encoded: bytes, count: int) -> list[Any]:
    try:
        decoded = cast("Any", rlp).decode(encoded)
    except (RLPException, RecursionError) as error:
        raise FeedMessageRefused(measured=f"a transaction that is no RLP ({type(error).__name__})") from error
    if not isinstance(decoded, list) or len(cast("list[Any]", decoded)) != count:
        raise FeedMessageRefused(measured="a transaction with other fields than its type has")
    return cast("list[Any]", decoded)


def _bytes(field: Any) -> bytes:
    if not isinstance(field, bytes):
        raise FeedMessageRefused(measured="a list where a transaction has bytes")
    return field


def _address(field: Any) -> Address | None:
    found = _bytes(field)
    if len(found) not in (0, 20):
        raise FeedMessageRefused(measured=f"an address of {len(found)} bytes")
    return Address("0x" + found.hex()) if found else None
