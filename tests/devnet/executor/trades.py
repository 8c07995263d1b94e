"""Routes over the small chain, the trades that run them, and how a trade ends."""

from collections.abc import Sequence
from dataclasses import replace

from eth_abi.abi import encode

from engine.chains.executor_calls import EXECUTE_SELECTOR, EXECUTE_TYPES, ExecuteCall, encode_execute
from engine.devnet.rpc import NodeRefused
from engine.domain.hops import EncodedHop, Flash, FlashKind, HopKind, HopWords, pack_flash, pack_hop
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
AMOUNTS = {"USDC": USDC_IN, "WETH": WETH_IN, "USDT": USDT_IN, "DAI": USDC_IN * 10**12, "odd": USDC_IN * 10**12}


class Refused(Exception):
    """The call reverted; the argument is its reason, empty where it gave none."""


def flash(executor: Deployed, kind: FlashKind) -> Flash:
    """Name the lender of a capital source."""
    lenders = {FlashKind.BALANCER: executor.vault, FlashKind.AAVE: executor.aave, FlashKind.MORPHO: executor.morpho}
    return Flash(kind=kind, lender=lenders.get(kind, ZERO_ADDRESS))


def hop(world: World, pool: PoolAt, token_in: str, token_out: str) -> EncodedHop:
    """Encode a swap of `pool`."""
    given, got = (world.hostile["odd"] if symbol == "odd" else world.tokens[symbol] for symbol in (token_in, token_out))
    return EncodedHop(
        kind=pool.kind,
        pool=pool.address,
        token_out=got,
        zero_for_one=pool.kind is not HopKind.BALANCER and given < got,
        fee_ppm=pool.fee_ppm,
        balancer_id=pool.balancer_id,
    )


def hostile_pools(world: World) -> dict[str, PoolAt]:
    """Name the hostile contracts as hops do; their pairs are quoted without a fee."""
    kinds = {"pool": HopKind.CONCENTRATED, "pair": HopKind.CONSTANT_PRODUCT}
    return {
        f"hostile {name}": PoolAt(kind=kind, address=address)
        for name, address in world.hostile.items()
        for word, kind in kinds.items()
        if word in name
    }


def trade(world: World, route: Route, kind: FlashKind, *, executor: Deployed | None = None) -> ExecuteCall:
    """Make the trade of a route with the least floor and no hurry."""
    tokens = route[::2]
    hops = zip(route[1::2], tokens[:-1], tokens[1:], strict=True)
    pools = {**world.pools, **hostile_pools(world)}
    return ExecuteCall(
        flash=flash(executor or world.executor, kind),
        token=world.hostile["odd"] if route[0] == "odd" else world.tokens[route[0]],
        amount=AMOUNTS[route[0]],
        min_profit=1,
        deadline_s=FOREVER_S,
        anchor=ANCHOR,
        hops=tuple(hop(world, pools[pool], given, got) for pool, given, got in hops),
    )


def raw_execute(wanted: ExecuteCall, *, flash_word: int | None = None, hops: Sequence[HopWords] | None = None) -> bytes:
    """Encode `execute` with words that the engine's own encoder would refuse."""
    return EXECUTE_SELECTOR + encode(
        EXECUTE_TYPES,
        (
            pack_flash(wanted.flash) if flash_word is None else flash_word,
            wanted.token,
            wanted.amount,
            wanted.min_profit,
            wanted.deadline_s,
            wanted.anchor,
            [pack_hop(each) for each in wanted.hops] if hops is None else list(hops),
        ),
    )


def profit_of_call(world: World, wanted: ExecuteCall, executor: Deployed | None = None) -> int:
    """Ask, without a transaction, what `execute` would return; raises `Refused`."""
    at = executor or world.executor
    return int.from_bytes(ask(world, at.operator, at.address, encode_execute(wanted)))


def refused(world: World, wanted: ExecuteCall, executor: Deployed | None = None) -> str:
    """Say why a trade is refused; fails when it is not."""
    return refusal(
        world, (executor or world.executor).operator, (executor or world.executor).address, encode_execute(wanted)
    )


def refusal(world: World, sender: Address, to: Address | None, data: bytes, *, value: int = 0) -> str:
    """Say why a call is refused; fails when it is not."""
    try:
        answer = ask(world, sender, to, data, value=value)
    except Refused as reason:
        return str(reason)
    raise AssertionError(f"not refused: 0x{answer.hex()}")


def ask(world: World, sender: Address, to: Address | None, data: bytes, *, value: int = 0) -> bytes:
    """Make a call, or a creation when `to` is None, without a transaction; raises `Refused` with the reason."""
    body = {"from": sender, "data": "0x" + data.hex(), "value": hex(value), "gas": hex(10_000_000)}
    if to is not None:
        body["to"] = to
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
