"""Find pools from their factories' logs."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.chains.abi import address_of, event_topic, hex_data
from engine.chains.endpoints import Endpoint, RpcError
from engine.chains.heads import decode_logs
from engine.domain.errors import ChainError
from engine.domain.pools import Log
from engine.domain.units import Address
from engine.venues.deployments import Deployment

_PAIR_CREATED = event_topic("PairCreated(address,address,address,uint256)")
_V3_POOL_CREATED = event_topic("PoolCreated(address,address,uint24,int24,address)")
_BALANCER_POOL_CREATED = event_topic("PoolCreated(address)")

TOPICS = (_PAIR_CREATED, _V3_POOL_CREATED, _BALANCER_POOL_CREATED)

_RANGE_BLOCKS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A pool that a factory announced. `tokens`, `fee_ppm` and `tick_spacing` only where the log tells them."""

    deployment: Deployment
    address: Address
    tokens: tuple[Address, ...] = ()
    fee_ppm: int = 0
    tick_spacing: int = 0


def found_in(log: Log, deployments: Sequence[Deployment]) -> Found | None:
    """Read a factory's log; None for a log of a contract that is no factory of ours, whatever it looks like."""
    for deployment in deployments:
        if deployment.factory != log.address:
            continue
        topic = log.topics[0]
        if topic == _PAIR_CREATED and deployment.kind == "uniswap_v2":
            return Found(
                deployment=deployment,
                address=address_of(log.data[:32]),
                tokens=(address_of(log.topics[1]), address_of(log.topics[2])),
                fee_ppm=deployment.fee_ppm,
            )
        if topic == _V3_POOL_CREATED and deployment.kind == "uniswap_v3":
            return Found(
                deployment=deployment,
                address=address_of(log.data[32:64]),
                tokens=(address_of(log.topics[1]), address_of(log.topics[2])),
                fee_ppm=int.from_bytes(log.topics[3], "big"),
                tick_spacing=int.from_bytes(log.data[:32], "big", signed=True),
            )
        if topic == _BALANCER_POOL_CREATED and deployment.kind.startswith("balancer"):
            return Found(deployment=deployment, address=address_of(log.topics[1]))
    return None


async def discover(
    endpoint: Endpoint, deployments: Sequence[Deployment], from_block: int, to_block: int
) -> list[Found]:
    """List every pool that the factories announced in the blocks given, both ends included.

    A node that refuses a range as too large gets halves of it. Raises `ChainError` for a factory without code.
    """
    codes = await endpoint.batch([("eth_getCode", (d.factory, "latest")) for d in deployments])
    for deployment, code in zip(deployments, codes, strict=True):
        if len(code) <= 2:
            raise ChainError(
                f"no factory of {deployment.name} at {deployment.factory}",
                measured="no code",
                next_step="correct the deployments in the configuration, or leave this one out",
            )
    asked = {"address": sorted({d.factory for d in deployments}), "topics": [[hex_data(topic) for topic in TOPICS]]}
    logs = [log async for log in logs_between(endpoint, asked, from_block, to_block)]
    found = (found_in(log, deployments) for log in logs)
    return [pool for pool in found if pool is not None]


async def logs_between(
    endpoint: Endpoint, asked: Mapping[str, Any], from_block: int, to_block: int
) -> AsyncIterator[Log]:
    """Yield the logs of a range of blocks in order; a node that refuses a range as too large gets halves of it.

    Raises `RpcError` when it refuses even one block.
    """
    first, span = from_block, _RANGE_BLOCKS
    while first <= to_block:
        last = min(first + span - 1, to_block)
        try:
            raw = await endpoint.call("eth_getLogs", {"fromBlock": hex(first), "toBlock": hex(last), **asked})
        except RpcError:
            if span == 1:
                raise
            span //= 2
            continue
        for log in decode_logs_in_order(raw):
            yield log
        first = last + 1


def decode_logs_in_order(raw: Sequence[dict[str, object]]) -> list[Log]:
    """Decode logs of several blocks, by block and index."""
    logs = decode_logs(raw)
    return sorted(logs, key=lambda log: (log.block_number, log.log_index))
