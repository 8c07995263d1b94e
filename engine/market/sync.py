"""Read pools from the chain at one block hash: their first state, and the second opinion that finds drift."""

from collections.abc import Sequence
from typing import Any

from engine.chains.abi import Function
from engine.chains.endpoints import Endpoint
from engine.chains.multicall import Read, read_all
from engine.domain.pools import AnyPool, ConcentratedPool, ConstantProductPool, StablePool, WeightedPool
from engine.domain.tokens import Token
from engine.domain.units import Address, BlockHash, PoolId
from engine.market.discovery import Found

_SYMBOL = Function("symbol()", ("string",))
_DECIMALS = Function("decimals()", ("uint8",))
_RESERVES = Function("getReserves()", ("uint112", "uint112", "uint32"))
_SLOT0 = Function("slot0()", ("uint160", "int24", "uint16", "uint16", "uint16", "uint8", "bool"))
_LIQUIDITY = Function("liquidity()", ("uint128",))
_TICK_BITMAP = Function("tickBitmap(int16)", ("uint256",))
_TICKS = Function("ticks(int24)", ("uint128", "int128"))
_POOL_ID = Function("getPoolId()", ("bytes32",))
_POOL_TOKENS = Function("getPoolTokens(bytes32)", ("address[]", "uint256[]", "uint256"))
_SWAP_FEE = Function("getSwapFeePercentage()", ("uint256",))
_WEIGHTS = Function("getNormalizedWeights()", ("uint256[]",))
_AMP = Function("getAmplificationParameter()", ("uint256", "bool", "uint256"))

_MAX_TICK = 887_272
_WORD_TICKS = 256
_SYMBOL_CHARACTERS = 32

PPM = 1_000_000


async def read_tokens(endpoint: Endpoint, addresses: Sequence[Address], at: BlockHash) -> dict[Address, Token]:
    """Read tokens; one without decimals is left out, since nothing about its amounts can be said."""
    answers = await read_all(endpoint, [(a, f, ()) for a in addresses for f in (_SYMBOL, _DECIMALS)], at)
    tokens: dict[Address, Token] = {}
    for address, symbol, decimals in zip(addresses, answers[::2], answers[1::2], strict=True):
        if decimals is not None:
            tokens[address] = Token(address=address, symbol=_label(symbol), decimals=decimals[0])
    return tokens


def _label(symbol: tuple[Any, ...] | None) -> str:
    """Make an untrusted symbol harmless to show: printable ASCII only, and short."""
    text = str(symbol[0]) if symbol else ""
    return "".join(c for c in text if " " < c < "\x7f")[:_SYMBOL_CHARACTERS] or "?"


async def read_pools(endpoint: Endpoint, found: Sequence[Found], at: BlockHash) -> dict[PoolId, AnyPool]:
    """Read pools at block `at`. A pool that cannot be read whole is left out: unknown state is no state."""
    kinds = {f.deployment.kind for f in found}
    pools: dict[PoolId, AnyPool] = {}
    for kind in sorted(kinds):
        of_kind = [f for f in found if f.deployment.kind == kind]
        for pool in await _READERS[kind](endpoint, of_kind, at):
            pools[pool.id] = pool
    return {PoolId(f.address): pools[PoolId(f.address)] for f in found if PoolId(f.address) in pools}


async def _read_constant_product(endpoint: Endpoint, found: Sequence[Found], at: BlockHash) -> list[AnyPool]:
    answers = await read_all(endpoint, [(f.address, _RESERVES, ()) for f in found], at)
    return [
        ConstantProductPool(
            id=PoolId(f.address),
            deployment=f.deployment.name,
            tokens=f.tokens,
            fee=f.fee_ppm,
            fee_denominator=PPM,
            reserve0=reserves[0],
            reserve1=reserves[1],
        )
        for f, reserves in zip(found, answers, strict=True)
        if reserves is not None
    ]


async def _read_concentrated(endpoint: Endpoint, found: Sequence[Found], at: BlockHash) -> list[AnyPool]:
    heads = await read_all(endpoint, [(f.address, g, ()) for f in found for g in (_SLOT0, _LIQUIDITY)], at)
    word_reads: list[tuple[Found, int]] = [(f, word) for f in found for word in _bitmap_words(f.tick_spacing)]
    bitmaps = await read_all(endpoint, [(f.address, _TICK_BITMAP, (word,)) for f, word in word_reads], at)
    tick_reads: list[tuple[Found, int]] = []
    unreadable: set[Address] = set()
    for (f, word), bitmap in zip(word_reads, bitmaps, strict=True):
        if bitmap is None:
            unreadable.add(f.address)
            continue
        bits = bitmap[0]
        while bits:
            low = bits & -bits
            tick_reads.append((f, (word * _WORD_TICKS + low.bit_length() - 1) * f.tick_spacing))
            bits ^= low
    liquidity = await read_all(endpoint, [(f.address, _TICKS, (tick,)) for f, tick in tick_reads], at)
    ticks: dict[Address, dict[int, tuple[int, int]]] = {f.address: {} for f in found}
    for (f, tick), answer in zip(tick_reads, liquidity, strict=True):
        if answer is None:
            unreadable.add(f.address)
        else:
            ticks[f.address][tick] = (answer[1], answer[0])
    pools: list[AnyPool] = []
    for f, slot0, in_range in zip(found, heads[::2], heads[1::2], strict=True):
        if slot0 is None or in_range is None or f.address in unreadable:
            continue
        pools.append(
            ConcentratedPool(
                id=PoolId(f.address),
                deployment=f.deployment.name,
                tokens=f.tokens,
                fee_ppm=f.fee_ppm,
                tick_spacing=f.tick_spacing,
                sqrt_price_x96=slot0[0],
                tick=slot0[1],
                liquidity=in_range[0],
                ticks=ticks[f.address],
                tick_index=tuple(sorted(ticks[f.address])),
            )
        )
    return pools


def _bitmap_words(tick_spacing: int) -> range:
    """Every word of the tick bitmap that the protocol can set: never a window around the price."""
    furthest = _MAX_TICK // tick_spacing
    return range(-furthest // _WORD_TICKS, furthest // _WORD_TICKS + 1)


async def _read_balancer(
    endpoint: Endpoint, found: Sequence[Found], at: BlockHash, own: Function
) -> list[tuple[Found, dict[str, Any], tuple[Any, ...]]]:
    """Read what weighted and stable pools share, and the answer of the one function that is the family's `own`."""
    heads = await read_all(endpoint, [(f.address, g, ()) for f in found for g in (_POOL_ID, _SWAP_FEE, own)], at)
    known = [
        (f, pool_id[0], fee[0], extra)
        for f, pool_id, fee, extra in zip(found, heads[::3], heads[1::3], heads[2::3], strict=True)
        if pool_id is not None and fee is not None and extra is not None
    ]
    vault_reads: list[Read] = [(f.deployment.vault or f.address, _POOL_TOKENS, (i,)) for f, i, _, _ in known]
    balances = await read_all(endpoint, vault_reads, at)
    tokens = [tuple(Address(t.lower()) for t in b[0]) if b else () for b in balances]
    decimals = await read_tokens(endpoint, sorted({t for ts in tokens for t in ts}), at)
    pools: list[tuple[Found, dict[str, Any], tuple[Any, ...]]] = []
    for (f, pool_id, fee, extra), answer, of_pool in zip(known, balances, tokens, strict=True):
        if answer is None or any(t not in decimals for t in of_pool):
            continue
        shared: dict[str, Any] = {
            "id": PoolId(f.address),
            "deployment": f.deployment.name,
            "tokens": of_pool,
            "balancer_id": "0x" + pool_id.hex(),
            "balances": tuple(answer[1]),
            "scaling": tuple(10 ** (18 - decimals[t].decimals) for t in of_pool),
            "fee": fee,
            "vault": f.deployment.vault,
        }
        pools.append((f, shared, extra))
    return pools


async def _read_weighted(endpoint: Endpoint, found: Sequence[Found], at: BlockHash) -> list[AnyPool]:
    return [
        WeightedPool(**shared, weights=tuple(weights[0]))
        for _, shared, weights in await _read_balancer(endpoint, found, at, _WEIGHTS)
    ]


async def _read_stable(endpoint: Endpoint, found: Sequence[Found], at: BlockHash) -> list[AnyPool]:
    return [
        StablePool(**shared, amp=amp[0], amp_updating=amp[1])
        for _, shared, amp in await _read_balancer(endpoint, found, at, _AMP)
    ]


_READERS = {
    "uniswap_v2": _read_constant_product,
    "uniswap_v3": _read_concentrated,
    "balancer_weighted": _read_weighted,
    "balancer_stable": _read_stable,
}
