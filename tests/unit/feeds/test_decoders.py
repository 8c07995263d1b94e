"""Feeds' messages are read back as they were written, and whatever else comes is refused with a reason."""

from __future__ import annotations

import json
from typing import Any

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.chains.feeds.events import FeedMessageRefused, Flashblock, PendingLog, SeenTransaction
from engine.chains.feeds.flashblocks import (
    MAX_MESSAGE_BYTES,
    MAX_TOPICS,
    decode_flashblock,
    decode_subscription,
    plain_json,
)
from engine.chains.feeds.sequencer import MAX_BATCH_DEPTH, MAX_L2_MESSAGE_BYTES, decode_broadcast, timeboosted
from engine.chains.feeds.transactions import MAX_TRANSACTION_BYTES, seen, sender_of
from engine.domain.pools import Log
from engine.domain.units import Address
from tests.feed_formats import (
    SENDER,
    batch,
    broadcast,
    deposit,
    feed_message,
    flashblock,
    hash_of,
    notification,
    pending_log,
    receipt,
    signed,
)

TO = "0x" + "ab" * 20
SWAP = bytes.fromhex("38ed1739") + b"\x07" * 64
ONE = signed(TO, SWAP)
addresses = st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex())
hashes = st.binary(min_size=32, max_size=32)


def the(message: dict[str, Any]) -> Flashblock:
    (event,) = decode_flashblock(json.dumps(message))
    assert isinstance(event, Flashblock)
    return event


@pytest.mark.parametrize("kind", [0, 1, 2, 4])
def test_a_transaction_of_every_signed_type_is_read_with_who_sent_it(kind: int) -> None:
    raw = signed(TO, SWAP, kind=kind)
    found = seen(raw)
    assert (found.tx_hash, found.to, found.calldata) == (hash_of(raw), TO, SWAP)
    assert sender_of(found) == SENDER


def test_a_contracts_creation_has_no_recipient() -> None:
    found = seen(signed(None, b"\x60\x00"))
    assert (found.to, found.calldata) == (None, b"\x60\x00")


def test_a_deposit_names_its_sender_and_is_signed_by_nobody() -> None:
    found = seen(deposit("0x" + "cd" * 20, TO, SWAP))
    assert (found.to, found.calldata, sender_of(found)) == (TO, SWAP, "0x" + "cd" * 20)


def test_of_an_unknown_type_only_the_hash_is_known() -> None:
    raw = b"\x7d" + b"whatever a later fork brings"
    assert seen(raw) == SeenTransaction(tx_hash=hash_of(raw), to=None, calldata=b"", raw=raw)
    with pytest.raises(FeedMessageRefused, match="nobody signed"):
        sender_of(seen(raw))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x02",
        b"\x02\xc0",
        b"\xc0",
        ONE[:-1],
        ONE + b"\x00",
        b"\x02" + b"\xf8" * 100,
        b"\xc1" * 5_000,
        b"\x00" * (MAX_TRANSACTION_BYTES + 1),
        deposit("0x" + "cd" * 20, "0x" + "ab" * 19, b""),
    ],
    ids=["empty", "no body", "no fields", "empty list", "cut", "more", "lengths", "nested", "oversized", "address"],
)
def test_what_is_no_transaction_is_refused(raw: bytes) -> None:
    with pytest.raises(FeedMessageRefused):
        seen(raw)


@given(raw=st.binary(max_size=300))
def test_no_bytes_do_worse_than_be_refused_as_a_transaction(raw: bytes) -> None:
    try:
        sender_of(seen(raw))
    except FeedMessageRefused as error:
        assert error.measured


nested = st.recursive(
    st.lists(st.just(ONE), max_size=2).map(lambda raws: [b"\x04" + raw for raw in raws]),
    lambda inner: st.lists(inner, min_size=1, max_size=3).map(lambda lists: [batch(parts) for parts in lists]),
    max_leaves=8,
)


@given(parts=nested, number=st.integers(0, 2**63 - 1), kind=st.sampled_from([3, 9, 12, 13]))
def test_a_broadcast_comes_back_batch_within_batch_in_order(parts: list[bytes], number: int, kind: int) -> None:
    (event,) = decode_broadcast(broadcast([feed_message(number, batch(parts), kind=kind)]))
    assert (event.sequence_number, event.kind, event.block_hash) == (number, kind, None)
    count = batch(parts).count(ONE) if kind == 3 else 0  # what came from L1 holds no transaction to read
    assert [one.raw for one in event.transactions] == [ONE] * count


def test_a_single_transaction_needs_no_batch_and_the_blocks_hash_is_kept() -> None:
    known = "0x" + "12" * 32
    (event,) = decode_broadcast(broadcast([feed_message(7, b"\x04" + ONE, block_hash=known)]))
    assert [one.tx_hash for one in event.transactions] == [hash_of(ONE)]
    assert event.block_hash == known


def test_a_confirmation_alone_is_no_event() -> None:
    assert decode_broadcast(broadcast([], confirmedSequenceNumberMessage={"sequenceNumber": 9})) == ()


def test_the_bit_of_the_express_lane_is_the_transactions_own() -> None:
    others = [b"\x04" + signed(TO, SWAP, nonce=nonce) for nonce in range(3)]
    metadata = bytes([0, 0b0000_0100])  # version 0; the block's own start is at 0, so the second user's transaction
    (event,) = decode_broadcast(broadcast([feed_message(7, batch(others), metadata=metadata)]))
    assert [one.timeboosted for one in event.transactions] == [False, True, False]
    assert [at for at in range(18) if timeboosted(bytes([0, 86, 145]), at)] == [1, 2, 4, 6, 8, 12, 15]
    assert timeboosted(None, 1) is None


def deep(depth: int) -> bytes:
    message = b"\x04" + ONE
    for _ in range(depth):
        message = batch([message])
    return message


def test_batches_as_deep_as_nitro_reads_them_are_read_and_no_deeper() -> None:
    (event,) = decode_broadcast(broadcast([feed_message(1, deep(MAX_BATCH_DEPTH))]))
    assert len(event.transactions) == 1
    with pytest.raises(FeedMessageRefused, match="deep"):
        decode_broadcast(broadcast([feed_message(1, deep(MAX_BATCH_DEPTH + 1))]))


def test_a_part_that_claims_more_than_there_is_ends_its_batch() -> None:
    torn = batch([b"\x04" + ONE]) + (2**63).to_bytes(8, "big") + b"\x04" + ONE
    (event,) = decode_broadcast(broadcast([feed_message(1, torn)]))
    assert len(event.transactions) == 1


@pytest.mark.parametrize(
    "message",
    [
        "",
        "nonsense",
        "[]",
        '{"version": 2}',
        '{"messages": []}',
        '{"version": 1, "messages": [{"sequenceNumber": "7"}]}',
        '{"version": 1, "messages": ' + "[" * 100_000,
        '{"version": 1, "other": ' + "[" * 100_000 + "]" * 100_000 + "}",
        broadcast([feed_message(-1, b"\x04" + ONE)]),
        broadcast([feed_message(2**63, b"\x04" + ONE)]),
        broadcast([feed_message(1, b"")]),
        broadcast([feed_message(1, b"\x07" + ONE)]),
        broadcast([feed_message(1, b"\x06")]),
        broadcast([feed_message(1, b"\x04" + ONE[:-1])]),
        broadcast([feed_message(1, b"\x03" + b"\x00" * MAX_L2_MESSAGE_BYTES)]),
        broadcast([feed_message(1, b"\x04" + ONE)] * 10_001),
        broadcast([feed_message(1, b"\x04" + ONE)]).replace("l2Msg", "x").replace('"header"', '"head"'),
    ],
)
def test_a_broadcast_that_cannot_be_read_is_refused_whole(message: str) -> None:
    with pytest.raises(FeedMessageRefused):
        decode_broadcast(message)


logs = st.builds(
    Log,
    address=addresses.map(Address),
    topics=st.lists(hashes, max_size=MAX_TOPICS).map(tuple),
    data=st.binary(max_size=96),
    block_number=st.integers(1, 2**40),
    tx_hash=hashes.map(lambda raw: "0x" + raw.hex()),
    log_index=st.integers(0, 10_000),
)


@given(
    told=st.lists(logs, max_size=4),
    index=st.integers(0, 20),
    number=st.integers(1, 2**40),
    tag=st.sampled_from([None, "Legacy", "Eip1559", "Eip7702", "Deposit"]),
    compress=st.booleans(),
)
def test_a_flashblock_comes_back_in_the_order_of_its_transactions(
    told: list[Log], index: int, number: int, tag: str | None, compress: bool
) -> None:
    raws = [signed(TO, SWAP, nonce=nonce) for nonce in range(len(told))]
    receipts = {hash_of(raw): receipt([log], tag=tag) for raw, log in zip(raws, told, strict=True)}
    backwards = dict(reversed(receipts.items()))
    body = json.dumps(flashblock("0x0307de8f", index, number, transactions=raws, receipts=backwards)).encode()
    (event,) = decode_flashblock(brotli.compress(body, quality=1) if compress else body)
    assert isinstance(event, Flashblock)
    assert (event.payload_id, event.index, event.block_number) == ("0x0307de8f", index, number)
    assert event.parent_hash == ("0x" + "00" * 32 if index == 0 else None)
    assert [one.tx_hash for one in event.transactions] == [hash_of(raw) for raw in raws]
    assert event.logs is not None
    came = [(log.address, log.topics, log.data, log.tx_hash, log.block_number) for log in event.logs]
    assert came == [
        (log.address, log.topics, log.data, hash_of(raw), number) for raw, log in zip(raws, told, strict=True)
    ]
    assert [log.log_index for log in event.logs] == list(range(len(told)))


def test_a_flashblock_without_receipts_knows_of_no_logs_and_says_so() -> None:
    event = the(flashblock("0x01", 1, 7, transactions=[ONE]))
    assert event.logs is None
    assert len(event.transactions) == 1
    assert the(flashblock("0x01", 1, 7, transactions=[ONE], receipts={})).logs == ()


def test_the_blocks_number_may_come_with_the_base_alone() -> None:
    message = flashblock("0x01", 0, 7)
    del message["metadata"]
    assert the(message).block_number == 7


@given(log=logs)
def test_a_pending_log_comes_back(log: Log) -> None:
    assert decode_subscription(notification(pending_log(log))) == (PendingLog(log=log),)


def test_a_subscriptions_flashblock_is_one_and_its_answer_is_none() -> None:
    (event,) = decode_subscription(notification(flashblock("0x01", 0, 7)))
    assert isinstance(event, Flashblock)
    assert decode_subscription('{"jsonrpc":"2.0","id":1,"result":"0x1887"}') == ()
    with pytest.raises(FeedMessageRefused, match="a subscription refused: no such"):
        decode_subscription('{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no such"}}')


def test_a_bomb_is_refused_before_it_is_there() -> None:
    bomb = brotli.compress(b"{" + b" " * (MAX_MESSAGE_BYTES * 8), quality=5)
    assert len(bomb) < 10_000
    with pytest.raises(FeedMessageRefused, match="that become more than"):
        plain_json(bomb)
    with pytest.raises(FeedMessageRefused, match="bytes"):
        plain_json(b"{" + b" " * MAX_MESSAGE_BYTES)


def spoilt(**changed: Any) -> str:
    return json.dumps({**flashblock("0x01", 0, 7, transactions=[ONE], receipts={hash_of(ONE): receipt([])}), **changed})


GOOD = {"address": TO, "topics": [], "data": "0x"}


def with_log(**changed: Any) -> str:
    body = {"logs": [{**GOOD, **changed}]}
    return spoilt(metadata={"block_number": 7, "receipts": {hash_of(ONE): body}})


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\x00\x01\x02",
        b"not brotli data",
        brotli.compress(spoilt().encode())[:-3],
        b"[1]",
        spoilt(index=-1),
        spoilt(index=1_000),
        spoilt(payload_id=7),
        spoilt(payload_id="0x" + "0" * 100),
        spoilt(diff={"transactions": ["0xzz"]}),
        spoilt(diff={"transactions": ["0x02c0"]}),
        spoilt(metadata={"block_number": -5}),
        spoilt(metadata={"block_number": 2**70}),
        spoilt(metadata={"block_number": 7, "receipts": {"0x12": {"logs": [GOOD]}}}),
        spoilt(metadata={"block_number": 7, "receipts": {hash_of(ONE): {"status": "0x1"}}}),
        spoilt(metadata={"block_number": 7, "receipts": {hash_of(ONE): {"Eip1559": []}}}),
        spoilt(metadata={"block_number": 7, "receipts": {hash_of(ONE): {}}}),
        spoilt(base={"parent_hash": "0x12", "block_number": "0x7"}),
        spoilt(metadata=None, base={"parent_hash": "0x" + "00" * 32, "block_number": "7"}),
        with_log(address="0x12"),
        with_log(address=None),
        with_log(topics=None),
        with_log(topics=["0x12"]),
        with_log(topics=["0x" + "11" * 32] * 5),
        with_log(data=None),
        with_log(data="0x123"),
        '{"payload_id": "0x1", "index": 0, "diff": {}, "x": ' + "[" * 100_000 + "]" * 100_000 + "}",
    ],
)
def test_a_flashblock_that_cannot_be_read_is_refused_whole(message: str | bytes) -> None:
    with pytest.raises(FeedMessageRefused):
        decode_flashblock(message)


@given(message=st.binary(max_size=200) | st.text(max_size=200))
def test_no_message_does_worse_than_be_refused(message: str | bytes) -> None:
    for decode in (decode_flashblock, decode_subscription, decode_broadcast):
        try:
            decode(message)
        except FeedMessageRefused as error:
            assert error.line()
