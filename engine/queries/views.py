"""How values leave the engine: amounts as decimal text with a human twin, labels of the chain apart as `untrusted`."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from engine.domain.opportunity import Proof, Route
from engine.domain.pools import AnyPool, ConcentratedPool, ConstantProductPool
from engine.domain.tokens import Token
from engine.domain.units import Address, BlockRef
from engine.journal.canonical import Body
from engine.risk.limits import Breach

NATIVE_DECIMALS = 18
Tokens = Mapping[Address, Token]
View = dict[str, Any]


def human(raw: int, decimals: int) -> str:
    """Write a raw amount in whole units, exactly: 1500000 of 6 decimals is "1.5"."""
    sign, digits = ("-" if raw < 0 else ""), str(abs(raw)).rjust(decimals + 1, "0")
    whole, part = digits[: len(digits) - decimals], digits[len(digits) - decimals :].rstrip("0")
    return f"{sign}{whole}.{part}" if part else f"{sign}{whole}"


def wei(amount: int | None) -> View | None:
    """Show an amount of the native coin."""
    return None if amount is None else {"wei": str(amount), "human": human(amount, NATIVE_DECIMALS)}


def amount(raw: int, token: Address, tokens: Tokens) -> View:
    """Show an amount of a token; `human` is None where its decimals are unknown."""
    known = tokens.get(token)
    return {"raw": str(raw), "human": human(raw, known.decimals) if known else None, "token": token}


def labels(addresses: Iterable[Address], tokens: Tokens) -> View:
    """Name tokens by what their contracts call themselves: a label that anyone may choose."""
    return {"symbols": {a: tokens[a].symbol for a in sorted({*addresses}) if a in tokens}}


def block(at: BlockRef) -> View:
    """Show a block."""
    return {"chain_id": int(at.chain), "number": at.number, "hash": at.hash, "timestamp_s": at.timestamp_s}


def breach(found: Breach) -> View:
    """Show a rule that refuses."""
    return {
        "rule": found.rule,
        "measured": found.measured,
        "limit": found.limit,
        "next_step": found.next_step,
    }


def hops(route: Route) -> list[View]:
    """Show a route as `simulate_trade` takes it."""
    return [{"pool": h.pool, "token_in": h.token_in, "token_out": h.token_out} for h in route.hops]


def legs(route: Route, amounts: list[int], pools: Mapping[Any, AnyPool], tokens: Tokens) -> list[View]:
    """Show each hop with what goes in and comes out."""
    return [
        {
            "pool": hop.pool,
            "deployment": pools[hop.pool].deployment,
            "family": pools[hop.pool].family,
            "fee_ppm": fee_ppm(pools[hop.pool]),
            "amount_in": amount(amounts[i], hop.token_in, tokens),
            "amount_out": amount(amounts[i + 1], hop.token_out, tokens),
        }
        for i, hop in enumerate(route.hops)
    ]


def fee_ppm(pool: AnyPool) -> int:
    """Return a pool's fee in millionths, rounded up."""
    if isinstance(pool, ConstantProductPool):
        return -(-pool.fee * 1_000_000 // pool.fee_denominator)
    if isinstance(pool, ConcentratedPool):
        return pool.fee_ppm
    return -(-pool.fee * 1_000_000 // 10**18)


def proof(found: Proof, tokens: Tokens) -> View:
    """Show what a simulation returned, from gross to net."""
    request, costs = found.plan.request, found.costs
    token = request.route.token
    return {
        "block": block(found.block),
        "capital": found.plan.capital,
        "amount_in": amount(request.amount_in, token, tokens),
        "realised": amount(found.realised, token, tokens),
        "floor": amount(request.min_profit, token, tokens),
        "notional": wei(found.notional_wei),
        "gross": wei(found.gross_wei),
        "costs": {
            "gas_units": costs.gas_units,
            "base_fee_wei": str(costs.base_fee_wei),
            "priority_fee_wei": str(costs.priority_fee_wei),
            "gas": wei(costs.gas_units * (costs.base_fee_wei + costs.priority_fee_wei)),
            "l1_fee": wei(costs.l1_fee_wei),
            "l1_model": costs.l1_model,
            "operator_fee": wei(costs.operator_fee_wei),
            "next_base_fee_wei": None if costs.next_base_fee_wei is None else str(costs.next_base_fee_wei),
            "flash_fee": amount(costs.flash_fee, token, tokens),
        },
        "net": wei(found.net_wei),
        "trace_hash": found.trace_hash,
    }


def route_tokens(body: Body) -> list[Address]:
    """List the tokens of a recorded route."""
    return [Address(hop[side]) for hop in body["hops"] for side in ("token_in", "token_out")]


def texts(tree: Any) -> Any:
    """Write every amount of wei in a tree as text."""
    if not isinstance(tree, Mapping):
        return tree
    named = cast("Mapping[str, Any]", tree)
    return {n: str(v) if n.endswith("_wei") and isinstance(v, int) else texts(v) for n, v in named.items()}
