"""The proxy that puts a distance between a program and its node."""

from __future__ import annotations

import asyncio
import time

import anyio

from engine.devnet.delaying import HOST, distant

ROUND_TRIP_S = 0.2
PIECES = 50


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while said := await reader.read(1024):
        writer.write(said)
    writer.close()


async def _there_and_back(port: int, said: bytes) -> tuple[bytes, float]:
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        began = time.monotonic()
        writer.write(said)
        heard = await reader.readexactly(len(said))
        return heard, time.monotonic() - began
    finally:
        writer.close()


def test_an_answer_takes_the_round_trip_longer_and_the_distance_can_be_changed_while_connected() -> None:
    async def run() -> None:
        server = await asyncio.start_server(_echo, HOST, 0)
        async with server, distant(server.sockets[0].getsockname()[1]) as distance:
            near, _ = await _there_and_back(distance.port, b"near")
            distance.round_trip_s = ROUND_TRIP_S
            far, took_s = await _there_and_back(distance.port, b"far")
            assert (near, far) == (b"near", b"far")
            assert took_s >= ROUND_TRIP_S

    anyio.run(run)


def test_pieces_stay_in_order_and_travel_at_the_same_time() -> None:
    async def run() -> None:
        server = await asyncio.start_server(_echo, HOST, 0)
        async with server, distant(server.sockets[0].getsockname()[1]) as distance:
            distance.round_trip_s = ROUND_TRIP_S
            reader, writer = await asyncio.open_connection(HOST, distance.port)
            began = time.monotonic()
            for number in range(PIECES):
                writer.write(bytes([number]))
                await asyncio.sleep(0.001)
            heard = await reader.readexactly(PIECES)
            took_s = time.monotonic() - began
            writer.close()
            assert heard == bytes(range(PIECES))
            assert took_s < PIECES * ROUND_TRIP_S / 2, "one after the other"

    anyio.run(run)


def test_who_hangs_up_does_so_for_both_sides() -> None:
    async def run() -> None:
        gone = asyncio.Event()

        async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            gone.set()
            writer.close()

        server = await asyncio.start_server(listen, HOST, 0)
        async with server, distant(server.sockets[0].getsockname()[1]) as distance:
            _, writer = await asyncio.open_connection(HOST, distance.port)
            writer.close()
            with anyio.fail_after(10):
                await gone.wait()

    anyio.run(run)


def test_a_node_that_is_gone_is_gone_through_the_proxy_too() -> None:
    async def run() -> None:
        server = await asyncio.start_server(_echo, HOST, 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        async with distant(port) as distance:
            reader, writer = await asyncio.open_connection(HOST, distance.port)
            with anyio.fail_after(10):
                assert await reader.read() == b""
            writer.close()

    anyio.run(run)
