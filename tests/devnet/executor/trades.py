"""Routes over the small chain, the trades that run them, and how a trade ends."""

from dataclasses import replace

from engine.chains.executor_calls import ExecuteCall, encode_execute
from engine.devnet.rpc import NodeRefused
from engine.domain.hops import EncodedHop, Flash, FlashKind, HopKind
from engine.domain.units import ZERO_ADDRESS, Address
from tests.devnet.executor.world import Deployed, PoolAt, World

FOREVER_S = 2**40
ANCHOR = bytes(range(32))
USDC_IN = 5_000 * 10**6
WETH_IN = 2 * 10**18
USDT_IN = 1_000 * 10**6

Route = tuple[str, ...]
"""The first token, then pool and token by turns."""

ROUTES: dict[str, Route] = {
    "V2-V2": ("USDC", "uni WETH/USDC", "WETH", "sushi WETH/USDC", "USDC"),
    "V2-V2 the other way": ("WETH", "sushi WETH/USDC", "USDC", "uni WETH/USDC", "WETH"),
    "V3-V2": ("USDC", "v3 WETH/USDC 500", "WETH", "sushi WETH/USDC", "USDC"),
    "V2-V3": ("USDC", "uni WETH/USDC", "WETH", "v3 WETH/USDC 3000", "USDC"),
    "V3-V3": ("USDC", "v3 WETH/USDC 500", "WETH", "v3 WETH/USDC 3000", "USDC"),
    "V3-V3 the other way": ("WETH", "v3 WETH/USDC 3000", "USDC", "v3 WETH/USDC 500", "WETH"),
    "V2-Balancer": ("USDC", "uni WETH/USDC", "WETH", "weighted", "USDC"),
    "V3-Balancer": ("USDC", "v3 WETH/USDC 500", "WETH", "weighted", "USDC"),
    "Balancer-V2": ("WETH", "weighted", "USDC", "uni WETH/USDC", "WETH"),
    "Balancer-V2-V2": ("USDC", "stable", "DAI", "uni WETH/DAI", "WETH", "sushi WETH/USDC", "USDC"),
    "V3-V3-V2": ("USDC", "v3 USDC/DAI 500", "DAI", "v3 WETH/DAI 3000", "WETH", "sushi WETH/USDC", "USDC"),
    "V2-V3-Balancer": ("USDC", "uni USDC/DAI", "DAI", "v3 WETH/DAI 3000", "WETH", "weighted", "USDC"),
    "V2-V2-V2": ("USDC", "uni USDC/DAI", "DAI", "uni WETH/DAI", "WETH", "sushi WETH/USDC", "USDC"),
    "V2-Balancer-V3-V2": (
        *("USDC", "uni USDC/USDT", "USDT", "stable", "DAI"),
        *("v3 WETH/DAI 3000", "WETH", "sushi WETH/USDC", "USDC"),
    ),
    "V2-V2 from a token that returns nothing": ("USDT", "sushi USDC/USDT", "USDC", "uni USDC/USDT", "USDT"),
}
THIN: Route = ("USDC", "v3 WETH/USDC 10000", "WETH", "sushi WETH/USDC", "USDC")
BACKWARDS: Route = ("USDC", "sushi WETH/USDC", "WETH", "uni WETH/USDC", "USDC")
AMOUNTS = {"USDC": USDC_IN, "WETH": WETH_IN, "USDT": USDT_IN}


class Refused(Exception):
    """The call reverted; the argument is its reason, empty where it gave none."""


def flash(executor: Deployed, kind: FlashKind) -> Flash:
    """Name the lender of a capital source."""
    lenders = {FlashKind.BALANCER: executor.vault, FlashKind.AAVE: executor.aave, FlashKind.MORPHO: executor.morpho}
    return Flash(kind=kind, lender=lenders.get(kind, ZERO_ADDRESS))


def hop(world: World, pool: PoolAt, token_in: str, token_out: str) -> EncodedHop:
    """Encode a swap of `pool`."""
    given, got = world.tokens[token_in], world.tokens[token_out]
    return EncodedHop(
        kind=pool.kind,
        pool=pool.address,
        token_out=got,
        zero_for_one=pool.kind is not HopKind.BALANCER and given < got,
        fee_ppm=pool.fee_ppm,
        balancer_id=pool.balancer_id,
    )


def trade(world: World, route: Route, kind: FlashKind, *, executor: Deployed | None = None) -> ExecuteCall:
    """Make the trade of a route with the least floor and no hurry."""
    tokens, pools = route[::2], route[1::2]
    hops = zip(pools, tokens[:-1], tokens[1:], strict=True)
    return ExecuteCall(
        flash=flash(executor or world.executor, kind),
        token=world.tokens[route[0]],
        amount=AMOUNTS[route[0]],
        min_profit=1,
        deadline_s=FOREVER_S,
        anchor=ANCHOR,
        hops=tuple(hop(world, world.pools[pool], given, got) for pool, given, got in hops),
    )


def profit_of_call(world: World, wanted: ExecuteCall, executor: Deployed | None = None) -> int:
    """Ask, without a transaction, what `execute` would return; raises `Refused`."""
    at = executor or world.executor
    return int.from_bytes(ask(world, at.operator, at.address, encode_execute(wanted)))


def ask(world: World, sender: Address, to: Address, data: bytes, *, value: int = 0) -> bytes:
    """Make a call without a transaction; raises `Refused` with the reason of a revert."""
    body = {"from": sender, "to": to, "data": "0x" + data.hex(), "value": hex(value), "gas": hex(10_000_000)}
    try:
        return bytes.fromhex(world.rpc.call("eth_call", body, "latest")[2:])
    except NodeRefused as refused:
        said = str(refused.measured)
        if not said.startswith("execution reverted"):
            raise
        raise Refused(said.removeprefix("execution reverted").removeprefix(": ")) from refused


def tokens_of(wanted: ExecuteCall) -> set[Address]:
    """List the tokens of a trade's route."""
    return {wanted.token, *(each.token_out for each in wanted.hops)}


def with_floor(wanted: ExecuteCall, min_profit: int) -> ExecuteCall:
    """Return the trade with another floor."""
    return replace(wanted, min_profit=min_profit)
