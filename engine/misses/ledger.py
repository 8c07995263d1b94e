"""The ledger of misses: what others took, by reason, with the money beside it."""

from collections.abc import Iterable
from dataclasses import dataclass

from engine.journal.canonical import decode
from engine.journal.journal import Entry, Journal
from engine.misses.explain import WHAT_WOULD_HELP, Miss, Reason
from engine.misses.outbid import would_help

MAX_READ = 10_000
"""How many misses are added up at most: the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One reason: how many, their value in wei, how many of them have no known value, and what would help."""

    reason: Reason
    misses: int
    net_wei: int
    unvalued: int
    what_would_help: str


def by_reason(misses: Iterable[Miss]) -> list[Row]:
    """Add misses up by reason, the dearest first. What was landed at a loss counts as it was: below zero."""
    grouped: dict[Reason, list[Miss]] = {}
    for miss in misses:
        grouped.setdefault(miss.reason, []).append(miss)
    rows = [
        Row(
            reason=reason,
            misses=len(found),
            net_wei=sum(miss.net_wei or 0 for miss in found),
            unvalued=sum(miss.net_wei is None for miss in found),
            what_would_help=would_help(miss.short for miss in found) if reason == "outbid" else WHAT_WOULD_HELP[reason],
        )
        for reason, found in grouped.items()
    ]
    return sorted(rows, key=lambda row: (-row.net_wei, row.reason))


def recorded(journal: Journal, *, limit: int = MAX_READ) -> list[Miss]:
    """Read the newest misses of the journal, the oldest of them first; one a transaction, as it landed last."""
    seqs = journal.rows("SELECT seq FROM entries WHERE kind = 'miss' ORDER BY seq DESC LIMIT ?", limit)
    misses: dict[str, Miss] = {}
    for (seq,) in reversed(seqs):
        entry = journal.entry(seq)
        assert entry is not None, seq
        found = read_miss(entry)
        misses.pop(found.arbitrage.tx_hash, None)  # a reorg brought it again, in another block
        misses[found.arbitrage.tx_hash] = found
    return list(misses.values())


def read_miss(entry: Entry) -> Miss:
    """Make a miss of its entry; the block that it was landed in stands beside it there. Older ones say less."""
    body = {name: value for name, value in entry.body.items() if name != "block"}
    return decode(Miss, {"short": None} | body | {"arbitrage": {"gas_price_wei": None} | entry.body["arbitrage"]})
