"""Find the pools that are in use from what was swapped lately, where the factories' history is out of reach."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from eth_utils.crypto import keccak

from engine.chains.abi import Function, hex_data
from engine.chains.endpoints import Endpoint
from engine.chains.multicall import Read, read_all
from engine.domain.errors import ChainError
from engine.domain.pools import Log
from engine.domain.units import Address, BlockRef
from engine.market.discovery import Found, logs_between
from engine.venues.balancer_vault import SWAP as BALANCER_SWAP
from engine.venues.concentrated import SWAP as CONCENTRATED_SWAP
from engine.venues.deployments import Deployment

_SYNC = keccak(text="Sync(uint112,uint112)")
_TOKEN0 = Function("token0()", ("address",))
_TOKEN1 = Function("token1()", ("address",))
_FACTORY = Function("factory()", ("address",))
_FEE = Function("fee()", ("uint24",))
_TICK_SPACING = Function("tickSpacing()", ("int24",))
_GET_PAIR = Function("getPair(address,address)", ("address",))
_GET_POOL = Function("getPool(address,address,uint24)", ("address",))
_IS_FROM = Function("isPoolFromFactory(address)", ("bool",))
_LOOKED_AT = 4
"""Of the busiest contracts, how many times as many as pools are wanted are asked what they are: some are of others."""


async def in_use(
    endpoint: Endpoint, deployments: Sequence[Deployment], head: BlockRef, *, window_blocks: int, max_pools: int
) -> list[Found]:
    """List the pools of our factories that swapped in the last `window_blocks`, the busiest first, at most `max_pools`.

    What a contract says of itself counts for nothing: its factory must say that it is its own. Raises `ChainError` for
    an endpoint that gives no logs.
    """
    counted: Counter[tuple[bytes, Address]] = Counter()
    asked = {"topics": [[hex_data(topic) for topic in (_SYNC, CONCENTRATED_SWAP, BALANCER_SWAP)]]}
    vaults = {deployment.vault for deployment in deployments}
    async for log in logs_between(endpoint, asked, max(head.number - window_blocks + 1, 0), head.number):
        if (one := _swapped(log, vaults)) is not None:
            counted[one] += 1
    busiest = [one for one, _ in counted.most_common(_LOOKED_AT * max_pools)]
    found: list[Found] = []
    for topic, read in ((_SYNC, _pairs), (CONCENTRATED_SWAP, _concentrated), (BALANCER_SWAP, _balancer)):
        found += await read(endpoint, [address for said, address in busiest if said == topic], deployments, head)
    rank = {address: place for place, (_, address) in enumerate(busiest)}
    pools = sorted(found, key=lambda pool: rank[pool.address])[:max_pools]
    if not pools:
        raise ChainError(
            "no pool of a known factory was swapped in lately",
            measured=f"{len(counted)} contracts in {window_blocks} blocks",
            next_step="raise pools.window_blocks, or set start_block to a block before the pools you want were made",
        )
    return pools


def _swapped(log: Log, vaults: set[Address | None]) -> tuple[bytes, Address] | None:
    """Say by which event which pool swapped; None for a look-alike of the vault's event elsewhere."""
    if log.topics[0] != BALANCER_SWAP:
        return log.topics[0], log.address
    return (BALANCER_SWAP, Address("0x" + log.topics[1][:20].hex())) if log.address in vaults else None


async def _pairs(
    endpoint: Endpoint, addresses: Sequence[Address], deployments: Sequence[Deployment], head: BlockRef
) -> list[Found]:
    says = await _ask(endpoint, addresses, (_FACTORY, _TOKEN0, _TOKEN1), head)
    ours = _by_factory(says, deployments, "uniswap_v2")
    reads: list[Read] = [(d.factory, _GET_PAIR, tuple(said[1:3])) for _, d, said in ours]
    owned = await read_all(endpoint, reads, head.hash)
    return [
        Found(deployment=d, address=address, tokens=_tokens(said), fee_ppm=d.fee_ppm)
        for (address, d, said), answer in zip(ours, owned, strict=True)
        if answer is not None and str(answer[0]).lower() == address
    ]


async def _concentrated(
    endpoint: Endpoint, addresses: Sequence[Address], deployments: Sequence[Deployment], head: BlockRef
) -> list[Found]:
    says = await _ask(endpoint, addresses, (_FACTORY, _TOKEN0, _TOKEN1, _FEE, _TICK_SPACING), head)
    ours = _by_factory(says, deployments, "uniswap_v3")
    reads: list[Read] = [(d.factory, _GET_POOL, tuple(said[1:4])) for _, d, said in ours]
    owned = await read_all(endpoint, reads, head.hash)
    return [
        Found(deployment=d, address=address, tokens=_tokens(said), fee_ppm=int(said[3]), tick_spacing=int(said[4]))
        for (address, d, said), answer in zip(ours, owned, strict=True)
        if answer is not None and str(answer[0]).lower() == address
    ]


async def _balancer(
    endpoint: Endpoint, addresses: Sequence[Address], deployments: Sequence[Deployment], head: BlockRef
) -> list[Found]:
    asked = [(a, d) for a in addresses for d in deployments if d.kind.startswith("balancer")]
    owned = await read_all(endpoint, [(d.factory, _IS_FROM, (a,)) for a, d in asked], head.hash)
    return [
        Found(deployment=d, address=address)
        for (address, d), answer in zip(asked, owned, strict=True)
        if answer is not None and answer[0] is True
    ]


async def _ask(
    endpoint: Endpoint, addresses: Sequence[Address], functions: Sequence[Function], head: BlockRef
) -> list[tuple[Address, list[Any]]]:
    """Ask each contract each function; those that answer all of them, with their answers."""
    answers = await read_all(endpoint, [(a, f, ()) for a in addresses for f in functions], head.hash)
    step = len(functions)
    rows = [(a, answers[at * step : (at + 1) * step]) for at, a in enumerate(addresses)]
    return [(a, [one[0] for one in row if one is not None]) for a, row in rows if None not in row]


def _by_factory(
    says: Sequence[tuple[Address, list[Any]]], deployments: Sequence[Deployment], kind: str
) -> list[tuple[Address, Deployment, list[Any]]]:
    known = {d.factory: d for d in deployments if d.kind == kind}
    return [(a, known[f], said) for a, said in says if (f := Address(str(said[0]).lower())) in known]


def _tokens(said: Sequence[Any]) -> tuple[Address, Address]:
    return Address(str(said[1]).lower()), Address(str(said[2]).lower())
