"""A feed read from a real server on this machine: hang-ups, gaps, silence and hostile messages; the heads go on."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import brotli
import pytest
from websockets.exceptions import ConnectionClosed

from engine.chains.feeds import stream
from engine.chains.feeds.feed import Feed, FeedKind
from engine.chains.feeds.flashblocks import MAX_MESSAGE_BYTES
from engine.clocks import SystemClock
from engine.domain.events import BlockSeen
from engine.domain.pools import Log
from engine.domain.units import Address, BlockHash, BlockRef, ChainId
from tests.feed_formats import (
    batch,
    broadcast,
    feed_message,
    flashblock,
    hash_of,
    notification,
    pending_log,
    receipt,
    signed,
)
from tests.feed_server import FeedServer, eventually, feed_server

TO = "0x" + "ab" * 20
SYNC = b"\x01" * 32
ONE = signed(TO, b"\x07" * 4)
LOG = Log(
    address=Address(TO), topics=(SYNC,), data=b"\x05", block_number=8, tx_hash=hash_of(ONE), log_index=0
)  # as the receipts of `told` have it
PARENT = BlockRef(chain=ChainId(8453), number=7, hash=BlockHash("0x" + "07" * 32), timestamp_s=7)


def told(index: int = 0, number: int = 8) -> dict[str, Any]:
    parent = "0x" + f"{number - 1:02x}" * 32
    receipts = {hash_of(ONE): receipt([LOG])}
    return flashblock(f"0x{number:x}", index, number, parent_hash=parent, transactions=[ONE], receipts=receipts)


@asynccontextmanager
async def reading(
    server: FeedServer, kind: FeedKind = "flashblocks"
) -> AsyncIterator[tuple[Feed, list[dict[str, Any]]]]:
    feed = Feed(kind, ChainId(42161 if kind == "sequencer" else 8453), {SYNC}, hold_back=True)
    events: list[dict[str, Any]] = []
    task = asyncio.create_task(stream.follow(server.url, feed, SystemClock(), (SYNC,), events.append))
    try:
        yield feed, events
    finally:
        assert not task.done() or task.exception() is None
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def states(events: list[dict[str, Any]]) -> list[str]:
    return [event["state"] for event in events]


def test_what_the_stream_tells_is_known_before_the_head_and_how_long_before() -> None:
    async def check() -> None:
        async with feed_server() as server, reading(server) as (feed, events):
            await server.say(told(), brotli.compress(json.dumps(told(1)).encode()))
            await eventually(lambda: len(feed.pending_logs(PARENT)) == 2)
            assert {(log.address, log.data) for log in feed.pending_logs(PARENT)} == {(LOG.address, LOG.data)}
            block = BlockRef(chain=PARENT.chain, number=8, hash=BlockHash("0x" + "08" * 32), timestamp_s=8)
            now_ns = SystemClock().monotonic_ns()
            feed.observe(
                BlockSeen(block=block, parent_hash=PARENT.hash, base_fee_wei=1, logs=(LOG,), received_ns=now_ns)
            )
            assert len(feed.lead_ns) == 1
            assert feed.lead_ns[0] > 0
            assert feed.shown()["untrue_blocks"] == 0
            assert states(events) == ["connected"]

    anyio.run(check)


def test_a_server_that_hangs_up_is_connected_to_again_and_asked_for_what_was_missed() -> None:
    async def check() -> None:
        async with feed_server() as server, reading(server, "sequencer") as (feed, events):
            await server.say(broadcast([feed_message(41, b"\x04" + ONE), feed_message(42, batch([b"\x04" + ONE]))]))
            await eventually(lambda: feed.next_sequence == 43)
            await server.hang_up()
            await server.say(broadcast([feed_message(42, b"\x04" + ONE), feed_message(43, b"\x04" + ONE)]))
            await eventually(lambda: feed.next_sequence == 44)
            first, second = (connection.request for connection in server.connections)
            assert first is not None
            assert second is not None
            assert first.headers["Arbitrum-Feed-Client-Version"] == "2"
            assert "Arbitrum-Requested-Sequence-Number" not in first.headers
            assert second.headers["Arbitrum-Requested-Sequence-Number"] == "43"
            assert (feed.told.transactions, feed.told.repeats, feed.told.gaps) == (3, 1, 0)
            assert states(events) == ["connected", "lost", "connected"]

    anyio.run(check)


def test_over_rpc_both_subscriptions_are_made_again_after_a_hang_up() -> None:
    async def check() -> None:
        async with feed_server() as server, reading(server, "flashblocks_rpc") as (feed, _):
            await server.say('{"jsonrpc":"2.0","id":1,"result":"0x1"}', notification(pending_log(LOG)))
            await eventually(lambda: bool(feed.pending_logs(PARENT)))
            await server.say(notification(flashblock("0x8", 0, 8)))
            await eventually(lambda: feed.told.events == 2)
            await server.hang_up()
            await eventually(lambda: len(server.asked) == 4)
            assert server.asked[2:] == server.asked[:2]
            assert [one["params"][0] for one in server.asked[:2]] == ["newFlashblocks", "pendingLogs"]
            assert server.asked[1]["params"][1] == {"topics": [["0x" + SYNC.hex()]]}
            assert feed.pending_logs(PARENT) == ()  # what came before the hang-up may be torn

    anyio.run(check)


HOSTILE: dict[str, str | bytes] = {
    "nonsense": "nonsense",
    "rubbish": bytes(range(256)),
    "deep": '{"payload_id":"0x8","index":1,"diff":' + "[" * 200_000,
    "bomb in brotli": brotli.compress(b"{" + b" " * (MAX_MESSAGE_BYTES * 4), quality=3),
    "oversized, or a bomb in the frame": "{" + " " * (MAX_MESSAGE_BYTES + 1),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("compression", ["deflate", None])
def test_a_hostile_message_costs_what_the_feed_had_told_and_nothing_else(name: str, compression: str | None) -> None:
    async def check() -> None:
        async with feed_server(compression=compression) as server, reading(server) as (feed, _):
            await server.say(told())
            await eventually(lambda: bool(feed.pending_logs(PARENT)))
            await server.say(HOSTILE[name])
            await eventually(lambda: not feed.pending_logs(PARENT))
            assert feed.shown()["why"]
            before = feed.told.events
            async with asyncio.timeout(30):
                while feed.told.events == before:  # it may be connecting again
                    with contextlib.suppress(ConnectionClosed):
                        await server.say(told(number=9))
                    await asyncio.sleep(0.02)
            head = BlockRef(chain=PARENT.chain, number=8, hash=BlockHash("0x" + "08" * 32), timestamp_s=8)
            assert feed.pending_logs(head)

    anyio.run(check)


def test_a_feed_that_falls_silent_is_connected_to_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "SILENT_S", 0.2)

    async def check() -> None:
        async with feed_server() as server, reading(server) as (feed, events):
            await eventually(lambda: feed.told.connections > 1)
            assert events[1]["why"].startswith("ws://127.0.0.1")
            assert "/feed" not in events[1]["why"]  # a path may hold a provider's key

    anyio.run(check)


def test_a_server_that_comes_late_is_found() -> None:
    async def check() -> None:
        async with feed_server() as server:
            port = server.port
        async with reading(server) as (feed, events):
            await eventually(lambda: bool(events))
            assert feed.shown()["connected"] is False
            async with feed_server(port) as late:
                await late.say(told())
                await eventually(lambda: bool(feed.pending_logs(PARENT)))
                assert states(events) == ["lost", "connected"]

    anyio.run(check)
