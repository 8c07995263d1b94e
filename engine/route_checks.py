"""What a route that somebody names must be before it is worth a simulation."""

from engine.desk import MarketView
from engine.domain.errors import QuoteError
from engine.domain.hops import MAX_HOPS
from engine.domain.opportunity import Route
from engine.risk.limits import Breach
from engine.risk.rules import unsafe_tokens
from engine.scanning.sizing import legs_of, quotes

_NEXT = "take a cycle from scan_now, or pools and tokens from market_pools"


def misnamed(route: Route, view: MarketView) -> Breach | None:
    """Refuse hops through pools that are not known, or in tokens that the pool does not hold."""
    for hop in route.hops:
        pool = view.pools.get(hop.pool)
        if pool is None:
            return Breach(rule="known pool", measured=hop.pool, limit="a pool of the market", next_step=_NEXT)
        wrong = sorted({hop.token_in, hop.token_out} - {*pool.tokens})
        if wrong or hop.token_in == hop.token_out:
            return Breach(
                rule="known token",
                measured=f"{', '.join(wrong) or hop.token_in} in pool {hop.pool}",
                limit=f"two of {', '.join(pool.tokens)}",
                next_step=_NEXT,
            )
    return None


def unfit(route: Route, amount_in: int, view: MarketView) -> Breach | None:
    """Refuse what is no closed cycle through known pools and sound tokens, cannot be swapped, or cannot be valued."""
    breach = misnamed(route, view)
    if breach is not None:
        return breach
    flaws = {
        "it does not end in the token it begins with": not route.closed,
        f"{len(route.hops)} hops": len(route.hops) > MAX_HOPS,
        "a pool comes twice": len(route.pools) < len(route.hops),
        f"an input of {amount_in}": amount_in < 1,
    }
    measured = [flaw for flaw, found in flaws.items() if found]
    if measured:
        return Breach(
            rule="closed cycle",
            measured="; ".join(measured),
            limit=f"a closed cycle of 2 to {MAX_HOPS} hops, each pool once",
            next_step=_NEXT,
        )
    tokens = dict.fromkeys(hop.token_out for hop in route.hops)
    breach = unsafe_tokens({token: why for token in tokens if (why := view.token_fault(token)) is not None})
    if breach is not None:
        return breach
    if route.token not in view.prices:
        return Breach(
            rule="known price",
            measured=f"no price for {route.token}",
            limit="a price in the native coin",
            next_step="begin the cycle in a token that has a pool with the wrapped native coin",
        )
    try:
        expected_profit(route, amount_in, view)
    except QuoteError as error:
        return Breach(
            rule="quote", measured=error.cause(), limit="an amount that every pool swaps", next_step="ask for less"
        )
    return None


def expected_profit(route: Route, amount_in: int, view: MarketView) -> int:
    """Quote a cycle's gross profit in raw units of its token; raises `QuoteError` as its pools do."""
    return quotes(legs_of(route, view.pools), amount_in)[-1] - amount_in
