"""How open trades end, how one opens again when its block leaves the chain, and both after a restart."""

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from itertools import islice
from typing import Any, NamedTuple

from engine.chains.heads import HISTORY_BLOCKS
from engine.desk import Desk, OpenTrade
from engine.domain.decision import Attempt
from engine.domain.outcome import Cancelled, Filled, Outcome, Reorged, Replaced, Reverted, mined_hash
from engine.domain.units import Address, BlockHash, BlockRef, PoolId
from engine.execution.monitor import Monitor
from engine.journal.ancestry import backwards, request_of
from engine.journal.journal import Entry, Journal
from engine.journal.operators import operator_now
from engine.journal.records import read_attempts, read_outcome, read_submission, record_outcome
from engine.risk.limits import LimitLedger

SETTLED_KEPT = 4096


class Settled(NamedTuple):
    """A trade that ended, and how."""

    trade: OpenTrade
    outcome: Outcome


class Mined(NamedTuple):
    """A trade whose nonce was used in a block, which may still leave the chain."""

    trade: OpenTrade
    outcome: Filled | Reverted | Cancelled | Replaced
    block: BlockRef


class Settlement:
    """Writes ends down, and keeps those of the blocks that a reorg can still reach."""

    def __init__(self, *, journal: Journal, ledger: LimitLedger, monitor: Monitor, mined: Iterable[Mined]) -> None:
        self._journal = journal
        self._ledger = ledger
        self._monitor = monitor
        self._mined = deque(mined, maxlen=SETTLED_KEPT)

    async def settle(self, desk: Desk, head: BlockRef) -> list[Settled]:
        """Write down how the desk's open trades ended as of `head`. Raises `ChainError` when the node does not say."""
        open_now = sorted((t.outstanding for t in desk.open.values()), key=lambda one: one.submission.nonce)
        ended = [
            Settled(desk.open.pop(outcome.intent_id), outcome)
            for outcome in await self._monitor.outcomes(open_now, head)
        ]
        for trade, outcome in ended:
            write_end(self._journal, self._ledger, trade, outcome)
            if (mined := mined_in(trade, outcome)) is not None:
                self._mined.append(mined)
        return ended

    def reopen(self, desk: Desk, dropped: Collection[BlockHash]) -> list[Mined]:
        """Open again every trade that ended in a block that left the chain; return how they had ended."""
        gone = [mined for mined in self._mined if mined.block.hash in dropped]
        for mined in gone:
            self._mined.remove(mined)
            write_reorged(self._journal, self._ledger, mined)
            desk.hold(mined.trade)
        return gone


def trade_event(settled: Settled) -> dict[str, Any]:
    """Tell those who follow the engine how a trade ended."""
    trade, outcome = settled
    return {
        "event": "trade",
        "id": outcome.intent_id,
        "tx_hash": mined_hash(outcome) or trade.submission.tx_hash,
        "status": type(outcome).__name__.lower(),
        "block": None if outcome.block is None else outcome.block.number,
        "token": outcome.token if isinstance(outcome, Filled) else None,
        "realised": str(outcome.realised) if isinstance(outcome, Filled) else "0",
    }


def mined_in(trade: OpenTrade, outcome: Outcome) -> Mined | None:
    """Pair a trade with the block that ended it; None for an end that names no block."""
    if isinstance(outcome, Reorged) or outcome.block is None:
        return None
    return Mined(trade, outcome, outcome.block)


def write_end(journal: Journal, ledger: LimitLedger, trade: OpenTrade, outcome: Outcome) -> None:
    """Write an outcome and give its reservation back, in one transaction."""
    with journal.transaction():
        record_outcome(journal, outcome)
        if trade.reservation is not None:
            ledger.release(trade.reservation, outcome)


def write_reorged(journal: Journal, ledger: LimitLedger, mined: Mined) -> None:
    """Take an outcome back, and hold its reservation again."""
    write_end(journal, ledger, mined.trade, Reorged(intent_id=mined.outcome.intent_id, block=mined.block))


def left_open(journal: Journal) -> list[OpenTrade]:
    """Rebuild the trades that the journal left open, by nonce."""
    seqs = [seq for (seq,) in journal.rows("SELECT seq FROM intents WHERE status = 'open' ORDER BY nonce, seq")]
    attempts = read_attempts(journal, after_seq=min(seqs, default=0))
    return [_open_trade(journal, seq, attempts) for seq in seqs]


def mined_lately(journal: Journal, head: BlockRef) -> list[Mined]:
    """Rebuild the trades that ended in blocks which a reorg can still reach, in the order of their ends.

    Outcomes are read from the newest back: nonces are mined in their order, so that none that is much older than a
    reorg's reach has one behind it that is not.
    """
    since_seq = operator_now(journal).since_seq  # an earlier key's are past a reorg's reach
    found: list[tuple[int, Filled | Reverted | Cancelled | Replaced, BlockRef]] = []
    for entry in islice(backwards(journal, "outcome"), SETTLED_KEPT):
        outcome = read_outcome(entry)
        if isinstance(outcome, Reorged) or outcome.block is None:
            continue
        if outcome.block.number <= head.number - 2 * HISTORY_BLOCKS:
            break
        ((seq, ended),) = journal.rows("SELECT seq, outcome_seq FROM intents WHERE intent_id = ?", outcome.intent_id)
        if seq > since_seq and ended == entry.seq and outcome.block.number > head.number - HISTORY_BLOCKS:
            found.append((seq, outcome, outcome.block))
    attempts = read_attempts(journal, after_seq=min((seq for seq, _, _ in found), default=0)) if found else {}
    return [Mined(_open_trade(journal, seq, attempts), outcome, block) for seq, outcome, block in reversed(found)]


def _open_trade(journal: Journal, seq: int, attempts: Mapping[str, tuple[Attempt, ...]]) -> OpenTrade:
    """Rebuild one submission: what asked for it, a decision or a sweep's command, is the entry right before it."""
    submission, cause = read_submission(_entry(journal, seq)), _entry(journal, seq - 1)
    asked = request_of(journal, cause) if cause.kind == "decision" else None
    hops = asked.body["route"]["hops"] if asked else []
    return OpenTrade(
        submission=submission,
        attempts=attempts.get(submission.intent_id, ()),
        reservation=cause.body["reservation"] if cause.kind == "decision" else None,
        pools=frozenset(PoolId(hop["pool"]) for hop in hops),
        sweeps=Address(cause.body["token"]) if cause.kind == "command" else None,
    )


def _entry(journal: Journal, seq: int) -> Entry:
    entry = journal.entry(seq)
    assert entry is not None, seq  # the projections name only entries that are there
    return entry
