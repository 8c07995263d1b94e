"""Constant-product pairs between a few named tokens, for markets small enough to reason about."""

from engine.domain.opportunity import Hop, Price, Route
from engine.domain.pools import AnyPool, ConstantProductPool
from engine.domain.units import Address, PoolId

ETH = 10**18
WETH, DAI, UNI, LINK = (Address("0x" + digit * 40) for digit in "abcd")
ONE_TO_ONE = Price(num=1, den=1)


def pair(number: int, token0: Address, token1: Address, reserve0: int, reserve1: int, fee: int = 3) -> AnyPool:
    """A pair of this many whole tokens of 18 decimals on each side; fee in thousandths."""
    return ConstantProductPool(
        id=PoolId(f"0x{number:040x}"),
        deployment="uniswap_v2",
        tokens=(token0, token1),
        fee=fee,
        fee_denominator=1000,
        reserve0=reserve0 * ETH,
        reserve1=reserve1 * ETH,
    )


def by_id(*pools: AnyPool) -> dict[PoolId, AnyPool]:
    """Key pools as the market does."""
    return {pool.id: pool for pool in pools}


def route(*steps: tuple[AnyPool, Address, Address]) -> Route:
    """Name a route by pools and tokens."""
    return Route(hops=tuple(Hop(pool=pool.id, token_in=given, token_out=taken) for pool, given, taken in steps))
