"""How much of what there was a bot took: the engine and a plain bot against the same rivals on fresh local chains.

Every run has a chain of its own from the same seed, processes of their own, and a proxy between bot and node that
holds its messages back. What was taken is read from the chain afterwards, by one rule for everybody.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import anyio

from engine.chains.endpoints import Endpoint, open_endpoint
from engine.config import FILE_NAME, MANIFEST_NAME, load
from engine.config_sources import LOCAL_LIMITS
from engine.devnet.accounts import RIVALS
from engine.devnet.calldata import created_address
from engine.devnet.delaying import Distance, distant
from engine.devnet.ordering import Ordering
from engine.devnet.takings import Takings, capture_ratio, fill_ratio, takings
from engine.domain.errors import ConfigError, ControlError
from engine.domain.units import Address, BlockHash
from engine.market.discovery import discover
from engine.market.sync import read_pools
from engine.risk.policy import Policy
from engine.scanning.available import Available
from engine.venues.deployments import deployments_in
from server.children import Child, child

Who = Literal["engine", "plain"]


LATENCIES_MS = (0, 10, 50, 100, 250)
BIDS: dict[str, dict[str, int]] = {
    "none": {"bid_share_ppm": 0},
    "tenth": {"bid_share_ppm": 100_000},
    "half": {"bid_share_ppm": LOCAL_LIMITS["bid_share_ppm"]},
    "most": {
        "bid_share_ppm": 700_000,
        "max_gas_wei": 10**18,
        "max_loss_per_day_wei": 10**19,
        "gas_budget_per_day_wei": 10**19,
    },
}
"""The engine's bid rules, as settings of `risk`, over a local chain's own. A live chain's default is a tenth, a local
one's half; the most is above any rival's share, with no cap on gas or losses in its way."""
NO_CAP_OF_A_DAY = {"max_loss_per_day_wei": 10**21, "gas_budget_per_day_wei": 10**21, "halt_at_losses_in_a_row": 1_000}
USUAL_BID = "half"
"""Where the first to come is the first, the engine knows that a bid buys nothing, and bids nothing."""
RIVALS_COUNT = 3
RIVALS_LATENCY_MS = 100
WARM_UP_BLOCKS = 12
"""Mined before the stretch that counts: the engine clears what stood before it came, and is at the distance set."""
ROUND_BLOCKS = 64
"""The stretch of a paired run begins after a multiple of this: when a bot says that it has started is nobody's seed."""
START_S = 240.0
BLOCK_S = 5.0
POLL_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One run. `bid` names the engine's rule; the plain bot has none: it pays a fixed gas price.

    With `prior` the engine leaves alone what lost too often. A `paired` run is to be compared with its like:
    in lockstep, where one seed gives one run, and with no cap of a day to end it.
    """

    who: Who
    ordering: Ordering
    added_ms: int
    bid: str | None
    prior: bool = True
    paired: bool = False


@dataclass(slots=True)
class Told:
    """What a bot said about itself, and what the engine said of its misses and refusals in the stretch that counts."""

    operator: Address | None = None
    executor: Address | None = None
    counting: bool = False
    missed: Counter[str] = field(default_factory=Counter[str])
    refused: Counter[str] = field(default_factory=Counter[str])


def matrix(*, quick: bool = False, latencies_ms: Sequence[int] = LATENCIES_MS) -> list[Cell]:
    """List the runs: each latency and ordering with the usual bid and beside it the plain bot, then the other bids
    at the first latency; `quick`: one ordering, nothing added and the usual bid alone."""
    orderings: tuple[Ordering, ...] = ("priority_fee",) if quick else ("priority_fee", "first_come")
    cells = [
        Cell(who=who, ordering=ordering, added_ms=added_ms, bid=USUAL_BID if who == "engine" else None)
        for ordering in orderings
        for added_ms in (latencies_ms[:1] if quick else latencies_ms)
        for who in ("engine", "plain")
    ]
    others = [] if quick else [bid for bid in BIDS if bid != USUAL_BID]
    return cells + [Cell(who="engine", ordering="priority_fee", added_ms=latencies_ms[0], bid=bid) for bid in others]


async def measure(
    state: Path, cells: Sequence[Cell], *, blocks: int, seed: int, keen: bool, say: Callable[[str], None]
) -> dict[str, Any]:
    """Run every cell for `blocks` blocks, each in a folder of its own under `state`; raises `ControlError`."""
    rows: list[dict[str, Any]] = []
    for number, cell in enumerate(cells, 1):
        folder = state / str(number)
        if folder.exists():
            raise ConfigError(f"{state} holds another measurement", next_step="give --state an empty folder")
        folder.mkdir(mode=0o700, parents=True)
        load_before = os.getloadavg()[0]
        row = asdict(cell) | await run_cell(folder, cell, blocks=blocks, seed=seed, keen=keen)
        row["load"] = [round(load_before, 2), round(os.getloadavg()[0], 2)]
        rows.append(row)
        ratio = row["capture_ratio"]
        say(f"{number}/{len(cells)} {in_words(cell)}: {'nothing to take' if ratio is None else f'{ratio:.2f}'}")
    return {
        "seed": seed,
        "blocks": blocks,
        "rivals": RIVALS_COUNT,
        "rivals_latency_ms": RIVALS_LATENCY_MS,
        "keen": keen,
        "cpus": os.cpu_count(),
        "runs": rows,
        "above_plain_everywhere": above_plain(rows),
    }


def in_words(cell: Cell) -> str:
    """Name a run for people."""
    bid = "a fixed gas price" if cell.bid is None else f"bid: {cell.bid}"
    return f"{cell.who}, {cell.ordering}, +{cell.added_ms} ms, {bid}"


def above_plain(rows: Sequence[dict[str, Any]]) -> bool:
    """Say whether the engine's worst bid rule is above the plain bot at every ordering and latency."""
    plain = {(row["ordering"], row["added_ms"]): row["capture_ratio"] or 0.0 for row in rows if row["who"] == "plain"}
    engine = [row for row in rows if row["who"] == "engine"]
    return all((row["capture_ratio"] or 0.0) > plain.get((row["ordering"], row["added_ms"]), 0.0) for row in engine)


async def run_cell(state: Path, cell: Cell, *, blocks: int, seed: int, keen: bool) -> dict[str, Any]:
    """Run a bot for `blocks` blocks on a chain of its own and read from it what everybody took."""
    told = Told()
    async with (
        _chain(state, cell, seed, keen) as ws,
        distant(int(ws.rsplit(":", 1)[1])) as distance,
        open_endpoint(ws) as node,
    ):
        async with _bot(state, cell, distance, told):
            distance.round_trip_s = cell.added_ms / 1000
            begins = await _number(node) + WARM_UP_BLOCKS
            begins += -begins % ROUND_BLOCKS if cell.paired else 0
            first = await _reached(node, begins) + 1
            told.counting = True
            last = await _reached(node, first + blocks - 1)
            told.counting = False
        found, rivals = await _takings(state, node, told, first, last)
    assert told.operator is not None
    ours = found.by_account[told.operator]
    theirs = [found.by_account[account] for account in rivals]
    return {
        "available_wei": str(found.available_wei),
        "stood_wei": str(found.stood_wei),
        "left_wei": str(found.left_wei),
        "taken_wei": str(ours.taken_wei),
        "bids_wei": str(ours.bids_wei),
        "missed_wei": str(ours.missed_wei),
        "kept_wei": str(ours.kept_wei),
        "submissions": ours.submissions,
        "fills": ours.fills,
        "fill_ratio": fill_ratio([ours]),
        "capture_ratio": capture_ratio(ours.taken_wei, found.available_wei),
        "kept_ratio": capture_ratio(ours.kept_wei, found.available_wei),
        "rivals_taken_wei": str(sum(taken.taken_wei for taken in theirs)),
        "rivals_fill_ratio": fill_ratio(theirs),
        "missed": dict(told.missed.most_common()),
        "refused": dict(told.refused.most_common()),
    }


@asynccontextmanager
async def _chain(state: Path, cell: Cell, seed: int, keen: bool) -> AsyncGenerator[str]:
    argv = [sys.executable, "-P", "-m", "engine.devnet", "--state", str(state), "--with-parent", "--seed", str(seed)]
    argv += ["--rivals", str(RIVALS_COUNT), "--rival-latency-ms", str(RIVALS_LATENCY_MS), "--ordering", cell.ordering]
    argv += ["--keen-rivals"] if keen else []
    argv += ["--lockstep"] if cell.paired else []
    async with child("the local chain", argv, quiet=True) as chain, anyio.create_task_group() as tasks:
        tasks.start_soon(_ended, chain)
        await _until((state / MANIFEST_NAME).exists, "the local chain did not start")
        yield str(json.loads((state / MANIFEST_NAME).read_bytes())["ws"])
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def _bot(state: Path, cell: Cell, distance: Distance, told: Told) -> AsyncGenerator[None]:
    """Run the bot through the proxy, from when it has said who it is; it is killed at the end, its folder is thrown
    away."""
    python, endpoint = [sys.executable, "-P", "-m"], f"127.0.0.1:{distance.port}"
    argv = [*python, "engine.devnet.plain_bot", "--state", str(state), "--rpc", f"http://{endpoint}"]
    if cell.who == "engine":
        lines = [f'rpc = "http://{endpoint}"', f'ws = "ws://{endpoint}"', "[risk]"]
        limits = BIDS[cell.bid or ""] | (NO_CAP_OF_A_DAY if cell.paired else {})
        lines += [f'{name} = "{value}"' for name, value in limits.items()]
        lines += ["[scan]", f"prior = {str(cell.prior).lower()}"]
        (state / FILE_NAME).write_text("\n".join(lines) + "\n")
        argv = [*python, "server.cli", "up", "--profile", "devnet", "--state", str(state)]
        argv += ["--with-parent", "--no-mcp", "--json", "--events"]
    async with child(f"the {cell.who}", argv, quiet=True) as bot, anyio.create_task_group() as tasks:
        tasks.start_soon(_listen, bot, told)
        tasks.start_soon(_ended, bot)
        await _until(lambda: told.operator is not None, f"the {cell.who} bot did not start")
        yield
        tasks.cancel_scope.cancel()
        bot.kill()


async def _listen(bot: Child, told: Told) -> None:
    async for line in bot.lines():
        said = json.loads(line)
        if told.operator is None and "executor" in said:
            told.operator, told.executor = Address(said["operator"].lower()), Address(said["executor"].lower())
        if told.counting and said.get("event") == "missed":
            told.missed[said["reason"]] += 1
        if told.counting and said.get("event") == "refused":
            told.refused[said["rule"]] += 1


async def _ended(running: Child) -> None:
    await running.ended()
    raise ControlError(f"{running.name} ended: {running.how_it_ended()}")


async def _until(there: Callable[[], bool], else_say: str) -> None:
    with anyio.move_on_after(START_S):
        while not there():
            await anyio.sleep(POLL_S)
        return
    raise ControlError(else_say, limit=f"{START_S:.0f} s")


async def _number(endpoint: Endpoint) -> int:
    return int(await endpoint.call("eth_blockNumber"), 16)


async def _reached(endpoint: Endpoint, number: int) -> int:
    """Wait until the chain has block `number`; raises `ControlError` when it has stopped."""
    newest = await _number(endpoint)
    within_s = BLOCK_S * max(number - newest, 1)
    with anyio.move_on_after(within_s):
        while newest < number:
            await anyio.sleep(POLL_S)
            newest = await _number(endpoint)
        return number
    raise ControlError("the local chain mines no more", measured=f"block {newest}", limit=f"{within_s:.0f} s")


async def _takings(
    state: Path, endpoint: Endpoint, told: Told, first: int, last: int
) -> tuple[Takings, Sequence[Address]]:
    """Read what stood before the stretch and what everybody took in it; also returns who the rivals are."""
    settings = load(state, environ={}, given={"profile": "devnet"})
    native = Address(json.loads((state / MANIFEST_NAME).read_bytes())["native_wrapped"])
    before = await endpoint.call("eth_getBlockByNumber", hex(first - 1), False)
    found = await discover(endpoint, deployments_in(settings.deployments), settings.start_block, first - 1)
    market = Available(
        await read_pools(endpoint, found, BlockHash(before["hash"])),
        base_tokens=settings.base_tokens,
        max_hops=settings.scan.max_hops,
        native=native,
        gas_price_wei=int(before["baseFeePerGas"], 16),
        floor_wei=Policy().min_net_profit_wei,
    )
    holders = [Address(holder.lower()) for holder in await endpoint.call("eth_accounts")]
    rivals = [holders[index] for index in list(RIVALS)[:RIVALS_COUNT]]
    assert told.operator is not None and told.executor is not None
    bots = {told.operator: told.executor} | {account: created_address(account, 0) for account in rivals}
    return await takings(endpoint, market, native=native, first=first, last=last, bots=bots), rivals
