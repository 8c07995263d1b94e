"""What the next block asks of a transaction: its base fee, and the least priority fee that blocks take of late.

The base fee is the formula's where the formula gave this block's own from its parent, wei for wei; else what the node
says (eth_feeHistory), never less than the head's; else an eighth above the head's, the most that EIP-1559 allows.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from engine.chains.endpoints import Endpoint, RpcError
from engine.chains.ordering import ChainOrdering
from engine.domain.events import BlockSeen
from engine.domain.ordering import ASSUMED, Ordering
from engine.domain.units import BlockRef, ChainId

HISTORY = 20
"""Blocks that are asked for."""
PERCENTILE = 10
"""Of each block's gas, by what it paid: its cheap end is what was enough."""
TAKES_NO_PRIORITY = frozenset({ChainId(42161)})
"""Chains whose sequencer leaves nobody out for bidding nothing: a bid there buys a place in the row, if anything."""

Source = Literal["formula", "fee history", "worst case"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Wei a gas in the block after the head, and how that block is ordered.

    `next_base_fee_wei` is None in the worst case: only its bound is known.
    """

    source: Source
    next_base_fee_wei: int | None
    least_priority_wei: int = 1
    why: str = ""
    ordering: Ordering = ASSUMED


WORST_CASE = Forecast(source="worst case", next_base_fee_wei=None)


class FeeForecast:
    """Follows heads; `publish` is told whenever the source changes, with the reason."""

    def __init__(
        self,
        endpoint: Endpoint,
        chain: ChainId,
        publish: Callable[[dict[str, Any]], None],
        ordering: ChainOrdering | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._chain = chain
        self._publish = publish
        self._ordering = ordering
        self._head: BlockSeen | None = None
        self._holds = False
        self.last = replace(
            WORST_CASE, why="nothing was traded yet", ordering=ASSUMED if ordering is None else ordering.now
        )

    def observe(self, event: BlockSeen) -> None:
        """Take a head up: did the formula give its base fee from its parent?"""
        before, self._head = self._head, event
        if before is None or before.block.hash != event.parent_hash:
            self._holds = False
        else:
            self._holds = before.next_base_fee_wei == event.base_fee_wei

    async def at(self, head: BlockRef, base_fee_wei: int) -> Forecast:
        """Forecast the block after `head`. Raises `ChainError` when the node does not answer at all."""
        params: list[Any] = [hex(HISTORY), hex(head.number), [PERCENTILE]]
        why, history = "", None
        try:
            history = await self._endpoint.call("eth_feeHistory", *params)
            said_wei = int(history["baseFeePerGas"][-1], 16)
            priority_wei = self._least_priority(history, base_fee_wei)
        except RpcError as error:
            why, said_wei, priority_wei = f"the node gives no fee history: {error.message}", None, 1
        except (KeyError, IndexError, TypeError, ValueError):
            why, said_wei, priority_wei = "the node's fee history cannot be read", None, 1
        by_formula = self._by_formula(head)
        if by_formula is not None:
            found = Forecast(source="formula", next_base_fee_wei=by_formula, least_priority_wei=priority_wei, why=why)
        elif said_wei is not None:
            said_wei = max(said_wei, base_fee_wei)
            found = Forecast(source="fee history", next_base_fee_wei=said_wei, least_priority_wei=priority_wei)
        else:
            found = Forecast(source="worst case", next_base_fee_wei=None, why=why)
        if (found.source, found.why) != (self.last.source, self.last.why):
            self._publish({"event": "fees", "source": found.source, "why": found.why})
        self.last = found if self._ordering is None else replace(found, ordering=await self._ordering.at(head))
        return self.last

    def _by_formula(self, head: BlockRef) -> int | None:
        known = self._head is not None and self._head.block.hash == head.hash and self._holds
        return self._head.next_base_fee_wei if known and self._head is not None else None

    def _least_priority(self, history: dict[str, Any], base_fee_wei: int) -> int:
        """Take the lower quartile of what the cheap end of each block paid, of those with transactions.

        Never above the base fee: a few blocks of bidders in a race do not say what is needed.
        """
        if self._chain in TAKES_NO_PRIORITY:
            return 1
        ratios = history["gasUsedRatio"]
        paid = sorted(
            int(row[0], 16) for row, ratio in zip(history.get("reward") or (), ratios, strict=False) if ratio > 0
        )
        return max(1, min(paid[(len(paid) - 1) // 4], base_fee_wei)) if paid else 1
