"""An endpoint that limits, drops, lags and forgets is followed without missing a block or a log."""

from __future__ import annotations

import asyncio

import pytest

from engine.chain_actions import head_of
from engine.chains.endpoints import Endpoint
from engine.chains.heads import HeadFollower
from engine.chains.patience import PatienceTerms, is_rate_limit
from engine.chains.public import open_public
from engine.clocks import SystemClock
from engine.domain.errors import ChainError
from engine.domain.events import BlockSeen, RolledBack
from engine.domain.units import ChainId
from engine.market.discovery import discover
from engine.market.state import TOPICS
from engine.venues.deployments import deployments_in
from tests.conftest import LocalChain
from tests.market_moves import pool_of_kind, swap
from tests.public_node import Weather, public_node

pytestmark = pytest.mark.node

FOUL = Weather(
    latency_s=0.005, jitter_s=0.01, per_second=300, burst=30, drop_ppm=60_000, behind_ppm=150_000, most_log_blocks=7
)
BLOCKS = 45
ENOUGH_S = 60.0


async def followed(endpoint: Endpoint, chain: LocalChain) -> list[BlockSeen]:
    """Mine blocks with a swap each while the heads are followed; return what was seen of them."""
    start = await head_of(endpoint, ChainId(chain.manifest.chain_id))
    follower = HeadFollower(endpoint, SystemClock(), start, TOPICS)
    pool, seen = pool_of_kind(chain, "constant_product"), list[BlockSeen]()

    def mine() -> None:
        for number in range(BLOCKS):
            swap(chain, pool, amount_in=10**15 + number)
            chain.mine()

    async with asyncio.timeout(ENOUGH_S):
        mining = asyncio.create_task(asyncio.to_thread(mine))
        async for event in follower.events():
            assert not isinstance(event, RolledBack)
            seen.append(event)
            if event.block.number == start.number + BLOCKS:
                break
        await mining
    return seen


@pytest.mark.parametrize("door", ["http", "ws", "ws without subscriptions"])
def test_no_block_and_no_log_is_missed_in_foul_weather(chain: LocalChain, door: str) -> None:
    lacks = frozenset({"eth_subscribe"}) if door == "ws without subscriptions" else frozenset[str]()
    weather = Weather(**{name: getattr(FOUL, name) for name in FOUL.__dataclass_fields__} | {"lacks": lacks})

    async def run(url: str) -> list[BlockSeen]:
        async with open_public(url) as endpoint:
            seen = await followed(endpoint, chain)
            assert endpoint.waited.rate_limited + endpoint.waited.lost + endpoint.waited.not_there_yet > 0
            return seen

    with chain.reverted(), public_node(chain.node.rpc_url, weather) as node:
        seen = asyncio.run(run(node.http if door == "http" else node.ws))
        assert node.did["dropped"] + node.did["behind"] > 0, node.did
    assert len(seen) == BLOCKS
    assert [event.block.number for event in seen] == list(range(seen[0].block.number, seen[0].block.number + BLOCKS))
    assert all(event.logs for event in seen)


def test_short_log_ranges_are_halved_until_they_fit(chain: LocalChain) -> None:
    deployments = deployments_in(chain.manifest.deployments)

    async def run(url: str) -> int:
        async with open_public(url) as endpoint:
            head = await head_of(endpoint, ChainId(chain.manifest.chain_id))
            return len(await discover(endpoint, deployments, 0, head.number))

    with public_node(chain.node.rpc_url, Weather(most_log_blocks=2)) as node:
        assert asyncio.run(run(node.http)) == len(chain.deployment.pools)
        assert node.did["short range"] > 0


def test_an_endpoint_that_takes_no_batches_is_asked_one_by_one(chain: LocalChain) -> None:
    async def run(url: str) -> list[str]:
        async with open_public(url) as endpoint:
            return await endpoint.batch([("eth_chainId", ()), ("eth_blockNumber", ()), ("eth_chainId", ())])

    with public_node(chain.node.rpc_url, Weather(takes_batches=False)) as node:
        answers = asyncio.run(run(node.http))
        assert node.did["batch refused"] == 1
    assert answers == [hex(42161), chain.rpc.call("eth_blockNumber"), hex(42161)]


def test_an_endpoint_that_never_has_room_is_given_up_in_words(chain: LocalChain) -> None:
    async def run(url: str) -> None:
        terms = PatienceTerms(first_s=0.01, longest_s=0.05, give_up_s=0.5)
        async with open_public(url, terms) as endpoint:
            await endpoint.call("eth_chainId")

    never = Weather(per_second=0.0, burst=0)
    with public_node(chain.node.rpc_url, never) as node, pytest.raises(ChainError, match=r"rate limited|too often"):
        asyncio.run(run(node.http))


def test_a_send_that_a_lost_connection_took_is_not_repeated(chain: LocalChain) -> None:
    async def run(url: str) -> None:
        async with open_public(url) as endpoint:
            await endpoint.call("eth_sendRawTransaction", "0x00")

    with public_node(chain.node.rpc_url, Weather(drop_ppm=999_999)) as node:
        with pytest.raises(ChainError, match=r"did not answer|lost"):
            asyncio.run(run(node.ws))
        assert node.did["dropped"] == 1


@pytest.mark.parametrize(
    ("code", "message", "is_rate"),
    [
        (-32005, "limit exceeded", True),
        (429, "Too Many Requests", True),
        (-32097, "Your app has exceeded its compute units per second capacity", True),
        (-32005, "query returned more than 10000 results", False),
        (-32602, "block range too large, limit is 100", False),
        (3, "execution reverted: LOK", False),
    ],
)
def test_asked_too_often_is_told_from_asked_for_too_much(code: int, message: str, is_rate: bool) -> None:
    assert is_rate_limit({"code": code, "message": message}) is is_rate
