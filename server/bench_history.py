"""A history to measure the memory with: entries as an engine writes them, of one seed, without a chain or a journal."""

import hashlib
import random
from collections.abc import Iterator
from itertools import count
from typing import Any, Final

from engine.journal.journal import Entry
from engine.journal.schema import Kind

CHAIN: Final = "42161"
VENUES: Final = ("uniswap_v2", "uniswap_v3", "sushi_v2", "balancer_v2")
SYMBOLS: Final = ("WETH", "USDC", "USDT", "DAI", "WBTC", "LINK", "ARB", "wstETH")
UNNAMED: Final = 24
"""Tokens that are on no list: known by address only."""
CAPITALS: Final = ("own", "first_pool", "balancer", "aave", "morpho")
REFUSALS: Final = (
    ("simulation", "below floor"),
    ("simulation", "rests on a trade that was refused"),
    ("simulation", "short output"),
    ("least net profit", "9966149934 wei"),
    ("gas budget a day", "20012431250405293 wei"),
    ("fresh proof", "2 blocks"),
    ("pools in flight", "1 pool"),
    ("notional", "60000000000000000000 wei"),
    ("token safety", "a token that taxes transfers"),
    ("trades a minute", "61 trades"),
)
REVERTS: Final = ("below floor", "below minimum", "balance fell", "late", "ERC20: transfer amount exceeds balance")
MISSES: Final = ("outbid", "seen late", "mis-sized", "not chosen", "below floor")
_ETHER: Final = 10**18


def address(name: str) -> str:
    """Make an address of a name."""
    return "0x" + hashlib.sha256(name.encode()).hexdigest()[:40]


TOKENS: Final = {symbol: address(symbol) for symbol in (*SYMBOLS, *(f"token {n}" for n in range(UNNAMED)))}


def history(patterns: int, seed: int = 7) -> Iterator[Entry]:
    """Yield a genesis and the entries of so many opportunities, trades and misses."""
    dice = random.Random(seed)
    pools = _pools(dice)
    seqs = count(1)

    def entry(kind: Kind, body: dict[str, Any]) -> Entry:
        seq = next(seqs)
        return Entry(seq=seq, kind=kind, body=body, hash=f"0x{seq:064x}")

    yield entry("genesis", _genesis())
    block = 1_000
    for number in range(patterns):
        block += dice.random() < 0.3
        at = {
            "chain": CHAIN,
            "number": str(block),
            "hash": f"0x{block:064x}",
            "timestamp_s": str(1_795_000_000 + block),
        }
        route, venues = _route(dice, pools)
        if dice.random() < 0.08:
            yield entry("miss", _missed(dice, route, at, number))
        else:
            yield from _lived(entry, dice, route, venues, at, number)


def _genesis() -> dict[str, Any]:
    decimals = {"USDC": "6", "USDT": "6", "WBTC": "8"}
    tokens = [{"address": TOKENS[s], "symbol": s, "decimals": decimals.get(s, "18")} for s in SYMBOLS]
    return {"tokens": tokens, "native_wrapped": TOKENS["WETH"], "chain_id": CHAIN}


def _pools(dice: random.Random) -> dict[frozenset[str], list[tuple[str, str]]]:
    """Give every pair of a base token with another, and some others, one to four pools."""
    names = [*TOKENS.values()]
    found: dict[frozenset[str], list[tuple[str, str]]] = {}
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            if i < 4 or dice.random() < 0.4:
                venues = dice.sample(VENUES, dice.randint(1, 4))
                found[frozenset((one, other))] = [(address(f"{v} {one} {other}"), v) for v in venues]
    return found


def _route(
    dice: random.Random, pools: dict[frozenset[str], list[tuple[str, str]]]
) -> tuple[list[dict[str, str]], list[str]]:
    """Draw a closed cycle of two to four hops, no pool twice."""
    names = [*TOKENS.values()]
    while True:
        hops = dice.choices((2, 3, 4), (5, 4, 2))[0]
        first = dice.choices(names[:4], (6, 3, 1, 1))[0]
        path = [first, *dice.sample([name for name in names if name != first], hops - 1)]
        legs = list(zip(path, [*path[1:], first], strict=True))
        used: list[tuple[str, str]] = []
        for leg in legs:
            free = [pool for pool in pools.get(frozenset(leg), ()) if pool not in used]
            if not free:
                break
            used.append(dice.choice(free))
        if len(used) == hops:
            route = [
                {"pool": pool, "token_in": a, "token_out": b} for (pool, _), (a, b) in zip(used, legs, strict=True)
            ]
            return route, [venue for _, venue in used]


def _lived(
    entry: Any, dice: random.Random, route: list[dict[str, str]], venues: list[str], at: dict[str, str], number: int
) -> Iterator[Entry]:
    amount = int(_ETHER * 10 ** dice.uniform(-1.7, 2.2))
    bps = 10 ** dice.uniform(0.3, 2.6)
    profit = int(amount * bps / 10_000)
    agent = dice.random() < 0.07
    ns = int(at["timestamp_s"]) * 10**9 + number

    def stamp(id_: str, parent: str) -> dict[str, Any]:
        return {"id": id_, "parents": [parent], "observed_ns": str(ns), "block": at}

    ids = {
        kind: f"{kind}-{number}" for kind in ("opportunity", "request", "proof", "decision", "reservation", "intent")
    }
    if not agent:
        yield entry(
            "opportunity",
            {
                "stamp": stamp(ids["opportunity"], f"block-{at['number']}"),
                "strategy": "cycles",
                "route": {"hops": route},
                "amount_in": str(amount),
                "expected_out": str(amount + profit),
                "net_wei": str(profit - 10**13),
                "valid_until_block": str(int(at["number"]) + 1),
            },
        )
        if dice.random() < 0.05:
            return
    yield entry(
        "request",
        {
            "stamp": stamp(ids["request"], f"command-{number}" if agent else ids["opportunity"]),
            "principal": "mcp-7" if agent else "engine",
            "origin": "agent" if agent else "engine",
            "route": {"hops": route},
            "amount_in": str(amount),
            "min_profit": str(profit // 2),
        },
    )
    rule, measured = dice.choice(REFUSALS)
    refused = dice.random() < 0.45
    if not (refused and rule == "simulation"):
        base = str(int(10**7 * (1 + 4 * ((int(at["number"]) // 700) % 2))))
        yield entry(
            "proof",
            {
                "stamp": stamp(ids["proof"], ids["request"]),
                "block": at,
                "realised": str(profit),
                "gas_used": str(120_000 * len(route)),
                "gross_wei": str(profit),
                "net_wei": str(profit - 10**13),
                "notional_wei": str(amount),
                "costs": {"base_fee_wei": base, "priority_fee_wei": "1000000"},
                "plan": {
                    "request": ids["request"],
                    "capital": dice.choices(CAPITALS, (5, 3, 2, 1, 1))[0],
                    "deployments": [*dict.fromkeys(venues)],
                },
            },
        )
    decision = {"stamp": stamp(ids["decision"], ids["proof"]), "request": ids["request"]}
    if refused:
        limit = {"limit": "the policy's", "next_step": "wait"}
        yield entry("decision", decision | {"verdict": "refused", "rule": rule, "measured": measured} | limit)
        return
    yield entry("decision", decision | {"verdict": "approved", "reservation": ids["reservation"]})
    tx_hash = "0x" + hashlib.sha256(str(number).encode()).hexdigest()
    yield entry("intent", {"intent_id": ids["intent"], "decision_id": ids["decision"], "tx_hash": tx_hash})
    gas = {"gas_used": str(110_000 * len(route)), "gas_paid_wei": str(10**12 * len(route))}
    later = at | {"number": str(int(at["number"]) + dice.randint(1, 3))}
    ended = {"intent_id": ids["intent"], "block": later, "tx_hash": tx_hash} | gas
    if dice.random() < 0.68:
        yield entry("outcome", ended | {"type": "Filled", "token": route[0]["token_in"], "realised": str(profit)})
        yield entry("release", {"reservation": ids["reservation"], "how": "filled", "profit_wei": str(profit)})
    elif dice.random() < 0.8:
        yield entry("outcome", ended | {"type": "Reverted", "reason": dice.choice(REVERTS)})
    elif dice.random() < 0.5:
        yield entry("outcome", ended | {"type": "Cancelled"})
    else:
        yield entry("outcome", {"type": "Replaced", "intent_id": ids["intent"], "by": None, "block": later})


def _missed(dice: random.Random, route: list[dict[str, str]], at: dict[str, str], number: int) -> dict[str, Any]:
    amount = int(_ETHER * 10 ** dice.uniform(-1, 1))
    profit = amount * dice.randint(5, 200) // 10_000
    return {
        "block": at,
        "reason": dice.choice(MISSES),
        "measured": "a bid of 10 wei per gas was at place 2",
        "limit": "before place 1",
        "net_wei": str(profit),
        "arbitrage": {
            "tx_hash": "0x" + hashlib.sha256(f"miss {number}".encode()).hexdigest(),
            "account": address("rival"),
            "token": route[0]["token_in"],
            "amount_in": str(amount),
            "amount_out": str(amount + profit),
            "gas_wei": "10000000000000",
            "swaps": [{**hop, "family": "uniswap_v2"} for hop in route],
        },
    }
