"""The market as the rivals follow it: read once, then by the pools' own logs; one copy for all of them."""

from collections import deque
from collections.abc import Mapping
from typing import Any

import anyio

from engine.chains.endpoints import open_endpoint
from engine.chains.heads import decode_logs
from engine.devnet.deployment import Deployment
from engine.devnet.mining import Head
from engine.devnet.rpc import Rpc, hex_of
from engine.domain.pools import AnyPool
from engine.domain.units import BlockHash, PoolId
from engine.market.discovery import discover
from engine.market.state import TOPICS, pools_after
from engine.market.sync import read_pools
from engine.venues.deployments import deployments_in

HISTORY_BLOCKS = 64
"""How far the slowest rival may be behind, in blocks."""

Pools = Mapping[PoolId, AnyPool]


class RivalFeed:
    """What each block changed, fetched when the first rival asks for it. `start` is the market as it was first read."""

    def __init__(self, rpc: Rpc, start: Pools, at: Head) -> None:
        self.start = start
        self._rpc = rpc
        self._pools = dict(start)
        self._number = at.number
        self._changes: deque[tuple[int, dict[PoolId, AnyPool]]] = deque(maxlen=HISTORY_BLOCKS)

    def changed(self, after: int, upto: int) -> dict[PoolId, AnyPool]:
        """Return the pools that the blocks after `after` changed, as block `upto` left them; raises `NodeGone`."""
        if upto > self._number:
            self._fetch(upto)
        changed: dict[PoolId, AnyPool] = {}
        for number, pools in self._changes:
            if after < number <= upto:
                changed |= pools
        return changed

    def _fetch(self, upto: int) -> None:
        query = {
            "fromBlock": hex(self._number + 1),
            "toBlock": hex(upto),
            "topics": [[hex_of(topic) for topic in TOPICS]],
        }
        raw: list[dict[str, Any]] = self._rpc.call("eth_getLogs", query)
        for number in range(self._number + 1, upto + 1):
            after = pools_after(self._pools, decode_logs([log for log in raw if int(log["blockNumber"], 16) == number]))
            self._pools |= after
            self._changes.append((number, after))
        self._number = upto


def read_feed(rpc: Rpc, ws_url: str, deployment: Deployment, at: Head) -> RivalFeed:
    """Discover and read every pool at a block; raises `ChainError` when the node does not answer."""

    async def read() -> Pools:
        async with open_endpoint(ws_url) as endpoint:
            found = await discover(endpoint, deployments_in(deployment.contracts), deployment.start_block, at.number)
            return await read_pools(endpoint, found, BlockHash(at.hash))

    return RivalFeed(rpc, anyio.run(read), at)
