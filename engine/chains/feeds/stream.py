"""Read a feed for as long as an engine runs: connect, subscribe where it takes that, decode, connect again."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from engine.chains.abi import hex_data
from engine.chains.endpoints import redacted
from engine.chains.feeds.events import FeedEvent, FeedMessageRefused
from engine.chains.feeds.feed import Feed, FeedKind
from engine.chains.feeds.flashblocks import MAX_MESSAGE_BYTES, decode_flashblock, decode_subscription
from engine.chains.feeds.sequencer import decode_broadcast
from engine.domain.ports import Clock

_CONNECT_TIMEOUT_S = 10.0
_DELAYS_S = (0.2, 0.5, 1.0, 2.0, 5.0, 15.0)  # the last repeats
SILENT_S = 30.0
"""A feed that says nothing for so long is connected to anew; the slowest of them has a block every two seconds."""

DECODERS: Mapping[FeedKind, Callable[[str | bytes], tuple[FeedEvent, ...]]] = {
    "flashblocks": decode_flashblock,
    "flashblocks_rpc": decode_subscription,
    "sequencer": decode_broadcast,
}


async def follow(
    url: str, feed: Feed, clock: Clock, topics: tuple[bytes, ...], publish: Callable[[dict[str, Any]], None]
) -> None:
    """Read until cancelled; never raises for what the feed does. `publish` is told when it is lost and found."""
    failures, away = 0, False
    while True:
        taken = feed.told.events
        try:
            async with connect(
                url,
                max_size=MAX_MESSAGE_BYTES,
                open_timeout=_CONNECT_TIMEOUT_S,
                close_timeout=1.0,
                additional_headers=_headers(feed),
                user_agent_header="ketch",
            ) as socket:
                await _subscribe(socket, feed.kind, topics)
                feed.connected()
                publish({"event": "feed", "state": "connected", "why": ""})
                away = False
                await _read(socket, feed, clock)
        except (OSError, TimeoutError, WebSocketException, ValueError) as error:
            why = f"{redacted(url)}: {type(error).__name__} {str(error)[:120]}".strip()
        else:
            why = f"{redacted(url)} ended the connection"
        feed.lost(why)
        failures = 0 if feed.told.events > taken else failures + 1
        if not away:
            publish({"event": "feed", "state": "lost", "why": why})
        away = True
        await asyncio.sleep(_DELAYS_S[min(failures, len(_DELAYS_S) - 1)])


async def _subscribe(socket: ClientConnection, kind: FeedKind, topics: tuple[bytes, ...]) -> None:
    if kind != "flashblocks_rpc":
        return
    wanted = [("newFlashblocks",), ("pendingLogs", {"topics": [[hex_data(topic) for topic in topics]]})]
    for number, params in enumerate(wanted, start=1):
        body = {"jsonrpc": "2.0", "id": number, "method": "eth_subscribe", "params": params}
        await socket.send(msgspec.json.encode(body).decode())


async def _read(socket: ClientConnection, feed: Feed, clock: Clock) -> None:
    """Hand every message on; raises `TimeoutError` when none comes, and what the connection ends with."""
    decode = DECODERS[feed.kind]
    while True:
        message = await asyncio.wait_for(socket.recv(), SILENT_S)
        received_ns = clock.monotonic_ns()
        try:
            events = decode(message)
        except FeedMessageRefused as error:
            feed.refused(error)
            continue
        for event in events:
            feed.take(event, received_ns)


def _headers(feed: Feed) -> dict[str, str]:
    """Ask a sequencer's feed for what comes after the last message, as nitro's client does."""
    if feed.kind != "sequencer":
        return {}
    after = {} if feed.next_sequence is None else {"Arbitrum-Requested-Sequence-Number": str(feed.next_sequence)}
    return {"Arbitrum-Feed-Client-Version": "2", **after}
