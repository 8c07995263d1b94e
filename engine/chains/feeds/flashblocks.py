"""Flashblocks: parts of an OP Stack block every 200 ms or so, as JSON or brotli, from the stream or over JSON-RPC.

Format: the OP Stack's specification (specs/protocol/flashblocks.md) and Base's WebSocket reference. Receipts come in
two shapes, tagged by their type or flat, and not at all from a Base after its Azul upgrade.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

import msgspec

from engine.chains.feeds.events import FeedEvent, FeedMessageRefused, Flashblock, PendingLog
from engine.chains.feeds.transactions import seen
from engine.domain.pools import Log
from engine.domain.units import Address

MAX_MESSAGE_BYTES = 8 * 2**20
"""Of JSON, once it is decompressed; a full block of Base is some hundred kilobytes."""
MAX_TOPICS = 4
_INDICES = 1_000
_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,16}")
_HASH = re.compile(r"0x[0-9a-fA-F]{64}")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_PIECE_BYTES = 2**20
Decoded = TypeVar("Decoded")


class _Base(msgspec.Struct):
    parent_hash: str
    block_number: str


class _Diff(msgspec.Struct):
    transactions: list[str] = []


class _Metadata(msgspec.Struct):
    block_number: int | None = None
    receipts: dict[str, dict[str, Any]] | None = None


class _Message(msgspec.Struct):
    payload_id: str
    index: int
    diff: _Diff
    base: _Base | None = None
    metadata: _Metadata | None = None


class _Params(msgspec.Struct):
    result: msgspec.Raw


class _Notification(msgspec.Struct):
    params: _Params | None = None
    error: dict[str, Any] | None = None


class _LogBody(msgspec.Struct, rename="camel"):
    address: str
    topics: list[str]
    data: str
    block_number: str
    transaction_hash: str
    log_index: str


_FLASHBLOCK = msgspec.json.Decoder(_Message)
_NOTIFICATION = msgspec.json.Decoder(_Notification)
_LOG = msgspec.json.Decoder(_LogBody)


def decode_flashblock(message: str | bytes) -> tuple[FeedEvent, ...]:
    """Read one message of the stream. Raises `FeedMessageRefused`; `block_number` is 0 where the message has none."""
    return (_flashblock(_decoded(_FLASHBLOCK, plain_json(message))),)


def decode_subscription(message: str | bytes) -> tuple[FeedEvent, ...]:
    """Read one message of `eth_subscribe("newFlashblocks")` or `("pendingLogs")`; answers to them are no events.

    Raises `FeedMessageRefused`, also when the endpoint refuses a subscription.
    """
    notification = _decoded(_NOTIFICATION, plain_json(message))
    if notification.error is not None:
        raise FeedMessageRefused(measured=f"a subscription refused: {str(notification.error.get('message'))[:80]}")
    if notification.params is None:
        return ()
    result = bytes(notification.params.result)
    if b'"payload_id"' in result:
        return (_flashblock(_decoded(_FLASHBLOCK, result)),)
    return (PendingLog(log=_pending(_decoded(_LOG, result))),)


def plain_json(message: str | bytes) -> bytes:
    """Return the JSON of a message, brotli undone; raises `FeedMessageRefused` above `MAX_MESSAGE_BYTES`."""
    data = message.encode() if isinstance(message, str) else message
    if not data.lstrip().startswith(b"{"):
        data = _decompressed(data)
    if len(data) > MAX_MESSAGE_BYTES:
        raise FeedMessageRefused(measured=f"{len(data)} bytes", limit=MAX_MESSAGE_BYTES)
    return data


def _decompressed(data: bytes) -> bytes:
    """Undo brotli piece by piece, so that a bomb is refused before it is there."""
    import brotli

    pieces: list[bytes] = []
    size = 0
    try:
        unpacked = brotli.Decompressor()
        piece = unpacked.process(data, output_buffer_limit=_PIECE_BYTES)
        while piece:
            pieces.append(piece)
            size += len(piece)
            if size > MAX_MESSAGE_BYTES:
                raise FeedMessageRefused(
                    measured=f"{len(data)} bytes that become more than {MAX_MESSAGE_BYTES}", limit=MAX_MESSAGE_BYTES
                )
            piece = unpacked.process(b"", output_buffer_limit=_PIECE_BYTES)
        if not unpacked.is_finished():
            raise FeedMessageRefused(measured="brotli that is cut off")
    except brotli.error as error:
        raise FeedMessageRefused(measured="a message that is neither JSON nor brotli") from error
    return b"".join(pieces)


def _flashblock(message: _Message) -> Flashblock:
    metadata, base = message.metadata or _Metadata(), message.base
    if not 0 <= message.index < _INDICES or len(message.payload_id) > 66:
        raise FeedMessageRefused(measured=f"part {message.index} of {message.payload_id[:18]}")
    number = metadata.block_number
    if number is None and base is not None:
        number = _quantity(base.block_number)
    number = number or 0
    if not 0 <= number < 2**63:
        raise FeedMessageRefused(measured=f"block {number}")
    transactions = tuple(seen(_hex(raw)) for raw in message.diff.transactions)
    receipts = metadata.receipts
    order = [one.tx_hash for one in transactions]
    return Flashblock(
        payload_id=message.payload_id,
        index=message.index,
        block_number=number,
        parent_hash=None if base is None else _matching(_HASH, base.parent_hash),
        transactions=transactions,
        logs=None if receipts is None else _logs(receipts, order, number),
    )


def _logs(receipts: Mapping[str, Mapping[str, Any]], order: Sequence[str], number: int) -> tuple[Log, ...]:
    """Take the receipts' logs in the order of their transactions; numbered within this message."""
    found: list[Log] = []
    rank = {tx_hash: at for at, tx_hash in enumerate(order)}
    for tx_hash in sorted(receipts, key=lambda one: (rank.get(one.lower(), len(order)), one)):
        body: Any = receipts[tx_hash]
        if "logs" not in body and len(body) == 1:  # tagged by its type: {"Eip1559": {…}}
            (body,) = body.values()
        logs = cast("dict[str, Any]", body).get("logs") if isinstance(body, dict) else None
        if not isinstance(logs, list):
            raise FeedMessageRefused(measured="a receipt without logs")
        for raw in cast("list[Any]", logs):
            found.append(_log(raw, _matching(_HASH, tx_hash), number, len(found)))
    return tuple(found)


def _log(raw: Any, tx_hash: str, number: int, index: int) -> Log:
    try:
        address, topics, data = raw["address"], raw["topics"], raw["data"]
        return _made(address, topics, data, tx_hash, number, index)
    except (KeyError, TypeError, AttributeError) as error:
        raise FeedMessageRefused(measured="a log without address, topics or data") from error


def _pending(body: _LogBody) -> Log:
    number, index = _quantity(body.block_number), _quantity(body.log_index)
    return _made(body.address, body.topics, body.data, _matching(_HASH, body.transaction_hash), number, index)


def _made(address: str, topics: Sequence[str], data: str, tx_hash: str, number: int, index: int) -> Log:
    if len(topics) > MAX_TOPICS:
        raise FeedMessageRefused(measured=f"a log with {len(topics)} topics", limit=MAX_TOPICS)
    return Log(
        address=Address(_matching(_ADDRESS, address).lower()),
        topics=tuple(_hex(_matching(_HASH, topic)) for topic in topics),
        data=_hex(data),
        block_number=number,
        tx_hash=tx_hash,
        log_index=index,
    )


def _decoded(decoder: msgspec.json.Decoder[Decoded], data: bytes) -> Decoded:
    try:
        return decoder.decode(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise FeedMessageRefused(measured=f"{type(error).__name__}: {str(error)[:80]}") from error


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text.removeprefix("0x"))
    except ValueError as error:
        raise FeedMessageRefused(measured=f"{text[:20]!r} is no hex") from error


def _quantity(text: str) -> int:
    return int(_matching(_QUANTITY, text), 16)


def _matching(shape: re.Pattern[str], text: str) -> str:
    if not shape.fullmatch(text):
        raise FeedMessageRefused(measured=f"{text[:70]!r} where {shape.pattern} is due")
    return text
