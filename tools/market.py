"""The toolset "market": chains, venues, pools, exact quotes, prices, gas; all as of the newest block."""

from typing import Annotated, Any

from pydantic import Field

from tools.shapes import Address, Amount, Block, Cursor, Hops, Labels, Limit, Page, Raw, Rows, Wei, given, route
from tools.spec import READS, Ask, Shown, ToolSpec


class Chains(Shown):
    """Chains known, and which one this engine is on."""

    chains: Rows


class Venues(Shown):
    """Pools by deployment and family."""

    venues: Rows
    pools: int


class Pools(Page):
    """Pools by address."""

    pools: Rows
    untrusted_symbols: Labels


class Pool(Shown):
    """A pool with its state."""

    pool: str
    deployment: str
    family: str
    fee_ppm: int
    tokens: list[str]
    block: Block
    state: dict[str, Any]
    marginal_rates: Rows
    untrusted_symbols: Labels


class Quote(Shown):
    """An exact quote, leg by leg, before gas."""

    block: Block
    legs: Rows
    amount_out: Amount
    closed_cycle: bool
    gross_profit: Amount | None
    untrusted_symbols: Labels


class Prices(Shown):
    """What one whole token is worth in the native coin; null when no deep pool tells."""

    block: Block
    prices: Rows
    untrusted_symbols: Labels


class Gas(Shown):
    """What gas costs in the next block."""

    block: Block
    base_fee_wei: str
    base_fee_gwei: str
    typical_trade: dict[str, Any]
    max_gas_a_trade: Wei


async def market_chains(ask: Ask) -> Chains:
    """Use to learn which chains are known and which one this engine trades on.

    Example: {}
    """
    return Chains.of(await ask("market_chains", {}))


async def market_venues(ask: Ask) -> Venues:
    """Use to learn which exchanges are followed, with how many pools of which family.

    Example: {}
    """
    return Venues.of(await ask("market_venues", {}))


async def market_pools(
    ask: Ask,
    venue: Annotated[str | None, Field(max_length=64)] = None,
    token: Address | None = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Pools:
    """Use to find pools of a venue or with a token; the addresses are what quote_route and simulate_trade take.

    Example: {"venue": "uniswap_v3", "limit": 5}
    """
    asked = given(deployment=venue, token=token, limit=limit, cursor=cursor)
    return Pools.of(await ask("market_pools", asked))


async def market_pool(ask: Ask, pool: Address) -> Pool:
    """Use to see one pool's reserves or liquidity, fee and marginal rates.

    Example: {"pool": "0x1111111111111111111111111111111111111111"}
    """
    return Pool.of(await ask("market_pool", {"pool": pool}))


async def quote_route(ask: Ask, hops: Hops, amount_in: Raw) -> Quote:
    """Use to quote any path of swaps exactly. Nothing is sent; costs and rules are in simulate_trade.

    Example: {"hops": [{"pool": "0x1111111111111111111111111111111111111111", "token_in": "0x2222222222222222222222222222222222222222", "token_out": "0x3333333333333333333333333333333333333333"}], "amount_in": "1000000"}
    """  # noqa: E501 - an example is one line
    return Quote.of(await ask("quote_route", route(hops, amount_in=amount_in)))


async def market_prices(ask: Ask, tokens: Annotated[list[Address], Field(max_length=50)] = []) -> Prices:  # noqa: B006
    """Use to price tokens in the native coin from the deepest pools; none given: the tokens that trades begin in.

    Example: {"tokens": []}
    """
    return Prices.of(await ask("market_prices", {"tokens": tokens}))


async def market_gas(ask: Ask) -> Gas:
    """Use to see the base fee and what a typical trade pays.

    Example: {}
    """
    return Gas.of(await ask("gas", {}))


TOOLS = (
    ToolSpec(run=market_chains, title="Chains", hints=READS),
    ToolSpec(run=market_venues, title="Venues", hints=READS),
    ToolSpec(run=market_pools, title="Pools", hints=READS),
    ToolSpec(run=market_pool, title="One pool", hints=READS),
    ToolSpec(run=quote_route, title="Quote a route", hints=READS),
    ToolSpec(run=market_prices, title="Prices", hints=READS),
    ToolSpec(run=market_gas, title="Gas", hints=READS),
)
