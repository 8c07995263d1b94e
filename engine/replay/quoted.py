"""What a call of the executor would have done, by exact quotes on pools: where a recording has no simulation of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.chains.executor_calls import ExecuteCall
from engine.domain.hops import FlashKind
from engine.domain.opportunity import Capital, Hop, Route
from engine.domain.pools import AnyPool
from engine.domain.units import Address, PoolId
from engine.gas_seen import GasSeen
from engine.planning.capital import FLASH_KINDS, flash_fee
from engine.planning.least_outs import swaps_of

Pools = Mapping[PoolId, AnyPool]
_CAPITAL: Mapping[FlashKind, Capital] = {kind: capital for capital, kind in FLASH_KINDS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Quoted:
    """A call's profit in raw units of its token, its gas as receipts taught, and the pools that it leaves.

    `why` is empty where the profit reaches the call's floor, else why it would have reverted.
    """

    profit: int
    gas_used: int
    after: Pools
    why: str


def quote(call: ExecuteCall, pools: Pools, gas_seen: GasSeen, premium_bps: int) -> Quoted:
    """Quote a call hop by hop, as the pools' contracts round; a flash loan's fee is Aave's alone."""
    route = route_of(call)
    missing = [hop.pool for hop in route.hops if hop.pool not in pools]
    if missing:
        return Quoted(profit=0, gas_used=0, after={}, why=f"the recorded market has no pool {missing[0]}")
    capital = _CAPITAL[call.flash.kind]
    gas_used = gas_seen.whole(tuple(pools[hop.pool].family for hop in route.hops), capital)
    outs, after = swaps_of(route, call.amount, pools)
    if not outs:
        return Quoted(profit=0, gas_used=gas_used, after={}, why="a pool refuses the swap")
    fee = flash_fee(call.amount, premium_bps) if capital == "aave" else 0
    profit = outs[-1] - call.amount - fee
    if profit < call.min_profit:
        return Quoted(
            profit=0, gas_used=gas_used, after={}, why=f"below floor: quoted {profit}, floor {call.min_profit}"
        )
    return Quoted(profit=profit, gas_used=gas_used, after=after, why="")


def route_of(call: ExecuteCall) -> Route:
    """Read a call's route."""
    tokens: list[Address] = [call.token, *(hop.token_out for hop in call.hops)]
    return Route(
        hops=tuple(
            Hop(pool=PoolId(hop.pool), token_in=token_in, token_out=hop.token_out)
            for hop, token_in in zip(call.hops, tokens, strict=False)
        )
    )


def plan_of(call: ExecuteCall) -> tuple[object, ...]:
    """Say what a call trades and with whose money: the same when floor, deadline and the journal's anchor differ."""
    hops = tuple((hop.pool, hop.token_out) for hop in call.hops)
    return (call.flash, call.token, call.amount, hops)
