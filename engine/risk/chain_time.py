"""The limits' clock: the chain's timestamps, which never go back and never run ahead of the blocks that were mined.

A day and a minute are the chain's; no clock of this machine has a say. Nor has a single timestamp. One that is lower
(a reorg, a lying or restarted node) leaves the time where it was: no day comes back and no window empties. One that
leaps must be borne out by the blocks since: up to an hour's slack and ten times the chain's block time for each. A leap
beyond that opens no day, and no trade is reserved until the blocks have caught up, which on an honest chain they do by
themselves. So who controls timestamps alone can make days pass at most ten times as fast, and takes nothing back that
was spent. Who also makes up block numbers is a lying endpoint: what he can cost is in docs/security.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.domain.units import BlockRef, ChainId

DAY_S = 86_400
MINUTE_S = 60
SLACK_S = 3_600
LEAP = 10
BLOCK_S: Mapping[int, int] = {ChainId(1): 12, ChainId(10): 2, ChainId(8453): 2, ChainId(42161): 1}
"""Seconds between blocks, rounded up; the sequencers' longest stops so far lasted less than two hours."""
UNKNOWN_BLOCK_S = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainTime:
    """The ledger's time: the highest plausible timestamp so far, and the block that showed it.

    `number` is 0 where the journal's first format wrote the day alone.
    """

    time_s: int
    number: int

    @property
    def day(self) -> int:
        """Number the chain's day: days since the epoch."""
        return self.time_s // DAY_S


def latest_plausible_s(last: ChainTime, block: BlockRef) -> int:
    """Say the highest timestamp that a block may show, given the last time that the ledger took."""
    blocks = max(block.number - last.number, 0)
    return last.time_s + SLACK_S + LEAP * BLOCK_S.get(block.chain, UNKNOWN_BLOCK_S) * blocks


def is_plausible(last: ChainTime | None, block: BlockRef) -> bool:
    """Say whether a block's timestamp is borne out by its number. The very first is taken as it is."""
    return last is None or last.number == 0 or block.timestamp_s <= latest_plausible_s(last, block)


def advanced(last: ChainTime | None, block: BlockRef) -> ChainTime:
    """Move the ledger's time to a block's, or leave it where it is for a timestamp that is lower or leaps."""
    if last is not None and (block.timestamp_s <= last.time_s or not is_plausible(last, block)):
        return last
    return ChainTime(time_s=block.timestamp_s, number=block.number)
