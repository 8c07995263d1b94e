"""Look at what others landed in each block, with what we knew and did before it, and write down why it was not ours."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine.chains.endpoints import Endpoint
from engine.desk import Desk
from engine.domain.commands import TradingState
from engine.domain.decision import Approved, Decision
from engine.domain.events import BlockSeen
from engine.domain.opportunity import Price
from engine.domain.pools import AnyPool
from engine.domain.units import Address, PoolId
from engine.journal.canonical import plain
from engine.journal.journal import Journal
from engine.misses.classify import Arbitrage
from engine.misses.explain import Decided, Known, Miss, OurTrade, explain
from engine.misses.landed import factories_of, landed


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What does not change while the engine runs: where cycles may begin, how long they may be, whom we follow."""

    base_tokens: tuple[Address, ...]
    max_hops: int
    venues: frozenset[Address]


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What the engine knew and did when it was done with a block. `least_net_wei` is the floor it decided with."""

    number: int
    pools: Mapping[PoolId, AnyPool]
    base_fee_wei: int
    least_net_wei: int
    state: TradingState
    looked: bool
    decisions: Sequence[Decision]
    open_trades: Mapping[str, frozenset[PoolId]]


class MissWatch:
    """Remembers one block back. Nothing is asked of the chain for a block without a possible cycle of others.

    Without `terms` it is switched off.
    """

    def __init__(
        self,
        *,
        endpoint: Endpoint,
        journal: Journal,
        terms: Terms | None,
        prices_of: Callable[[Mapping[PoolId, AnyPool]], Mapping[Address, Price]],
        set_aside: Callable[[Iterable[Address]], Mapping[Address, str]],
    ) -> None:
        self._endpoint = endpoint
        self._journal = journal
        self._terms = terms
        self._prices_of = prices_of
        self._set_aside = set_aside
        self._before: Before | None = None

    def remember(
        self,
        event: BlockSeen,
        pools: Mapping[PoolId, AnyPool],
        desk: Desk,
        decisions: Sequence[Decision],
        *,
        state: TradingState,
        looked: bool,
        floor_wei: int,
    ) -> None:
        """Keep what was known and done after a block until the next one comes."""
        if self._terms is not None:
            self._before = Before(
                number=event.block.number,
                pools=dict(pools),
                base_fee_wei=event.base_fee_wei,
                least_net_wei=floor_wei,
                state=state,
                looked=looked,
                decisions=decisions,
                open_trades={trade.submission.tx_hash: trade.pools for trade in desk.open.values()},
            )

    def forget(self) -> None:
        """Drop what was remembered: its block has left the chain."""
        self._before = None

    async def look(self, event: BlockSeen) -> list[Miss]:
        """Explain each arbitrage of others in a block and write it down; none without a memory of the block before.

        Raises `ChainError` when the node does not answer.
        """
        before, terms = self._before, self._terms
        if before is None or terms is None or before.number + 1 != event.block.number:
            return []
        found = await landed(self._endpoint, event.logs, before.open_trades.keys())
        if not found:
            return []
        unknown = {swap.pool for one in found for swap in one.swaps} - before.pools.keys()
        strange = [one for one in found if unknown & {swap.pool for swap in one.swaps}]
        known = Known(
            pools=before.pools,
            prices=self._prices_of(before.pools),
            base_fee_wei=before.base_fee_wei,
            base_tokens=terms.base_tokens,
            max_hops=terms.max_hops,
            least_net_wei=before.least_net_wei,
            state=before.state,
            looked=before.looked,
            decided=[_decided(decision) for decision in before.decisions],
            set_aside=self._set_aside(sorted({swap.token_in for one in found for swap in one.swaps})),
            ours=await self._ours(before, found, event.block.number),
            factories=await factories_of(self._endpoint, strange, event.block.hash) if strange else {},
            venues=terms.venues,
            mined_base_fee_wei=event.base_fee_wei,
        )
        misses = [explain(one, known) for one in found]
        with self._journal.transaction():
            for miss in misses:
                self._journal.append("miss", {"block": plain(event.block), **plain(miss)})
        return misses

    async def _ours(self, before: Before, found: Sequence[Arbitrage], number: int) -> list[OurTrade]:
        """Say where our own transactions for the same pools came, if they were mined in this block."""
        wanted = {swap.pool for one in found for swap in one.swaps}
        hashes = [tx for tx, pools in before.open_trades.items() if pools & wanted]
        if not hashes:
            return []
        receipts = await self._endpoint.batch([("eth_getTransactionReceipt", (tx,)) for tx in hashes])
        approved = {d.proof.plan.request.route.pools: d for d in before.decisions if isinstance(d, Approved)}
        ours: list[OurTrade] = []
        for tx, receipt in zip(hashes, receipts, strict=True):
            if receipt is not None and int(receipt["blockNumber"], 16) < number:
                continue  # it had ended before, and is settled once the newest block is reached
            pools = before.open_trades[tx]
            decision = approved.get(pools)
            here = receipt if receipt is not None and int(receipt["blockNumber"], 16) == number else None
            ours.append(
                OurTrade(
                    pools=pools,
                    amount_in=decision.proof.plan.request.amount_in if decision else None,
                    bid_wei=decision.priority_fee_wei if decision else None,
                    limits=decision.bid_limits if decision else None,
                    filled=here is not None and int(here["status"], 16) == 1,
                    position=None if here is None else int(here["transactionIndex"], 16),
                )
            )
        return ours


def _decided(decision: Decision) -> Decided:
    if isinstance(decision, Approved):
        return Decided(pools=decision.proof.plan.request.route.pools, rule=None)
    return Decided(
        pools=decision.request.route.pools, rule=decision.rule, measured=decision.measured, limit=decision.limit
    )
