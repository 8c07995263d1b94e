"""What a run came to, from the journal and the chain: the books that `ketch demo --json` ends with."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

import anyio

from engine.chains.abi import hex_data
from engine.compose import MARKET_START_FILE, Composition
from engine.config import MANIFEST_NAME, Settings
from engine.domain.pools import Log
from engine.domain.units import Address
from engine.initialise import balances
from engine.journal.journal import Journal
from engine.journal.papered import said_of_paper
from engine.journal.trades import totals
from engine.market.discovery import decode_logs_in_order
from engine.market.snapshot import load
from engine.market.state import TOPICS
from engine.scanning.available import Available

_NS_PER_MS = 1_000_000


async def summary(settings: Settings, state: Path, engine: Composition) -> dict[str, Any]:
    """Add the run up. Amounts are decimal strings; `available_profit_wei` and rivals' are None off a local chain."""
    journal, loop = engine.journal, engine.loop
    genesis = journal.genesis
    added = totals(journal)
    tokens = list(genesis["balances_at_start"])
    now = await balances(
        engine.endpoint, tokens, (Address(genesis["executor"]), Address(genesis["treasury"])), loop.market.head
    )
    delta = {t: int(now[t]) - int(genesis["balances_at_start"][t]) for t in tokens}
    local = _manifest(settings, state)
    body: dict[str, Any] = {
        "seed": local.get("seed"),
        "chain_id": int(genesis["chain_id"]),
        "blocks": loop.measured.blocks,
        "pools": len(loop.market.pools),
        "opportunities": added.opportunities,
        "submitted": added.submitted,
        "filled": added.filled,
        "reverted": added.reverted,
        "cancelled": added.cancelled,
        "replaced": added.replaced,
        "open": added.open,
        "refused": added.refused,
        "by_family": added.by_family,
        "by_hops": added.by_hops,
        "by_capital": added.by_capital,
        "realised": {token: str(raw) for token, raw in added.realised.items()},
        "onchain_delta": {token: str(raw) for token, raw in delta.items() if raw},
        "gas_paid_wei": str(added.gas_paid_wei),
        "net_profit_wei": str(net_profit_wei(journal, added.gas_paid_wei)),
        "detect_ms": percentiles_ms(loop.measured.detect_ns),
        "send_ms": percentiles_ms(loop.measured.send_ns),
    }
    if local:
        available = await available_profit_wei(settings, state, engine)
        body |= {
            "available_profit_wei": str(available),
            "rivals_profit_wei": str(rivals_profit_wei(Path(local["rivals_log"]), after_block=engine.start.number)),
        }
    return body | said_of_paper(journal)


def net_profit_wei(journal: Journal, gas_paid_wei: int) -> int:
    """Add up each trade's profit, at the price that its own proof saw, less all gas paid: reverts' and sweeps' too."""
    by_trade: dict[str, int] = {}  # a trade that was reorged out is released again, and the last word counts
    for entry in journal.entries("release"):
        by_trade[entry.body["reservation"]] = int(entry.body["profit_wei"])
    return sum(by_trade.values()) - gas_paid_wei


async def available_profit_wei(settings: Settings, state: Path, engine: Composition) -> int:
    """Say what there was to earn, in wei: what stood at the start, and every rise from one transaction to the next.

    After each transaction since the start the market is looked at anew, greedily until nothing above the floor is
    left; a trade that takes a profit lowers the total, and what the flow opens raises it. Gas is charged at the base
    fee. The scanner that looks is held to the brute-force oracle, block by block, in tests/scenario.
    """
    start, head = load(state / MARKET_START_FILE), engine.loop.market.head
    logs: Sequence[Log] = ()
    if head.number > start.block.number:  # a node refuses a range that ends before it begins
        blocks = {"fromBlock": hex(start.block.number + 1), "toBlock": hex(head.number)}
        query = {**blocks, "topics": [[hex_data(topic) for topic in TOPICS]]}
        logs = decode_logs_in_order(await engine.endpoint.call("eth_getLogs", query))
    header = await engine.endpoint.call("eth_getBlockByNumber", "latest", False)
    base_fee_wei = int(header.get("baseFeePerGas", "0x0"), 16)
    there_is = Available(
        start.pools,
        base_tokens=settings.base_tokens,
        max_hops=settings.scan.max_hops,
        native=Address(engine.journal.genesis["native_wrapped"]),
        gas_price_wei=base_fee_wei,
        floor_wei=max(settings.scan.floor_wei, settings.risk.min_net_profit_wei),
    )
    stood_wei = there_is.standing_wei
    for _, of_transaction in groupby(logs, key=lambda log: log.tx_hash):
        if there_is.follow(list(of_transaction)):
            await anyio.sleep(0)  # a long sum: whoever waits on this loop gets a turn
    return stood_wei + there_is.risen_wei


def rivals_profit_wei(log: Path, *, after_block: int) -> int:
    """Add up what the rivals' log says they took since a block, in wei after gas; 0 without a log."""
    if not log.is_file():
        return 0
    taken = [json.loads(line) for line in log.read_text().splitlines()]
    return sum(int(row["net_wei"]) for row in taken if int(row["block"]) > after_block)


def percentiles_ms(samples_ns: Sequence[int]) -> dict[str, float | None]:
    """Return the median and the 99th percentile in milliseconds, by nearest rank; None without samples."""
    ordered = sorted(samples_ns)
    return {
        name: round(ordered[min(len(ordered) * rank // 100, len(ordered) - 1)] / _NS_PER_MS, 3) if ordered else None
        for name, rank in (("p50", 50), ("p99", 99))
    }


def totals_of(journal: Journal) -> dict[str, Any]:
    """Add a journal up without a chain, for `ketch status`."""
    added = totals(journal)
    return {**asdict(added), "net_profit_wei": net_profit_wei(journal, added.gas_paid_wei)}


def _manifest(settings: Settings, state: Path) -> dict[str, Any]:
    if settings.profile != "devnet":
        return {}
    return json.loads((state / MANIFEST_NAME).read_bytes())
