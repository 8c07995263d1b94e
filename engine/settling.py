"""How open trades end, how one opens again when its block leaves the chain, and both after a restart."""

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from engine.chains.heads import HISTORY_BLOCKS
from engine.desk import Desk, OpenTrade
from engine.domain.outcome import Filled, Outcome, Reorged, Reverted
from engine.domain.units import Address, BlockHash, BlockRef, PoolId
from engine.execution.monitor import Monitor
from engine.journal.journal import Entry, Journal
from engine.journal.records import read_outcome, read_submission, record_outcome
from engine.journal.trades import Trade, trades
from engine.risk.limits import LimitLedger

SETTLED_KEPT = 4096


class Settled(NamedTuple):
    """A trade that ended, and how."""

    trade: OpenTrade
    outcome: Outcome


class Mined(NamedTuple):
    """A trade that ended in a block, which may still leave the chain."""

    trade: OpenTrade
    outcome: Filled | Reverted


class Settlement:
    """Writes ends down, and keeps those of the blocks that a reorg can still reach."""

    def __init__(self, *, journal: Journal, ledger: LimitLedger, monitor: Monitor, mined: Iterable[Mined]) -> None:
        self._journal = journal
        self._ledger = ledger
        self._monitor = monitor
        self._mined = deque(mined, maxlen=SETTLED_KEPT)

    async def settle(self, desk: Desk, head: BlockRef) -> list[Settled]:
        """Write down how the desk's open trades ended as of `head`. Raises `ChainError` when the node does not say."""
        open_now = sorted((trade.submission for trade in desk.open.values()), key=lambda s: s.nonce)
        ended = [
            Settled(desk.open.pop(outcome.intent_id), outcome)
            for outcome in await self._monitor.outcomes(open_now, head)
        ]
        for trade, outcome in ended:
            write_end(self._journal, self._ledger, trade, outcome)
            if isinstance(outcome, Filled | Reverted):
                self._mined.append(Mined(trade, outcome))
        return ended

    def reopen(self, desk: Desk, dropped: Collection[BlockHash]) -> list[Mined]:
        """Open again every trade that ended in a block that left the chain; return how they had ended."""
        gone = [mined for mined in self._mined if mined.outcome.block.hash in dropped]
        for mined in gone:
            self._mined.remove(mined)
            write_reorged(self._journal, self._ledger, mined)
            desk.hold(mined.trade)
        return gone


def write_end(journal: Journal, ledger: LimitLedger, trade: OpenTrade, outcome: Outcome) -> None:
    """Write an outcome and give its reservation back, in one transaction."""
    with journal.transaction():
        record_outcome(journal, outcome)
        if trade.reservation is not None:
            ledger.release(trade.reservation, outcome)


def write_reorged(journal: Journal, ledger: LimitLedger, mined: Mined) -> None:
    """Take an outcome back, and hold its reservation again."""
    outcome = mined.outcome
    write_end(journal, ledger, mined.trade, Reorged(intent_id=outcome.intent_id, block=outcome.block))


def left_open(journal: Journal) -> list[OpenTrade]:
    """Rebuild the trades that the journal left open, by nonce."""
    found = [_open_trade(journal, trade) for trade in trades(journal) if trade.status == "open"]
    return sorted(found, key=lambda trade: trade.submission.nonce)


def mined_lately(journal: Journal, head: BlockRef) -> list[Mined]:
    """Rebuild the trades that ended in blocks which a reorg can still reach."""
    listed = {t.id: t for t in trades(journal) if t.block is not None and t.block > head.number - HISTORY_BLOCKS}
    rows: Sequence[tuple[str, int]] = journal.db.execute("SELECT intent_id, outcome_seq FROM intents").fetchall()
    found: list[Mined] = []
    for intent_id, seq in rows:
        if intent_id in listed:
            outcome = read_outcome(_entry(journal, seq))
            assert isinstance(outcome, Filled | Reverted)
            found.append(Mined(_open_trade(journal, listed[intent_id]), outcome))
    return found


def _open_trade(journal: Journal, trade: Trade) -> OpenTrade:
    """Rebuild one submission: its decision, or a sweep's command, is the entry right before its intent."""
    submission, cause = read_submission(_entry(journal, trade.seq)), _entry(journal, trade.seq - 1)
    return OpenTrade(
        submission=submission,
        reservation=cause.body["reservation"] if cause.kind == "decision" else None,
        pools=frozenset(PoolId(pool) for pool, _, _ in trade.route),
        sweeps=Address(cause.body["token"]) if cause.kind == "command" else None,
    )


def _entry(journal: Journal, seq: int) -> Entry:
    entry = journal.entry(seq)
    assert entry is not None, seq  # the projections name only entries that are there
    return entry
