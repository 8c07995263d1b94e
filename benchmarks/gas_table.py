"""Print the gas of whole transactions, by route and capital source: `python -m benchmarks.gas_table`."""

from collections.abc import Mapping
from dataclasses import replace

from engine.chains.executor_calls import ExecuteCall, encode_execute
from engine.devnet.node import anvil
from engine.devnet.rpc import Rpc
from engine.domain.hops import FlashKind, packable
from tests.devnet.executor.build import build_world
from tests.devnet.executor.trades import AMOUNTS, ROUTES, Refused, profit_of_call, trade
from tests.devnet.executor.world import FLAGS, World, fund, transact

SOURCES = (FlashKind.OWN, FlashKind.FIRST_POOL, FlashKind.MORPHO, FlashKind.BALANCER, FlashKind.AAVE)
WARMING = 50
SMALL_MINIMUM = packable(2**25 + 2**15 + 2**9)
"""Raw units, below what any hop here delivers."""
INVENTORY = 10**6
"""Raw units of every token that the executor already holds: a first receipt of a token costs more gas."""


def gas_table() -> dict[str, dict[str, int | str]]:
    """Measure gas used by route and source on a fresh local chain; a reason where the source cannot lend."""
    with anvil(FLAGS) as node, Rpc(node.rpc_url) as rpc:
        world = build_world(rpc)
        for symbol in world.tokens:
            fund(world, symbol, world.executor.address, INVENTORY)
        for route in ROUTES:  # a pool's first swap writes its accumulators for the first time, at four times the price
            wanted = trade(world, ROUTES[route], FlashKind.MORPHO)
            small = replace(wanted, amount=wanted.amount // WARMING)
            receipt = transact(rpc, world.operator, world.executor.address, encode_execute(small))
            assert receipt["status"] == "0x1", route
        return {route: {kind.name: _gas(world, route, kind) for kind in SOURCES} for route in ROUTES}


def as_markdown(table: Mapping[str, Mapping[str, int | str]]) -> str:
    """Lay the table out in Markdown."""
    rows = [" | ".join(["route", *(kind.name.lower() for kind in SOURCES)]), "|".join(["---"] * (len(SOURCES) + 1))]
    for route, cells in table.items():
        rows.append(" | ".join([route, *(f"{cell:,}" if isinstance(cell, int) else cell for cell in cells.values())]))
    return "\n".join(f"| {row} |" for row in rows)


def with_minimums(wanted: ExecuteCall) -> ExecuteCall:
    """Give each hop a minimum that takes as many bytes of calldata as any."""
    return replace(wanted, hops=tuple(replace(hop, least_out=SMALL_MINIMUM) for hop in wanted.hops))


def _gas(world: World, route: str, kind: FlashKind) -> int | str:
    snapshot = world.rpc.call("evm_snapshot")
    try:
        wanted = with_minimums(trade(world, ROUTES[route], kind))
        if kind is FlashKind.OWN:
            fund(world, ROUTES[route][0], world.executor.address, AMOUNTS[ROUTES[route][0]])
        try:
            profit_of_call(world, wanted)
        except Refused as refused:
            return f"reverts: {refused}"
        world.rpc.call("evm_increaseTime", 60)  # pools pay once a second for their price accumulators: always, then
        return int(transact(world.rpc, world.operator, world.executor.address, encode_execute(wanted))["gasUsed"], 16)
    finally:
        world.rpc.call("evm_revert", snapshot)


if __name__ == "__main__":
    print(as_markdown(gas_table()))
