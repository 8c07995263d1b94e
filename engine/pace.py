"""Real time and lockstep."""

import asyncio
import json
from pathlib import Path

from engine.domain.errors import ChainError
from engine.domain.units import BlockRef


class RealTime:
    """The chain waits for nobody."""

    async def done(self, block: BlockRef) -> None:
        """Nobody is told."""


class Lockstep:
    """Tells the local chain when a block is done; it mines the next one then. Opens its socket at the first block."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def done(self, block: BlockRef) -> None:
        """Send {"done": number} and wait for the answer. Raises `ChainError` when the local chain is gone."""
        try:
            if self._streams is None:
                self._streams = await asyncio.open_unix_connection(str(self._socket))
            reader, writer = self._streams
            writer.write(json.dumps({"done": block.number}).encode() + b"\n")
            await writer.drain()
            answer = await reader.readline()
        except OSError as error:
            raise ChainError(f"the lockstep socket {self._socket} is gone ({error})") from error
        if not answer:
            raise ChainError("the local chain closed the lockstep socket", next_step="see what ketch devnet printed")
