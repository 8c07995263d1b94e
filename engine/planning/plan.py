"""Make a request into one call of the executor."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from engine.chains.executor_calls import ExecuteCall, encode_execute
from engine.domain.hops import unpack_hop
from engine.domain.opportunity import Plan, TradeRequest
from engine.domain.ordering import AUCTION_DEADLINE_S
from engine.domain.pools import AnyPool
from engine.domain.units import Address, PoolId
from engine.planning.capital import Source
from engine.planning.least_outs import least_outs
from engine.venues.table import venue_of

REFUND_PPM = 250_000
GAS_MARGIN_PPM = 400_000
"""Over the gas used: a quarter for refunds, which come only at the end (EIP-3529: at most a fifth of the gas), the rest
because a trade ahead of ours may make a V3 hop cross more ticks."""


def make_plan(
    request: TradeRequest,
    source: Source,
    *,
    pools: Mapping[PoolId, AnyPool],
    outs: Sequence[int],
    executor: Address,
    anchor: str,
    gas_units: int,
    margin_ppm: int = GAS_MARGIN_PPM,
    runs_s: int = AUCTION_DEADLINE_S,
) -> Plan:
    """Encode the request with its capital. `gas_units` is the estimate that the gas limit is first taken from.

    `outs` are the hops' outputs as quoted, which their minimums are taken from; none where a pool refuses its part.
    `runs_s` is how long after its block it may still run: the floor protects its profit, this frees its nonce's cost.
    """
    route = request.route
    minimums = least_outs(outs, request.amount_in + source.fee + request.min_profit) or (0,) * len(route.hops)
    hops = tuple(
        replace(unpack_hop(venue_of(pool).encode(pool, hop.token_in, hop.token_out)), least_out=least)
        for hop, least in zip(route.hops, minimums, strict=True)
        for pool in (pools[hop.pool],)
    )
    deadline_s = request.stamp.block.timestamp_s + runs_s
    calldata = encode_execute(
        ExecuteCall(
            flash=source.flash,
            token=route.token,
            amount=request.amount_in,
            min_profit=request.min_profit,
            deadline_s=deadline_s,
            anchor=bytes.fromhex(anchor.removeprefix("0x")),
            hops=hops,
        )
    )
    return Plan(
        request=request,
        capital=source.capital,
        lender=source.lender,
        to=executor,
        calldata=calldata,
        value=0,
        gas_limit=with_margin(gas_units, margin_ppm),
        deadline_s=deadline_s,
        anchor=anchor,
        least_outs=minimums,
        families=tuple(dict.fromkeys(pools[h.pool].family for h in route.hops)),
        deployments=tuple(dict.fromkeys(pools[h.pool].deployment for h in route.hops)),
    )


def with_margin(gas_units: int, margin_ppm: int = GAS_MARGIN_PPM) -> int:
    """Return the gas limit for a transaction that is expected to use `gas_units`."""
    return gas_units + gas_units * margin_ppm // 1_000_000
