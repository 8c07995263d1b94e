"""Seeded universes of pools of all families around common prices, with gaps between them, as blocks leave them."""

import math
from dataclasses import dataclass
from random import Random

from engine.domain.opportunity import Price
from engine.domain.pools import AnyPool, ConcentratedPool, ConstantProductPool, StablePool, WeightedPool
from engine.domain.units import Address, PoolId
from engine.venues.tick_math import MAX_TICK
from tests.positions import concentrated_pool

WEI = 10**18
TIERS = ((100, 1), (500, 10), (3000, 60), (10_000, 200))  # fee in ppm, tick spacing
WEIGHTS = ((5, 5), (8, 2), (2, 8), (6, 4), (5, 3, 2), (4, 4, 2))  # tenths


@dataclass(frozen=True, slots=True, kw_only=True)
class Coin:
    """A token with `wei_per_raw`, its price for one raw unit."""

    address: Address
    decimals: int
    wei_per_raw: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """All that a scan takes."""

    pools: dict[PoolId, AnyPool]
    base_tokens: tuple[Address, ...]
    prices: dict[Address, Price]
    gas_price_wei: int
    floor_wei: int


def random_market(seed: int) -> Market:
    """Draw 6 to 30 pools over 4 to 8 tokens, two or more of which are pegged to each other."""
    rng = Random(seed)
    coins = _coins(rng, rng.randint(4, 8))
    size = rng.randint(6, 30)
    # many pools with wide gaps make a thousand profitable cycles, which say no more than a hundred
    spread = rng.choice((0.001, 0.002, 0.004, 0.01, 0.05)) * min(1.0, 10 / size)
    pools: dict[PoolId, AnyPool] = {}
    for number in range(size):
        pool = _pool(rng, coins, PoolId(f"0x{number + 1:040x}"), spread)
        pools[pool.id] = pool
    bases = [coin.address for coin in rng.sample(coins, rng.randint(1, 3))]
    prices = {coin.address: Price(num=int(coin.wei_per_raw * 10**12), den=10**12) for coin in coins}
    if rng.random() < 0.15:
        del prices[bases[-1]]  # an unknown price
    return Market(
        pools=pools,
        base_tokens=tuple(bases),
        prices=prices,
        gas_price_wei=rng.choice((0, 10**9, 10**10, 3 * 10**10, 10**11)),
        floor_wei=rng.choice((0, 10**12, 10**15, 10**16)),
    )


def _coins(rng: Random, count: int) -> list[Coin]:
    pegged = rng.randint(2, 3)
    coins: list[Coin] = []
    for number in range(count):
        decimals = 18 if number == 0 else rng.choice((6, 8, 18))
        whole = 1.0 if number == 0 else 10 ** rng.uniform(-4, 1.3)
        if number >= count - pegged:
            whole = 1 / 2500
        address = Address("0x" + f"{rng.getrandbits(32):08x}{number:02x}".rjust(40, "7"))
        coins.append(Coin(address=address, decimals=decimals, wei_per_raw=whole * 10 ** (18 - decimals)))
    return coins


def _pool(rng: Random, coins: list[Coin], pool_id: PoolId, spread: float) -> AnyPool:
    depth = 10 ** rng.uniform(-1, 3.3) * WEI  # wei on each side
    family = rng.choices(("v2", "v3", "weighted", "stable"), (4, 4, 2, 1))[0]
    if family == "stable":
        chosen = [coin for coin in coins if coin.wei_per_raw * 10**coin.decimals == WEI / 2500]
        return _stable(rng, rng.sample(chosen, rng.randint(2, len(chosen))), pool_id, depth)
    if family == "weighted":
        weights = rng.choice(WEIGHTS)
        return _weighted(rng, rng.sample(coins, len(weights)), weights, pool_id, depth, spread)
    pair = sorted(rng.sample(coins, 2), key=lambda coin: coin.address)
    if family == "v2":
        return _pair(rng, pair, pool_id, depth, spread)
    return _ranges(rng, pair, pool_id, depth, spread)


def _off(rng: Random, spread: float) -> float:
    return math.exp(rng.gauss(0, spread))


def _pair(rng: Random, pair: list[Coin], pool_id: PoolId, depth: float, spread: float) -> ConstantProductPool:
    fee, denominator = rng.choice(((3, 1000), (25, 10_000), (5, 10_000)))
    return ConstantProductPool(
        id=pool_id,
        deployment="uniswap_v2",
        tokens=(pair[0].address, pair[1].address),
        fee=fee,
        fee_denominator=denominator,
        reserve0=max(1, int(depth / pair[0].wei_per_raw * _off(rng, spread))),
        reserve1=max(1, int(depth / pair[1].wei_per_raw)),
    )


def _ranges(rng: Random, pair: list[Coin], pool_id: PoolId, depth: float, spread: float) -> ConcentratedPool:
    fee_ppm, spacing = rng.choice(TIERS)
    root = math.sqrt(pair[0].wei_per_raw / pair[1].wei_per_raw * _off(rng, spread))
    tick = math.floor(math.log(root) / math.log(1.0001) * 2)
    liquidity = depth / pair[1].wei_per_raw / root  # of a full range with this much on each side
    positions: list[tuple[int, int, int]] = []
    scarce = rng.random() < 0.25  # one narrow position: what a route can carry ends there
    if scarce:
        lower = tick // spacing * spacing
        positions.append((lower, lower + spacing * rng.randint(1, 3), max(1, int(liquidity))))
    for _ in range(0 if scarce else rng.randint(1, 5)):
        if rng.random() < 0.3:
            edge = MAX_TICK // spacing * spacing
            positions.append((-edge, edge, max(1, int(liquidity))))
            continue
        centre = round(tick / spacing) + rng.randint(-8, 8)
        reach = rng.randint(1, 400)
        lower, upper = (centre - reach) * spacing, (centre + rng.randint(1, reach)) * spacing
        positions.append((lower, upper, max(1, int(liquidity * 10 ** rng.uniform(-1, 1)))))
    pool = concentrated_pool(
        sqrt_price_x96=int(root * 2**96), fee_ppm=fee_ppm, tick_spacing=spacing, positions=positions
    )
    return ConcentratedPool(
        id=pool_id,
        deployment=pool.deployment,
        tokens=(pair[0].address, pair[1].address),
        fee_ppm=pool.fee_ppm,
        tick_spacing=pool.tick_spacing,
        sqrt_price_x96=pool.sqrt_price_x96,
        tick=pool.tick,
        liquidity=pool.liquidity,
        ticks=pool.ticks,
        tick_index=pool.tick_index,
    )


def _weighted(
    rng: Random, coins: list[Coin], weights: tuple[int, ...], pool_id: PoolId, depth: float, spread: float
) -> WeightedPool:
    return WeightedPool(
        id=pool_id,
        deployment="balancer_v2",
        tokens=tuple(coin.address for coin in coins),
        balancer_id=pool_id + "0" * 24,
        balances=tuple(
            max(1, int(depth * weight / 5 / coin.wei_per_raw * _off(rng, spread)))
            for coin, weight in zip(coins, weights, strict=True)
        ),
        weights=tuple(weight * WEI // 10 for weight in weights),
        scaling=tuple(10 ** (18 - coin.decimals) for coin in coins),
        fee=rng.choice((10**14, 10**15, 3 * 10**15)),
        version=rng.choice((1, 2)),
    )


def _stable(rng: Random, coins: list[Coin], pool_id: PoolId, depth: float) -> StablePool:
    return StablePool(
        id=pool_id,
        deployment="balancer_v2",
        tokens=tuple(coin.address for coin in coins),
        balancer_id=pool_id + "0" * 24,
        balances=tuple(max(1, int(depth / coin.wei_per_raw * rng.uniform(0.3, 3))) for coin in coins),
        amp=rng.choice((50, 200, 2000)) * 1000,
        scaling=tuple(10 ** (18 - coin.decimals) for coin in coins),
        fee=rng.choice((10**14, 4 * 10**14)),
        version=rng.choice((1, 2)),
    )
