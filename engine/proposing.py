"""Make asks: choose the capital for a cycle and set the floor that its profit must reach."""

from collections.abc import Callable, Sequence

from engine.desk import Ask, MarketView
from engine.domain.commands import TradingState
from engine.domain.hops import PPM
from engine.domain.opportunity import Opportunity, Origin, Route, SizedCycle, TradeRequest
from engine.domain.ordering import ASSUMED, Ordering
from engine.domain.units import Stamp
from engine.planning.capital import EXTRA_GAS, Lenders, Source, sources
from engine.planning.costs import bid_wei, floor_raw
from engine.risk.policy import Policy

StampOf = Callable[..., Stamp]


def engine_asks(
    cycles: Sequence[SizedCycle],
    view: MarketView,
    *,
    policy: Policy,
    lenders: Lenders,
    state: TradingState,
    stamp: StampOf,
    record: Callable[[Opportunity], object],
) -> list[Ask]:
    """Turn the scanner's cycles into opportunities, written down by `record`, and those into asks."""
    asks: list[Ask] = []
    for cycle in cycles:
        opportunity = Opportunity(
            stamp=stamp("opportunity", view.block, f"block-{view.block.number}-{view.block.hash}"),
            strategy="cycles",
            route=cycle.route,
            amount_in=cycle.amount_in,
            expected_out=cycle.amount_out,
            net_wei=cycle.net_wei,
            valid_until_block=view.block.number + view.fees.ordering.lands_within_blocks,
        )
        record(opportunity)
        ask = make_ask(
            cycle.route,
            cycle.amount_in,
            cycle.profit,
            cycle.gas_units,
            view,
            policy=policy,
            lenders=lenders,
            state=state,
            principal="engine",
            origin="engine",
            request_stamp=lambda o=opportunity: stamp("request", view.block, o.stamp.id),
        )
        if ask is not None:
            asks.append(ask)
    return asks


def net_before_bid(policy: Policy, ordering: Ordering = ASSUMED) -> int:
    """Say how much a cycle must net before its bid, in wei, to net the least allowed after it.

    Whatever nets less would be proved only to be found below its own floor.
    """
    return policy.min_net_profit_wei * PPM // max(PPM - ordering.bid_share_ppm(policy.bid_share_ppm), 1)


def make_ask(
    route: Route,
    amount_in: int,
    expected_profit: int,
    gas_units: int,
    view: MarketView,
    *,
    policy: Policy,
    lenders: Lenders,
    state: TradingState,
    principal: str,
    origin: Origin,
    request_stamp: Callable[[], Stamp],
    min_profit: int = 0,
) -> Ask | None:
    """Fund a cycle by its cheapest source and set its floor; None when nothing can fund it or nothing prices it.

    `min_profit` is what the asker wants at least, in raw units of the route's token: the floor is never below it.
    """
    price = view.prices.get(route.token)
    if price is None:
        return None
    funded = _cheapest(route, amount_in, view, lenders=lenders, state=state)
    if funded is None:
        return None
    units = gas_units + EXTRA_GAS[funded.capital]
    if view.gas_of is not None:
        units = view.gas_of(tuple(view.pools[hop.pool].family for hop in route.hops), funded.capital)
    profit = expected_profit - funded.fee
    apart_wei = view.l1_fee.wei + view.l1_fee.operator.of(units)
    before_bid = price.wei(profit) - units * view.base_fee_wei - apart_wei
    share_ppm = view.fees.ordering.bid_share_ppm(policy.bid_share_ppm)
    bid = bid_wei(before_bid, units, share_ppm, view.fees.least_priority_wei)
    gas_wei = units * (view.base_fee_wei + bid) + apart_wei
    floor = floor_raw(
        expected_profit=profit,
        gas_wei=gas_wei,
        min_net_wei=policy.min_net_profit_wei,
        price=price,
        floor_share_ppm=policy.floor_share_ppm,
    )
    request = TradeRequest(
        stamp=request_stamp(),
        principal=principal,
        origin=origin,
        route=route,
        amount_in=amount_in,
        min_profit=max(floor, min_profit),
    )
    return Ask(request=request, source=funded, gas_units=units, fees=view.fees)


def _cheapest(route: Route, amount: int, view: MarketView, *, lenders: Lenders, state: TradingState) -> Source | None:
    usable = sources(
        route,
        amount,
        pools=view.pools,
        funds=view.funds,
        lenders=lenders,
        price=view.prices[route.token],
        gas_price_wei=view.base_fee_wei,
    )
    return next((s for s in usable if state == "ACTIVE" or s.capital != "own"), None)
