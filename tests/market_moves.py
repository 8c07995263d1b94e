"""Swaps on a test's local chain, and the engine's own market kept beside it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from engine.chain_actions import head_of
from engine.chains.endpoints import Endpoint, open_endpoint
from engine.chains.heads import HeadFollower
from engine.clocks import SystemClock
from engine.devnet import accounts
from engine.devnet.deployment import DeployedPool
from engine.devnet.rpc import Rpc, hex_of
from engine.devnet.swaps import Swap, swap_call
from engine.domain.events import BlockSeen, ChainEvent
from engine.domain.pools import AnyPool
from engine.domain.units import Address, ChainId, PoolId
from engine.market.discovery import TOPICS as FACTORY_TOPICS
from engine.market.discovery import Found, discover
from engine.market.snapshot import Difference, compare
from engine.market.state import TOPICS as POOL_TOPICS
from engine.market.state import Market
from engine.market.sync import read_pools
from engine.venues.deployments import deployments_in
from tests.conftest import LocalChain


def pool_of_kind(chain: LocalChain, kind: str) -> DeployedPool:
    """Pick the first deployed pool of a family."""
    return next(pool for pool in chain.deployment.pools if pool.kind == kind)


def swap(chain: LocalChain, pool: DeployedPool, *, amount_in: int, forward: bool = True, trader: int = 1) -> None:
    """Send an exact-in swap through the pool's router, from an account that the node signs for; mine nothing."""
    path = pool.tokens[:2] if forward else pool.tokens[1::-1]
    token_in, token_out = Address(path[0]), Address(path[1])
    sender = Address(chain.rpc.call("eth_accounts")[trader])
    asked = Swap(pool=pool, token_in=token_in, token_out=token_out, amount_in=amount_in)
    to, data = swap_call(chain.deployment.contracts, asked, sender, 0)
    fees = {"maxFeePerGas": hex(10**11), "maxPriorityFeePerGas": "0x1"}
    transaction: dict[str, Any] = {"from": sender, "to": to, "data": hex_of(data), "gas": hex(900_000), **fees}
    chain.rpc.call("eth_sendTransaction", transaction)


@dataclass(slots=True)
class Followed:
    """A market, what keeps it, and what it saw."""

    endpoint: Endpoint
    follower: HeadFollower
    market: Market
    found: list[Found]

    async def catch_up(self) -> list[ChainEvent]:
        """Show the follower the newest header alone, whatever came between, and apply what it makes of it."""
        events = await self.follower.advance(await self.endpoint.call("eth_getBlockByNumber", "latest", False))
        for event in events:
            if isinstance(event, BlockSeen):
                self.market.apply(event)
            else:
                self.market.roll_back(event)
        return events

    async def drift(self) -> list[Difference]:
        """Read every pool again at the market's own block and compare."""
        return compare(self.market.pools, await read_pools(self.endpoint, self.found, self.market.head.hash))


@asynccontextmanager
async def followed(chain: LocalChain) -> AsyncIterator[Followed]:
    """Read a local chain's whole market, ready to follow it."""
    deployments = deployments_in(chain.manifest.deployments)
    async with open_endpoint(chain.manifest.rpc) as endpoint:
        head = await head_of(endpoint, ChainId(chain.manifest.chain_id))
        found = await discover(endpoint, deployments, chain.manifest.start_block, head.number)
        pools: dict[PoolId, AnyPool] = await read_pools(endpoint, found, head.hash)
        follower = HeadFollower(endpoint, SystemClock(), head, (*POOL_TOPICS, *FACTORY_TOPICS))
        yield Followed(endpoint, follower, Market(head, pools), found)


def trader_address(rpc: Rpc, number: int = 1) -> Address:
    """Name a trader's account."""
    assert number in accounts.TRADERS
    return Address(rpc.call("eth_accounts")[number])
