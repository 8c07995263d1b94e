"""What each bot took of what there was, read from the chain alone: the same rule for the engine, rivals and others.

The profit available in a stretch of blocks is what stood at its beginning and every rise after that, transaction by
transaction, at the base fee and without a bid. A bot's profit taken is what its executor logged, valued at the price
right before its transaction, less its gas at the base fee: its bid and what its failures cost are told apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.chains.endpoints import Endpoint
from engine.chains.executor_calls import profit_of
from engine.chains.heads import decode_logs
from engine.domain.units import Address
from engine.market.prices import price_tokens
from engine.scanning.available import Available


@dataclass(slots=True, kw_only=True)
class Taken:
    """One bot's transactions that were mined: wei of the native coin, `missed_wei` all gas and bids without a fill."""

    submissions: int = 0
    fills: int = 0
    taken_wei: int = 0
    bids_wei: int = 0
    missed_wei: int = 0

    @property
    def kept_wei(self) -> int:
        """What is left after bids and failures."""
        return self.taken_wei - self.bids_wei - self.missed_wei


@dataclass(frozen=True, slots=True, kw_only=True)
class Takings:
    """A stretch of blocks: what stood, what rose, what was left, in wei, and what each bot took of it."""

    blocks: int
    stood_wei: int
    risen_wei: int
    left_wei: int
    by_account: Mapping[Address, Taken]

    @property
    def available_wei(self) -> int:
        """What stood at the beginning and what rose since."""
        return self.stood_wei + self.risen_wei


async def takings(
    endpoint: Endpoint, market: Available, *, native: Address, first: int, last: int, bots: Mapping[Address, Address]
) -> Takings:
    """Follow `market`, as it stands before block `first`, to the end of block `last`.

    `bots` maps accounts to their executors. Raises `ChainError` when the node does not answer.
    """
    stood_wei, by_account = market.standing_wei, {account: Taken() for account in bots}
    for number in range(first, last + 1):
        header, receipts = await endpoint.batch(
            [("eth_getBlockByNumber", (hex(number), False)), ("eth_getBlockReceipts", (hex(number),))]
        )
        base_fee_wei = int(header["baseFeePerGas"], 16)
        for receipt in receipts:
            account = Address(receipt["from"].lower())
            if account in bots:
                _count(by_account[account], receipt, bots[account], market, native, base_fee_wei)
            market.follow(decode_logs(receipt["logs"]))
    return Takings(
        blocks=last + 1 - first,
        stood_wei=stood_wei,
        risen_wei=market.risen_wei,
        left_wei=market.standing_wei,
        by_account=by_account,
    )


def _count(
    taken: Taken,
    receipt: Mapping[str, Any],
    executor: Address,
    market: Available,
    native: Address,
    base_fee_wei: int,
) -> None:
    units, paid_wei = int(receipt["gasUsed"], 16), int(receipt["effectiveGasPrice"], 16)
    found = profit_of(decode_logs(receipt["logs"]), executor)
    taken.submissions += 1
    if found is None:
        taken.missed_wei += units * paid_wei
        return
    token, profit = found
    taken.fills += 1
    taken.taken_wei += price_tokens(market.pools.values(), native)[token].wei(profit) - units * base_fee_wei
    taken.bids_wei += units * (paid_wei - base_fee_wei)


def capture_ratio(taken_wei: int, available_wei: int) -> float | None:
    """Return profit taken ÷ profit available; None when there was nothing."""
    return round(taken_wei / available_wei, 4) if available_wei > 0 else None


def fill_ratio(takens: Sequence[Taken]) -> float | None:
    """Return fills ÷ submissions of some bots together; None when they sent nothing."""
    submissions = sum(taken.submissions for taken in takens)
    return round(sum(taken.fills for taken in takens) / submissions, 4) if submissions else None
