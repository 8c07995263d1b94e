"""Arbitrum's sequencer feed, version 1: JSON with one message a block, its transactions in base64 of nested batches.

Format: OffchainLabs/nitro, broadcaster/message and arbos/parse_l2. Kind 7, compressed transactions, nitro refuses too.
Nothing here checks the sequencer's signature.
"""

from collections.abc import Iterator

import msgspec

from engine.chains.feeds.events import FeedMessageRefused, Sequenced
from engine.chains.feeds.transactions import seen

MAX_L2_MESSAGE_BYTES = 256 * 1024
MAX_BATCH_DEPTH = 16
MAX_MESSAGES = 10_000
VERSION = 1
_FROM_L2 = 3
"""The only header kind whose message holds users' transactions; the others came from L1."""
_BATCH, _SIGNED = 3, 4


class _Header(msgspec.Struct):
    kind: int


class _Incoming(msgspec.Struct, rename="camel"):
    header: _Header
    l2_msg: bytes | None = None


class _Envelope(msgspec.Struct):
    message: _Incoming


class _FeedMessage(msgspec.Struct, rename="camel"):
    sequence_number: int
    message: _Envelope
    block_hash: str | None = None
    block_metadata: bytes | None = None


class _Broadcast(msgspec.Struct):
    version: int
    messages: list[_FeedMessage] = []


_DECODER = msgspec.json.Decoder(_Broadcast)


def decode_broadcast(message: str | bytes) -> tuple[Sequenced, ...]:
    """Read one broadcast; empty where it only confirms. Raises `FeedMessageRefused`, and then none of it is taken."""
    try:
        broadcast = _DECODER.decode(message)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise FeedMessageRefused(measured=f"{type(error).__name__}: {str(error)[:80]}") from error
    if broadcast.version != VERSION:
        raise FeedMessageRefused(measured=f"version {broadcast.version}", limit=VERSION)
    if len(broadcast.messages) > MAX_MESSAGES:
        raise FeedMessageRefused(measured=f"{len(broadcast.messages)} messages at once", limit=MAX_MESSAGES)
    return tuple(_sequenced(one) for one in broadcast.messages)


def _sequenced(message: _FeedMessage) -> Sequenced:
    incoming = message.message.message
    l2_message = incoming.l2_msg or b""
    if len(l2_message) > MAX_L2_MESSAGE_BYTES:
        raise FeedMessageRefused(measured=f"an L2 message of {len(l2_message)} bytes", limit=MAX_L2_MESSAGE_BYTES)
    if not 0 <= message.sequence_number < 2**63:
        raise FeedMessageRefused(measured=f"sequence number {message.sequence_number}")
    signed = tuple(signed_in(l2_message)) if incoming.header.kind == _FROM_L2 else ()
    return Sequenced(
        sequence_number=message.sequence_number,
        kind=incoming.header.kind,
        block_hash=message.block_hash,
        transactions=tuple(
            seen(raw, timeboosted=timeboosted(message.block_metadata, position + 1))
            for position, raw in enumerate(signed)
        ),
    )


def signed_in(l2_message: bytes, depth: int = 0) -> Iterator[bytes]:
    """List the signed transactions of an L2 message, batches within batches in order.

    A batch is parts with their lengths in 8 bytes before them; what is cut off at its end is left out, as nitro does.
    Unsigned transactions (kinds 0 and 1) name no signer and are passed over. Raises `FeedMessageRefused`.
    """
    if not l2_message:
        raise FeedMessageRefused(measured="an empty L2 message")
    kind, body = l2_message[0], l2_message[1:]
    if kind == _SIGNED:
        yield body
    elif kind == _BATCH:
        if depth >= MAX_BATCH_DEPTH:
            raise FeedMessageRefused(measured=f"batches {depth + 1} deep", limit=MAX_BATCH_DEPTH)
        at = 0
        while at + 8 <= len(body):
            length = int.from_bytes(body[at : at + 8], "big")
            if length > len(body) - at - 8:
                return
            yield from signed_in(body[at + 8 : at + 8 + length], depth + 1)
            at += 8 + length
    elif kind not in (0, 1):
        raise FeedMessageRefused(measured=f"an L2 message of kind {kind}", limit="kinds 0, 1, 3 and 4")


def timeboosted(metadata: bytes | None, position: int) -> bool | None:
    """Say whether the transaction at `position` in its block came by the express lane; None where nobody tells.

    The first byte is a version, then a bit a transaction, the lowest first; the block's own start is at position 0.
    """
    if not metadata:
        return None
    at = 1 + position // 8
    return at < len(metadata) and bool(metadata[at] >> (position % 8) & 1)
