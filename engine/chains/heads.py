"""Follow a chain's heads: each block once, in order, with its logs; gaps filled, reorgs told."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from typing import Any

from anyio.streams.memory import MemoryObjectReceiveStream

from engine.chains.base_fee import next_base_fee_wei
from engine.chains.endpoints import Endpoint
from engine.domain.errors import ChainError
from engine.domain.events import BlockSeen, ChainEvent, RolledBack
from engine.domain.pools import Log
from engine.domain.ports import Clock
from engine.domain.units import Address, BlockHash, BlockRef, ChainId

HISTORY_BLOCKS = 256
"""How far back a reorg or a gap can be bridged; past it the market must be read anew."""
_READ_AHEAD = 16
"""Headers whose logs are on their way while an earlier block is dealt with."""


def block_ref(chain: ChainId, header: dict[str, Any]) -> BlockRef:
    """Read a header's reference."""
    return BlockRef(
        chain=chain,
        number=int(header["number"], 16),
        hash=BlockHash(header["hash"]),
        timestamp_s=int(header["timestamp"], 16),
    )


def decode_logs(raw: Sequence[dict[str, Any]]) -> tuple[Log, ...]:
    """Decode JSON-RPC logs, in the order of their index."""
    logs = [
        Log(
            address=Address(entry["address"].lower()),
            topics=tuple(bytes.fromhex(topic[2:]) for topic in entry["topics"]),
            data=bytes.fromhex(entry["data"][2:]),
            block_number=int(entry["blockNumber"], 16),
            tx_hash=entry["transactionHash"],
            log_index=int(entry["logIndex"], 16),
        )
        for entry in raw
    ]
    return tuple(sorted(logs, key=lambda log: log.log_index))


class HeadFollower:
    """Turns headers into `BlockSeen` and `RolledBack`, whatever the node skipped, repeated or took back.

    One rule serves all: from the new header walk parents until a known block. What lies after that block on our
    side was rolled back; what lies on the header's side is new.
    """

    def __init__(self, endpoint: Endpoint, clock: Clock, start: BlockRef, topics: Sequence[bytes]) -> None:
        self._endpoint = endpoint
        self._clock = clock
        self._topics = topics
        self._known: OrderedDict[BlockHash, BlockRef] = OrderedDict({start.hash: start})
        self._asked: dict[BlockHash, asyncio.Task[list[dict[str, Any]]]] = {}

    @property
    def tip(self) -> BlockRef:
        return next(reversed(self._known.values()))

    async def events(self) -> AsyncIterator[ChainEvent]:
        """Yield chain events until cancelled. Raises `ChainError` when a gap is deeper than `HISTORY_BLOCKS`.

        The logs of a header are asked for when it arrives, not when the one before it has been dealt with: a node that
        is a block's time away would be followed ever further behind.
        """
        headers = await self._endpoint.heads()
        arrived: asyncio.Queue[tuple[dict[str, Any], int] | None] = asyncio.Queue(_READ_AHEAD)
        reading = asyncio.create_task(self._read_ahead(headers, arrived))
        try:
            # what was mined between the market's first reading and the subscription
            latest = await self._endpoint.call("eth_getBlockByNumber", "latest", False)
            answered_ns, height = self._clock.monotonic_ns(), int(latest["number"], 16)
            if height > self.tip.number:  # else the start, or an answer from a node that lags
                for event in await self.advance(latest):
                    yield event
            while (item := await arrived.get()) is not None:
                header, received_ns = item
                if received_ns <= answered_ns and int(header["number"], 16) <= height:
                    continue  # it waited while newer ones were taken in: no news, and no reorg either
                for event in await self.advance(header, received_ns):
                    yield event
        finally:
            asked: list[asyncio.Task[Any]] = [reading, *self._asked.values()]
            self._asked.clear()
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)

    async def _read_ahead(
        self, headers: MemoryObjectReceiveStream[dict[str, Any]], arrived: asyncio.Queue[Any]
    ) -> None:
        async with headers:
            async for header in headers:
                if header["hash"] not in self._known:
                    self._asked[header["hash"]] = asyncio.create_task(self._logs(header["hash"]))
                await arrived.put((header, self._clock.monotonic_ns()))
        await arrived.put(None)

    async def advance(self, header: dict[str, Any], received_ns: int | None = None) -> list[ChainEvent]:
        """Return what the new header means, oldest first. A header already known means nothing.

        `received_ns` is when it arrived on the monotonic clock, None for now.
        """
        received_ns = self._clock.monotonic_ns() if received_ns is None else received_ns
        if header["hash"] in self._known and header["hash"] == self.tip.hash:
            return []
        branch = await self._branch(header)
        events: list[ChainEvent] = []
        dropped = self._drop_after(BlockHash(branch[0]["parentHash"] if branch else header["hash"]))
        if dropped:
            events.append(RolledBack(ancestor=self.tip, dropped=tuple(dropped)))
        return events + [await self._block_seen(one, received_ns) for one in branch]

    async def _branch(self, header: dict[str, Any]) -> list[dict[str, Any]]:
        branch: list[dict[str, Any]] = []
        oldest = next(iter(self._known.values()))
        while header["hash"] not in self._known:
            branch.append(header)
            if header["parentHash"] in self._known:
                break
            if int(header["number"], 16) <= oldest.number or len(branch) > HISTORY_BLOCKS:
                raise ChainError(
                    "the chain moved too far while we were away",
                    measured=f"{len(branch)} blocks without a common ancestor",
                    limit=HISTORY_BLOCKS,
                    next_step="restart the engine: it reads the market anew",
                )
            parent = await self._endpoint.call("eth_getBlockByHash", header["parentHash"], False)
            if parent is None:
                raise ChainError(f"the node does not know block {header['parentHash']}, the parent of one that it sent")
            header = parent
        branch.reverse()
        return branch

    def _drop_after(self, ancestor: BlockHash) -> list[BlockRef]:
        dropped: list[BlockRef] = []
        while self.tip.hash != ancestor:
            dropped.append(self._known.popitem()[1])
        dropped.reverse()
        return dropped

    async def _block_seen(self, header: dict[str, Any], received_ns: int) -> BlockSeen:
        block = block_ref(self.tip.chain, header)
        asked = self._asked.pop(block.hash, None)
        logs = await (self._logs(block.hash) if asked is None else asked)
        self._known[block.hash] = block
        while len(self._known) > HISTORY_BLOCKS:
            self._known.popitem(last=False)
        return BlockSeen(
            block=block,
            parent_hash=header["parentHash"],
            base_fee_wei=int(header.get("baseFeePerGas", "0x0"), 16),
            logs=decode_logs(logs),
            received_ns=received_ns,
            next_base_fee_wei=next_base_fee_wei(self.tip.chain, header),
        )

    async def _logs(self, block_hash: BlockHash) -> list[dict[str, Any]]:
        query = {"blockHash": block_hash, "topics": [["0x" + t.hex() for t in self._topics]]}
        return await self._endpoint.call("eth_getLogs", query)
