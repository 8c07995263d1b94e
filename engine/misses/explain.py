"""Why somebody else's arbitrage was not ours: the first cause on the way that a trade takes, with what was measured."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from engine.domain.commands import TradingState
from engine.domain.decision import BidLimit
from engine.domain.opportunity import Hop, Price, Route
from engine.domain.pools import AnyPool
from engine.domain.units import Address, PoolId
from engine.misses.classify import Arbitrage
from engine.misses.outbid import UNKNOWN, Short, held_to, short_of
from engine.scanning.ranking import gas_units, known_price, net_wei
from engine.scanning.sizing import best_size, legs_of

Reason = Literal[
    "unknown venue",
    "unknown pool",
    "token set aside",
    "base tokens",
    "too many hops",
    "halted",
    "seen late",
    "below floor",
    "simulation failed",
    "refused",
    "outbid",
    "mis-sized",
    "not chosen",
]

WHAT_WOULD_HELP: Mapping[Reason, str] = {
    "unknown venue": "add the factory to deployments",
    "unknown pool": "lower start_block to before the pool's creation; where it is 0, raise pools.max_pools",
    "token set aside": "nothing, if the check is right: ketch tokens shows what it found",
    "base tokens": "add the token that the cycle begins in to base_tokens, and list it on the executor",
    "too many hops": "raise scan.max_hops",
    "halted": "resume: ketch resume",
    "seen late": "a nearer or faster endpoint; what opens and closes within one block needs a stream of pending trades",
    "below floor": "lower risk.min_net_profit_wei, or spend less gas",
    "simulation failed": "look at the refusal: ketch trades shows what the simulation said",
    "refused": "change the rule that refused it, if you want its risk",
    "outbid": UNKNOWN,
    "mis-sized": "nothing: what was left after our trade was worth taking to somebody cheaper",
    "not chosen": "raise scan.max_rounds, or risk.max_open_intents; or turn scan.prior off, if it is on",
}
"""Reason -> what would have to change for the next one like it to be ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What we decided on the block before: the pools of the route, and the rule that refused it, None for approved."""

    pools: frozenset[PoolId]
    rule: str | None
    measured: str = ""
    limit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OurTrade:
    """A transaction of ours that was meant for the block. `position` is None when it was not mined in it.

    `amount_in`, `bid_wei`, per gas, and `limits`, of the bid, are None for one that was decided earlier than on the
    block before.
    """

    pools: frozenset[PoolId]
    amount_in: int | None
    bid_wei: int | None
    filled: bool
    position: int | None
    limits: Sequence[BidLimit] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All that we knew and did before a block: the pools after the block before it, and what we made of them.

    `looked` is False when the block before came too late to act on. `factories` says of pools that we do not know
    which factory they name themselves; a pool that is missing there names none. `venues` are the factories that we
    follow. `set_aside` holds the tokens that are not traded, with the reason. `mined_base_fee_wei` is that of the block
    itself, `base_fee_wei` that of the block before.
    """

    pools: Mapping[PoolId, AnyPool]
    prices: Mapping[Address, Price]
    base_fee_wei: int
    base_tokens: tuple[Address, ...]
    max_hops: int
    least_net_wei: int
    state: TradingState
    looked: bool
    decided: Sequence[Decided]
    ours: Sequence[OurTrade]
    set_aside: Mapping[Address, str]
    factories: Mapping[PoolId, Address]
    venues: frozenset[Address]
    mined_base_fee_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """An arbitrage that somebody else landed, and why it was not ours.

    `net_wei` is its value: profit at our price less the gas that was paid, None for an unknown price. `our_*` is what
    we would have done on the block before: None where we could not have known. `short` is what an outbid bid lacked,
    None where that is not known.
    """

    arbitrage: Arbitrage
    reason: Reason
    measured: str
    limit: str
    net_wei: int | None
    our_amount_in: int | None
    our_net_wei: int | None
    our_bid_wei: int | None
    short: Short | None = None


def explain(arbitrage: Arbitrage, known: Known) -> Miss:
    """Name the first cause, in the order of the way through the house: market, scan, floor, desk, chain."""
    route = route_of(arbitrage, known.base_tokens)
    ours = next((o for o in known.ours if o.pools & _pools(arbitrage)), None)
    sized = _sized(route, known) if route is not None and _pools(arbitrage) <= known.pools.keys() else None
    reason, measured, limit = _cause(arbitrage, route, sized, ours, known)
    short = _short(arbitrage, ours, known) if reason == "outbid" else None
    if short is not None and short.needed_wei is not None:
        measured, limit = f"{measured}{held_to(short)}", f"{limit}, at {short.needed_wei} wei per gas"
    price = known_price(known.prices, arbitrage.token)
    gas_wei = arbitrage.gas_wei
    return Miss(
        arbitrage=arbitrage,
        reason=reason,
        measured=measured,
        limit=limit,
        net_wei=None
        if price is None or gas_wei is None
        else price.wei(arbitrage.profit) - gas_wei - (arbitrage.tip_wei or 0),
        our_amount_in=(ours.amount_in if ours else None) or (sized[0] if sized else None),
        our_net_wei=sized[1] if sized else None,
        our_bid_wei=ours.bid_wei if ours else None,
        short=short,
    )


def route_of(arbitrage: Arbitrage, base_tokens: Iterable[Address]) -> Route | None:
    """Write the cycle as a route of ours: from its own first token if that is a base token, else from one on the way.

    None when it touches none.
    """
    hops = tuple(Hop(pool=s.pool, token_in=s.token_in, token_out=s.token_out) for s in arbitrage.swaps)
    allowed = {*base_tokens}
    turned = (hops[i:] + hops[:i] for i in range(len(hops)))
    return next((Route(hops=cycle) for cycle in turned if cycle[0].token_in in allowed), None)


def _cause(
    arbitrage: Arbitrage,
    route: Route | None,
    sized: tuple[int, int] | None,
    ours: OurTrade | None,
    known: Known,
) -> tuple[Reason, str, str]:
    strange = sorted(_pools(arbitrage) - known.pools.keys())
    if strange:
        unfollowed = [p for p in strange if known.factories.get(p) not in known.venues]
        if unfollowed:
            factory = known.factories.get(unfollowed[0], "none that it names")
            return "unknown venue", f"pool {unfollowed[0]} of factory {factory}", _listed(known.venues)
        return "unknown pool", ", ".join(strange), f"{len(known.pools)} pools known"
    if ours is not None:  # it was as good as ours; a token that is in doubt since then was not in doubt before
        return _beaten(arbitrage, ours)
    unsound = next((s.token_in for s in arbitrage.swaps if s.token_in in known.set_aside), None)
    if unsound is not None:
        return "token set aside", f"{unsound}: {known.set_aside[unsound]}", "a token that the check found sound"
    if route is None:
        return "base tokens", arbitrage.token, _listed(known.base_tokens)
    if len(route.hops) > known.max_hops:
        return "too many hops", str(len(route.hops)), str(known.max_hops)
    if known.state == "HALTED":
        return "halted", "HALTED", "ACTIVE"
    if not known.looked:
        return "seen late", "the block before was seen after this one was mined", "a decision on the block before"
    if sized is None:
        return "seen late", "it opened within the block", "a profit on the block before"
    if sized[1] < known.least_net_wei:
        return "below floor", f"{sized[1]} wei", f"{known.least_net_wei} wei"
    refused = next((d for d in known.decided if d.rule is not None and d.pools & _pools(arbitrage)), None)
    if refused is not None:
        reason: Reason = "simulation failed" if refused.rule == "simulation" else "refused"
        return reason, f"{refused.rule}: {refused.measured}", refused.limit
    return "not chosen", f"{sized[1]} wei", f"{len(known.decided)} trades were decided on the block before"


def _beaten(arbitrage: Arbitrage, ours: OurTrade) -> tuple[Reason, str, str]:
    if ours.filled and ours.position is not None and ours.position < arbitrage.position:
        return "mis-sized", f"an input of {ours.amount_in} left {arbitrage.profit} raw units", "nothing left"
    where = "was not mined in the block" if ours.position is None else f"was at place {ours.position}"
    return "outbid", f"a bid of {ours.bid_wei} wei per gas {where}", f"before place {arbitrage.position}"


def _short(arbitrage: Arbitrage, ours: OurTrade | None, known: Known) -> Short | None:
    if ours is None or ours.bid_wei is None or ours.limits is None:
        return None
    price_wei = arbitrage.gas_price_wei
    return short_of(ours.bid_wei, ours.limits, None if price_wei is None else price_wei - known.mined_base_fee_wei)


def _sized(route: Route, known: Known) -> tuple[int, int] | None:
    """Size the route on the block before: (amount in, net wei), None when nothing could be earned or valued."""
    price = known_price(known.prices, route.token)
    best = best_size(legs_of(route, known.pools))
    if price is None or best is None:
        return None
    amount_in, amount_out = best
    units = gas_units(known.pools[hop.pool].family for hop in route.hops)
    return amount_in, net_wei(amount_out - amount_in, price, units, known.base_fee_wei)


def _pools(arbitrage: Arbitrage) -> frozenset[PoolId]:
    return frozenset(swap.pool for swap in arbitrage.swaps)


def _listed(addresses: Iterable[Address]) -> str:
    return ", ".join(sorted(addresses)) or "none"
