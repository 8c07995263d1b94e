"""The inbox loop: chain events and commands, one at a time, in the order they came; outcomes before new decisions."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from anyio.streams.memory import MemoryObjectReceiveStream

from engine.chains.endpoints import Endpoint
from engine.chains.heads import HISTORY_BLOCKS
from engine.desk import Desk, MarketView, OpenTrade
from engine.domain.commands import Command, Stop
from engine.domain.decision import Approved
from engine.domain.errors import ChainError, KetchError
from engine.domain.events import BlockSeen, ChainEvent, RolledBack
from engine.domain.opportunity import Route, SizedCycle
from engine.domain.outcome import Filled, Outcome, Reorged, Replaced
from engine.domain.pools import AnyPool
from engine.domain.ports import Clock, Pace
from engine.domain.units import Address, PoolId
from engine.execution.monitor import Monitor
from engine.journal.journal import Journal
from engine.journal.records import record_opportunity, record_outcome
from engine.market.discovery import Found, found_in
from engine.market.prices import price_tokens
from engine.market.state import Market
from engine.market.sync import read_pools
from engine.operator_commands import OperatorCommands
from engine.planning.capital import Funds, Lenders, read_funds
from engine.proposing import engine_asks
from engine.risk.limits import LimitLedger
from engine.risk.policy import Policy
from engine.scanning.scan import Universe, build_universe, greedy_rounds, update_rates
from engine.venues.deployments import Deployment

MEASUREMENTS = 100_000
"""How many latencies are kept for percentiles."""
RESEND_AFTER_BLOCKS = 8

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """A command in the inbox, and where its answer goes."""

    command: Command
    answer: asyncio.Future[dict[str, Any]]


Inbox = MemoryObjectReceiveStream[ChainEvent | Asked]


@dataclass(slots=True)
class Measured:
    """What this run has seen so far; latencies in nanoseconds."""

    blocks: int = 0
    opportunities: int = 0
    filled: int = 0
    reverted: int = 0
    refused: int = 0
    detect_ns: deque[int] = field(default_factory=lambda: deque(maxlen=MEASUREMENTS))
    send_ns: deque[int] = field(default_factory=lambda: deque(maxlen=MEASUREMENTS))


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanTerms:
    """How far to look: the least net profit in wei worth proving, and how many trades a block."""

    base_tokens: tuple[Address, ...]
    max_hops: int
    max_rounds: int
    floor_wei: int


class Loop:
    """Everything that happens to the engine happens in `process`, one event at a time."""

    def __init__(
        self,
        *,
        endpoint: Endpoint,
        journal: Journal,
        ledger: LimitLedger,
        policy: Policy,
        market: Market,
        found: Sequence[Found],
        deployments: Sequence[Deployment],
        desk: Desk,
        monitor: Monitor,
        commands: OperatorCommands,
        clock: Clock,
        pace: Pace,
        lenders: Lenders,
        executor: Address,
        native: Address,
        terms: ScanTerms,
        publish: Callable[[Event], None],
        tip: Callable[[], int],
        fills_wanted: int | None,
    ) -> None:
        self._endpoint = endpoint
        self._journal = journal
        self._ledger = ledger
        self._policy = policy
        self.market = market
        self.found = {PoolId(f.address): f for f in found}
        self._deployments = deployments
        self._desk = desk
        self._monitor = monitor
        self._commands = commands
        self._clock = clock
        self._pace = pace
        self._lenders = lenders
        self._executor = executor
        self._native = native
        self._terms = terms
        self._publish = publish
        self._tip = tip
        self._fills_wanted = fills_wanted
        self._universe: Universe = build_universe(market.pools, terms.base_tokens, terms.max_hops)
        self._funds = Funds()
        self._settled: deque[tuple[OpenTrade, Outcome]] = deque(maxlen=HISTORY_BLOCKS)
        self._decided: dict[Route, tuple[AnyPool, ...]] = {}
        self.measured = Measured()

    async def run(self, inbox: Inbox) -> str:
        """Process until a Stop command or enough fills; return why. Raises what ends the engine."""
        self._funds = await self._read_funds()
        await self._pace.done(self.market.head)  # no event tells of the block that the market was read at
        async for item in inbox:
            if isinstance(item, Asked):
                await self._answer(item)
                if isinstance(item.command, Stop):
                    return item.command.reason
            else:
                await self.process(item)
            if self._fills_wanted is not None and self.measured.filled >= self._fills_wanted and not self._desk.open:
                return f"{self.measured.filled} fills"
        return "the chain's events ended"

    async def process(self, event: ChainEvent) -> None:
        """Take one chain event all the way: market, outcomes, opportunities, decisions, submissions."""
        if isinstance(event, RolledBack):
            self._roll_back(event)
            return
        self._clock.observe(event.block)
        changed = self.market.apply(event)
        await self._add_new_pools(event)
        update_rates(self._universe, self.market.pools, changed)
        self.measured.blocks += 1
        if await self._settle():
            self._funds = await self._read_funds()
        proposed = await self._trade(event) if self._may_trade(event) else []
        self._publish(
            {
                "event": "block",
                "number": event.block.number,
                "pools": len(self.market.pools),
                "changed": len(changed),
                "opportunities": len(proposed),
                "open": len(self._desk.open),
                "filled": self.measured.filled,
                "reverted": self.measured.reverted,
            }
        )
        await self._pace.done(event.block)

    def _may_trade(self, event: BlockSeen) -> bool:
        """Decide on the newest block only, and not once the fills asked for are on their way."""
        enough = self._fills_wanted is not None and self.measured.filled + len(self._desk.open) >= self._fills_wanted
        return self._commands.state != "HALTED" and self._tip() <= event.block.number and not enough

    async def _trade(self, event: BlockSeen) -> list[SizedCycle]:
        view = MarketView(
            block=event.block,
            pools=self.market.pools,
            prices=price_tokens(self.market.pools.values(), self._native),
            base_fee_wei=event.base_fee_wei,
            funds=self._funds,
        )
        cycles = [cycle for cycle in self._scan(view) if self._is_news(cycle)]
        if not cycles:
            return []
        self.measured.opportunities += len(cycles)
        state = self._commands.state
        with self._journal.transaction():
            asks = engine_asks(
                cycles,
                view,
                policy=self._policy,
                lenders=self._lenders,
                state=state,
                stamp=self._desk.stamp,
                record=lambda opportunity: record_opportunity(self._journal, opportunity),
            )
        if not asks:
            return cycles
        try:
            traded = await self._desk.trade(asks, view, state)
        except ChainError as error:
            # nothing was signed: the node left the block or did not answer, and the next block finds what is left
            self._publish({"event": "passed", "number": event.block.number, "why": error.line()})
            return cycles
        self.measured.detect_ns.append(traded.decided_ns - event.received_ns)
        if any(isinstance(decision, Approved) for decision in traded.decisions):
            self.measured.send_ns.append(traded.sent_ns - traded.decided_ns)
        for decision in traded.decisions:
            if isinstance(decision, Approved):
                self._publish({"event": "submitted", "id": decision.stamp.id, "block": event.block.number})
            else:
                self.measured.refused += 1
                self._publish({"event": "refused", "rule": decision.rule, "measured": decision.measured})
        return cycles

    def _scan(self, view: MarketView) -> list[SizedCycle]:
        cycles = greedy_rounds(
            self._universe,
            view.pools,
            prices=view.prices,
            gas_price_wei=view.base_fee_wei,
            floor_wei=max(self._terms.floor_wei, self._policy.min_net_profit_wei),
            max_rounds=self._terms.max_rounds,
        )
        in_flight = {pool for trade in self._desk.open.values() for pool in trade.pools}
        return [cycle for cycle in cycles if not cycle.route.pools & in_flight]

    def _is_news(self, cycle: SizedCycle) -> bool:
        """Pass over a route already decided on pools that have not changed since: the answer would be the same."""
        pools = tuple(self.market.pools[hop.pool] for hop in cycle.route.hops)
        before = self._decided.get(cycle.route)
        self._decided[cycle.route] = pools
        return before is None or any(a is not b for a, b in zip(before, pools, strict=True))

    async def _settle(self) -> bool:
        """Write down how open trades ended; True when one did."""
        trades = sorted(self._desk.open.values(), key=lambda trade: trade.submission.nonce)
        head = self.market.head
        ended = await self._monitor.outcomes([trade.submission for trade in trades], head)
        for outcome in ended:
            self._end(self._desk.open.pop(outcome.intent_id), outcome)
        if any(t.submission.submitted_block + RESEND_AFTER_BLOCKS < head.number for t in self._desk.open.values()):
            await self._desk.send_again()
        return bool(ended)

    def _end(self, trade: OpenTrade, outcome: Outcome) -> None:
        with self._journal.transaction():
            record_outcome(self._journal, outcome)
            if trade.reservation is not None:
                self._ledger.release(trade.reservation, outcome)
        self._settled.append((trade, outcome))
        is_trade = trade.reservation is not None
        if isinstance(outcome, Filled):
            self.measured.filled += is_trade
        elif not isinstance(outcome, Replaced):
            self.measured.reverted += is_trade
        self._publish(
            {
                "event": "trade",
                "id": outcome.intent_id,
                "tx_hash": trade.submission.tx_hash,
                "status": type(outcome).__name__.lower(),
                "block": None if isinstance(outcome, Replaced) else outcome.block.number,
                "token": outcome.token if isinstance(outcome, Filled) else None,
                "realised": str(outcome.realised) if isinstance(outcome, Filled) else "0",
            }
        )

    def _roll_back(self, event: RolledBack) -> None:
        """Undo the market, and open again every trade whose block left the chain."""
        self.market.roll_back(event)
        self._universe = build_universe(self.market.pools, self._terms.base_tokens, self._terms.max_hops)
        gone = {block.hash for block in event.dropped}
        for trade, outcome in list(self._settled):
            if isinstance(outcome, Replaced | Reorged) or outcome.block.hash not in gone:
                continue
            reorged = Reorged(intent_id=outcome.intent_id, block=outcome.block)
            self._settled.remove((trade, outcome))
            with self._journal.transaction():
                record_outcome(self._journal, reorged)
                if trade.reservation is not None:
                    self._ledger.release(trade.reservation, reorged)
            self._desk.hold(trade)
            self.measured.filled -= isinstance(outcome, Filled) and trade.reservation is not None
        self._publish({"event": "reorg", "ancestor": event.ancestor.number, "dropped": len(event.dropped)})

    async def _add_new_pools(self, event: BlockSeen) -> None:
        new = [f for log in event.logs if (f := found_in(log, self._deployments)) is not None]
        if not new:
            return
        self.market.add(await read_pools(self._endpoint, new, event.block.hash))
        self.found |= {PoolId(f.address): f for f in new}
        self._universe = build_universe(self.market.pools, self._terms.base_tokens, self._terms.max_hops)

    async def _read_funds(self) -> Funds:
        head = self.market.head
        return await read_funds(self._endpoint, self._terms.base_tokens, self._executor, self._lenders, head.hash)

    async def _answer(self, asked: Asked) -> None:
        try:
            answer = await self._commands.take(asked.command, self._desk, self.market.head)
        except KetchError as error:
            if not asked.answer.done():
                asked.answer.set_exception(error)
            return
        if not asked.answer.done():
            asked.answer.set_result(answer)
        self._publish({"event": "command", "command": type(asked.command).__name__.lower(), **answer})
