"""The toolset "market": chains, venues, pools, exact quotes, prices, gas. All as of the newest block taken in."""

from collections.abc import Mapping, Sequence

from pydantic import Field

from engine.config import CHAINS
from engine.desk import MarketView
from engine.domain.errors import ControlError, QuoteError
from engine.domain.pools import AnyPool, ConcentratedPool, ConstantProductPool, StablePool
from engine.domain.units import Address, PoolId
from engine.params import AddressText, Name, Nothing, Page, Params, RouteParams
from engine.principals import Principal
from engine.queries import views
from engine.queries.running import Answer, Running
from engine.route_checks import misnamed
from engine.scanning.sizing import legs_of, quotes
from engine.venues.table import venue_of

MAX_TICKS_SHOWN = 20


class PoolsParams(Page):
    """Which pools: those of a venue, or those that hold a token."""

    deployment: Name | None = None
    token: AddressText | None = None


class PoolParams(Params):
    """One pool, by address."""

    pool: AddressText


class PricesParams(Params):
    """Prices of these tokens; without any, of the tokens that trades begin in."""

    tokens: tuple[AddressText, ...] = Field(default=(), max_length=50)


async def market_chains(engine: Running, params: Nothing, principal: Principal) -> Answer:
    """List the chains that Ketch knows, and which one this engine trades on."""
    rows = [
        {"id": int(c.id), "name": c.name, "aliases": list(c.aliases), "here": c.id == engine.settings.chain_id}
        for c in CHAINS
    ]
    return {"chains": rows, "block": views.block(engine.composition.loop.market.head)}


def venues(engine: Running) -> Answer:
    """Count the pools by deployment and family."""
    counts: dict[tuple[str, str], int] = {}
    kept_out: dict[tuple[str, str], int] = {}
    for pool in engine.composition.loop.market.pools.values():
        key = (pool.deployment, pool.family)
        counts[key] = counts.get(key, 0) + 1
        kept_out[key] = kept_out.get(key, 0) + bool(engine.composition.tokens.faults(pool.tokens))
    rows = [
        {"deployment": d, "family": f, "pools": n, "not_traded": kept_out[d, f]} for (d, f), n in sorted(counts.items())
    ]
    return {"venues": rows, "pools": sum(counts.values())}


async def market_venues(engine: Running, params: Nothing, principal: Principal) -> Answer:
    """List the venues with how many pools of which family each has."""
    return {"chain": engine.settings.chain, **venues(engine)}


async def market_pools(engine: Running, params: PoolsParams, principal: Principal) -> Answer:
    """List pools by address, a page at a time."""
    pools = engine.composition.loop.market.pools
    chosen = [
        pools[pool_id]
        for pool_id in sorted(pools)
        if (params.cursor is None or pool_id > params.cursor)
        and (params.deployment is None or pools[pool_id].deployment == params.deployment)
        and (params.token is None or params.token in pools[pool_id].tokens)
    ]
    page = chosen[: params.limit]
    tokens = [token for pool in page for token in pool.tokens]
    await engine.learn(tokens)
    return {
        "pools": [_row(pool) | {"not_traded": engine.composition.tokens.faults(pool.tokens)} for pool in page],
        "next_cursor": page[-1].id if len(chosen) > len(page) else None,
        "total_left": len(chosen) - len(page),
        "untrusted": views.labels(tokens, engine.tokens),
    }


async def market_pool(engine: Running, params: PoolParams, principal: Principal) -> Answer:
    """Show one pool with its state and the price at which it swaps the least amounts."""
    here = engine.composition.loop
    pool = here.market.pools.get(PoolId(params.pool))
    if pool is None:
        raise ControlError(
            "there is no such pool in the market",
            measured=params.pool,
            next_step="list pools with market_pools",
            code="not_found",
        )
    at = here.market.head
    await engine.learn(pool.tokens)
    return {
        **_row(pool),
        "block": views.block(at),
        "state": _state(pool, engine.tokens),
        "marginal_rates": _rates(pool),
        "untrusted": views.labels(pool.tokens, engine.tokens),
    }


async def quote_route(engine: Running, params: RouteParams, principal: Principal) -> Answer:
    """Quote a path of swaps exactly, leg by leg, before gas. It need not be a cycle, and nothing is sent."""
    view = engine.composition.loop.view()
    route = params.route()
    amounts = quoted(view, params)
    pools = {hop.pool: view.pools[hop.pool] for hop in route.hops}
    tokens = [token for hop in route.hops for token in (hop.token_in, hop.token_out)]
    await engine.learn(tokens)
    profit = amounts[-1] - amounts[0]
    return {
        "block": views.block(view.block),
        "legs": views.legs(route, amounts, pools, engine.tokens),
        "amount_out": views.amount(amounts[-1], route.hops[-1].token_out, engine.tokens),
        "closed_cycle": route.closed,
        "gross_profit": views.amount(profit, route.token, engine.tokens) if route.closed else None,
        "untrusted": views.labels(tokens, engine.tokens),
    }


def quoted(view: MarketView, params: RouteParams) -> list[int]:
    """Quote a path: the amount before the first hop and after each; raises `ControlError` where that cannot be."""
    route = params.route()
    breach = misnamed(route, view)
    follows = all(a.token_out == b.token_in for a, b in zip(route.hops, route.hops[1:], strict=False))
    if breach is not None or not follows:
        raise ControlError(
            "the route cannot be followed",
            measured=breach.measured if breach else "a hop takes another token than the one before gave",
            limit=breach.limit if breach else "each hop takes what the one before gave",
            next_step="take pools and tokens from market_pools",
            code="not_found" if breach else "invalid_params",
        )
    try:
        return quotes(legs_of(route, view.pools), int(params.amount_in))
    except QuoteError as error:
        raise ControlError(
            error.what, measured=error.measured, limit=error.limit, next_step="ask for less", code="cannot_swap"
        ) from error


async def market_prices(engine: Running, params: PricesParams, principal: Principal) -> Answer:
    """Price tokens in the native coin, at the mid of the deepest pools; None where no deep pool tells."""
    view = engine.composition.loop.view()
    asked = [Address(t) for t in params.tokens] or list(engine.settings.base_tokens)
    await engine.learn(asked)
    rows: list[views.View] = []
    for token in asked:
        price, known = view.prices.get(token), engine.tokens.get(token)
        one = None if price is None or known is None else views.wei(price.wei(10**known.decimals))
        rows.append({"token": token, "decimals": known.decimals if known else None, "one_token": one})
    return {
        "block": views.block(view.block),
        "native_wrapped": engine.composition.journal.genesis["native_wrapped"],
        "prices": rows,
        "untrusted": views.labels(asked, engine.tokens),
    }


async def gas(engine: Running, params: Nothing, principal: Principal) -> Answer:
    """Say what gas costs in the next block, and what a typical trade would pay."""
    view = engine.composition.loop.view()
    fees = await engine.composition.loop.forecast.at(view.block, view.base_fee_wei)
    typical = 200_000
    return {
        "block": views.block(view.block),
        "base_fee_wei": str(view.base_fee_wei),
        "next_block": {
            "base_fee_wei": None if fees.next_base_fee_wei is None else str(fees.next_base_fee_wei),
            "least_priority_fee_wei": str(fees.least_priority_wei),
            "by": fees.source,
            "why": fees.why,
        },
        "base_fee_gwei": views.human(view.base_fee_wei, 9),
        "typical_trade": {"gas_units": typical, "cost": views.wei(typical * view.base_fee_wei)},
        "bid_share_ppm": fees.ordering.bid_share_ppm(engine.settings.risk.bid_share_ppm),
        "ordering": fees.ordering.shown(),
        "max_gas_a_trade": views.wei(engine.settings.risk.max_gas_wei),
    }


def _row(pool: AnyPool) -> views.View:
    return {
        "pool": pool.id,
        "deployment": pool.deployment,
        "family": pool.family,
        "fee_ppm": views.fee_ppm(pool),
        "tokens": list(pool.tokens),
    }


def _state(pool: AnyPool, tokens: views.Tokens) -> views.View:
    if isinstance(pool, ConstantProductPool):
        return {"reserves": _amounts((pool.reserve0, pool.reserve1), pool.tokens, tokens)}
    if isinstance(pool, ConcentratedPool):
        return {
            "sqrt_price_x96": str(pool.sqrt_price_x96),
            "tick": pool.tick,
            "tick_spacing": pool.tick_spacing,
            "liquidity": str(pool.liquidity),
            "initialised_ticks": len(pool.ticks),
            "nearest_ticks": _nearest(pool.ticks, pool.tick),
        }
    state: views.View = {"balances": _amounts(pool.balances, pool.tokens, tokens)}
    if isinstance(pool, StablePool):
        return state | {"amplification": str(pool.amp), "amplification_changes": pool.amp_updating}
    return state | {"weights": [views.human(weight, 18) for weight in pool.weights]}


def _amounts(raw: Sequence[int], of: Sequence[Address], tokens: views.Tokens) -> list[views.View]:
    return [views.amount(value, token, tokens) for value, token in zip(raw, of, strict=True)]


def _nearest(ticks: Mapping[int, tuple[int, int]], tick: int) -> list[views.View]:
    near = sorted(sorted(ticks, key=lambda at: abs(at - tick))[:MAX_TICKS_SHOWN])
    return [{"tick": at, "liquidity_net": str(ticks[at][0])} for at in near]


def _rates(pool: AnyPool) -> list[views.View]:
    rows: list[views.View] = []
    for a in pool.tokens:
        for b in pool.tokens:
            if a != b:
                rate = venue_of(pool).marginal_rate(pool, a, b)
                rows.append({"token_in": a, "token_out": b, "raw_out_per_raw_in": f"{rate:.12g}"})
    return rows[:20]
