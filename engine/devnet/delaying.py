"""Distance on loopback: a proxy that holds back every byte between a program and its node, both ways."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

HOST = "127.0.0.1"
CHUNK_BYTES = 2**16


@dataclass(slots=True)
class Distance:
    """Where the proxy listens, and how far away the node is: a round trip in seconds, which may be changed any time."""

    port: int
    round_trip_s: float = 0.0


@asynccontextmanager
async def distant(port: int) -> AsyncGenerator[Distance]:
    """Run the proxy in front of the node on `port` for as long as the context lasts."""
    distance = Distance(port=0)
    open_now: set[asyncio.Task[None]] = set()

    async def join(near: asyncio.StreamReader, to_near: asyncio.StreamWriter) -> None:
        me = asyncio.current_task()
        assert me is not None
        open_now.add(me)
        writers = [to_near]
        try:
            far, to_far = await asyncio.open_connection(HOST, port)
            writers.append(to_far)
            ways = [asyncio.create_task(_pass_on(*way, distance)) for way in ((near, to_far), (far, to_near))]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)  # who hangs up does so for both
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        except OSError:
            pass  # the node is gone: so is our side
        finally:
            open_now.discard(me)
            for writer in writers:
                writer.close()

    server = await asyncio.start_server(join, HOST, 0)
    distance.port = server.sockets[0].getsockname()[1]
    try:
        yield distance
    finally:
        server.close()
        for task in list(open_now):
            task.cancel()
        await asyncio.gather(*open_now, return_exceptions=True)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, distance: Distance) -> None:
    """Pass one direction on, each piece half a round trip after it came; in order, as many under way as there are."""
    under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    arriving = asyncio.create_task(_arrive(under_way, writer))
    now = asyncio.get_running_loop().time
    try:
        with contextlib.suppress(OSError):
            while piece := await reader.read(CHUNK_BYTES):
                under_way.put_nowait((now() + distance.round_trip_s / 2, piece))
            under_way.put_nowait((now(), b""))
            await arriving
    finally:
        arriving.cancel()
        await asyncio.gather(arriving, return_exceptions=True)


async def _arrive(under_way: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
    now = asyncio.get_running_loop().time
    while True:
        due, piece = await under_way.get()
        if not piece:
            return
        if (wait_s := due - now()) > 0:
            await asyncio.sleep(wait_s)
        writer.write(piece)
        await writer.drain()
