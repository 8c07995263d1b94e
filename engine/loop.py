"""The inbox loop: chain events and commands, one at a time, in the order they came; outcomes before new decisions."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from anyio.streams.memory import MemoryObjectReceiveStream

from engine.chains.endpoints import Endpoint, RpcError
from engine.chains.fee_forecast import FeeForecast
from engine.chains.feeds.feed import Feed
from engine.desk import Desk, MarketView, Traded
from engine.domain.commands import Command, Stop
from engine.domain.decision import Approved, Decision
from engine.domain.errors import ChainError, ControlError, KetchError
from engine.domain.events import BlockSeen, ChainEvent, RolledBack
from engine.domain.opportunity import SizedCycle
from engine.domain.outcome import Filled, Reverted
from engine.domain.pools import Log
from engine.domain.ports import Clock, Pace, Prior, Tape
from engine.domain.units import Address, BlockRef, PoolId
from engine.gas_float import GasFloat
from engine.gas_seen import GasSeen
from engine.journal.calls import CallLog
from engine.journal.journal import Journal
from engine.journal.records import record_opportunity
from engine.market.discovery import Found, found_in
from engine.market.prices import price_tokens
from engine.market.state import Market, touched
from engine.market.sync import read_pools
from engine.market.tokens import TokenBook
from engine.measured import Measured
from engine.miss_watch import MissWatch
from engine.operator_commands import OperatorCommands
from engine.planning.capital import Funds, Lenders, read_funds
from engine.proposing import engine_asks, net_before_bid
from engine.replacing import Replacements
from engine.revocation import OperatorWatch
from engine.risk.in_force import PolicyInForce
from engine.scan_terms import ScanTerms
from engine.scanning.scan import Scan
from engine.searching import Search
from engine.settling import Settled, Settlement, trade_event
from engine.venues.deployments import Deployment

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """A command in the inbox, and where its answer goes."""

    command: Command
    answer: asyncio.Future[dict[str, Any]]


Inbox = MemoryObjectReceiveStream[ChainEvent | Asked]


class Loop:
    """Everything that happens to the engine happens in `process`, one event at a time."""

    def __init__(
        self,
        *,
        endpoint: Endpoint,
        journal: Journal,
        calls: CallLog,
        operator_watch: OperatorWatch,
        policy: PolicyInForce,
        market: Market,
        found: Sequence[Found],
        deployments: Sequence[Deployment],
        desk: Desk,
        settlement: Settlement,
        replacements: Replacements,
        tokens: TokenBook,
        commands: OperatorCommands,
        clock: Clock,
        pace: Pace,
        lenders: Lenders,
        executor: Address,
        operator: Address,
        native: Address,
        terms: ScanTerms,
        publish: Callable[[Event], None],
        tip: Callable[[], int],
        fills_wanted: int | None,
        gas_float: GasFloat,
        misses: MissWatch,
        gas_seen: GasSeen,
        prior: Prior,
        forecast: FeeForecast,
        feed: Feed,
        pending: Callable[[BlockRef], Sequence[Log]],
        tape: Tape | None = None,
    ) -> None:
        self._tape, self._pending = tape, pending
        self._endpoint = endpoint
        self._journal = journal
        self._calls = calls
        self._operator_watch = operator_watch
        self._in_force = policy
        self.market = market
        self.found = {PoolId(f.address): f for f in found}
        self._deployments = deployments
        self._desk = desk
        self._settlement = settlement
        self._replacements = replacements
        self._commands = commands
        self._clock = clock
        self._pace = pace
        self._lenders = lenders
        self._executor = executor
        self._operator = operator
        self._native = native
        self._terms = terms
        self._publish = publish
        self._tip = tip
        self._fills_wanted = fills_wanted
        self._gas_float, self._tokens, self._misses = gas_float, tokens, misses
        self._search = Search(market=market, tokens=tokens, terms=terms, gas_seen=gas_seen, prior=prior)
        self._funds = Funds()
        self._base_fee_wei: int | None = None
        self._stopping: str | None = None
        self.gas_seen, self.prior, self.forecast, self.feed = gas_seen, prior, forecast, feed
        self._round: Sequence[Decision] = ()
        self.measured = Measured()
        self.settled = market.head.number
        """The newest block as of which every end is written down: the head, but for a loop that is behind."""
        self.busy = False
        """True from an item's arrival until it is dealt with: what can wait, waits."""

    async def run(self, inbox: Inbox) -> str:
        """Process until a Stop command or enough fills, and what is in flight has ended; return why.

        Raises what ends the engine.
        """
        self._funds = await self._read_funds()
        header = await self._endpoint.call("eth_getBlockByHash", self.market.head.hash, False)
        self._base_fee_wei = int((header or {}).get("baseFeePerGas", "0x0"), 16)
        await self._pace.done(self.market.head)  # no event tells of the block that the market was read at
        async for item in inbox:
            await self.take(item)
            if self._operator_watch.handed_over:
                return "another hot key signs from here on"
            if self._stopping is not None and not self._desk.open:
                return self._stopping
            if self._fills_wanted is not None and self.measured.filled >= self._fills_wanted and not self._desk.open:
                return f"{self.measured.filled} fills"
        return "the chain's events ended"

    async def take(self, item: ChainEvent | Asked) -> None:
        """Take one item of the inbox, the tape around it."""
        self.busy = True
        if self._tape is not None:
            self._tape.begin(item.command if isinstance(item, Asked) else item)
        if isinstance(item, Asked):
            await self._answer(item)
            if isinstance(item.command, Stop):
                self._stopping = item.command.reason
        else:
            await self.process(item)
        if self._tape is not None:
            self._tape.end()
        self.busy = False

    async def process(self, event: ChainEvent) -> None:
        """Take one chain event all the way: market, outcomes, opportunities, decisions, submissions."""
        if isinstance(event, RolledBack):
            await self._roll_back(event)
            return
        self._clock.observe(event.block)
        self._calls.observe(event.block)
        self._commands.hold_halt(event.block)
        self._operator_watch.observe(event.logs, event.block)
        self._replacements.key_ends = self._operator_watch.following is not None
        self.forecast.observe(event)
        self.feed.observe(event)
        changed = self.market.apply(event)
        self._base_fee_wei = event.base_fee_wei
        await self._add_new_pools(event)
        self._search.changed(changed)
        self.measured.blocks += 1
        self._round = ()
        proposed: Sequence[SizedCycle] = ()
        state, looked = self._commands.state, self._tip() <= event.block.number
        try:
            if looked:  # behind, only the market is brought up: what asks the node is asked once, at the newest block
                if await self._settle() or self._funds.gas_float_wei < self._in_force.policy.max_gas_wei:
                    self._funds = await self._read_funds()
                self._search.follow_tokens()
                if self._may_trade(event):
                    proposed = await self._trade(event)
                self._say_unsent(await self._replacements.tend(self._desk, event.block, event.base_fee_wei))
            for miss in await self._misses.look(event):
                self._publish({"event": "missed", "reason": miss.reason, "tx_hash": miss.arbitrage.tx_hash})
        except RpcError as error:  # the node has left this block; the reorg and the blocks after it are on their way
            self._pass_over(event, error)
        self._misses.remember(
            event, self.market.pools, self._desk, self._round, state=state, looked=looked, floor_wei=self._floor_wei()
        )
        self._publish(
            {
                "event": "block",
                "number": event.block.number,
                "pools": len(self.market.pools),
                "changed": len(changed),
                "opportunities": len(proposed),
                "open": len(self._desk.open),
                "settled": self.settled,
                "filled": self.measured.filled,
                "reverted": self.measured.reverted,
            }
        )
        await self._check_tokens(event)
        self._operator_watch.settle(event.block, still_open=bool(self._desk.open))
        await self._pace.done(event.block)

    def _may_trade(self, event: BlockSeen) -> bool:
        """Decide on the newest block only, with room for a transaction, and not once the last fill is on its way."""
        open_now = len(self._desk.open)
        enough = self._fills_wanted is not None and self.measured.filled + open_now >= self._fills_wanted
        if self._stopping is not None or self._operator_watch.following is not None:
            return False
        if enough or open_now >= self._in_force.policy.max_open_intents:
            return False
        return self._commands.state != "HALTED" and self._tip() <= event.block.number

    def _floor_wei(self) -> int:
        return max(self._terms.floor_wei, net_before_bid(self._in_force.policy, self.forecast.last.ordering))

    async def _check_tokens(self, event: BlockSeen) -> None:
        """Check the tokens that wait for it, after this block's trades have been sent."""
        try:
            await self._tokens.check_due(self.market.pools, event.block)
        except ChainError as error:  # they wait for the next block
            self._pass_over(event, error)
        self._search.follow_tokens()

    async def _trade(self, event: BlockSeen) -> list[SizedCycle]:
        view = self.view()
        rounds = self._in_force.policy.max_open_intents - len(self._desk.open)
        cycles = self._search.news(
            view,
            floor_wei=self._floor_wei(),
            bid_share_ppm=self.forecast.last.ordering.bid_share_ppm(self._in_force.policy.bid_share_ppm),
            rounds=rounds,
            in_flight=self._desk.in_flight,
            moving=touched(view.pools, self._pending(view.block)),
        )
        self.measured.left_alone = self._search.left_alone
        if not cycles:
            return []
        self.measured.opportunities += len(cycles)
        try:
            traded = await self._proposed(cycles, await self._desk.priced(view))
        except ChainError as error:  # nothing was signed: the next block finds what is left of them
            self._pass_over(event, error)
            self._search.decide_again([cycle.route for cycle in cycles])
            return cycles
        if traded is None:
            return cycles
        self.measured.detect_ns.append(traded.decided_ns - event.received_ns)
        if any(isinstance(decision, Approved) for decision in traded.decisions):
            self.measured.send_ns.append(traded.sent_ns - traded.decided_ns)
        for decision in traded.decisions:
            if isinstance(decision, Approved):
                self._publish({"event": "submitted", "id": decision.stamp.id, "block": event.block.number})
            else:
                if decision.rule == "simulation":
                    self._tokens.doubt_refused((h.token_out for h in decision.request.route.hops), event.block)
                self.measured.refused += 1
                if decision.rule == "signer away":  # nothing was signed: the next block tries again
                    self._search.decide_again([decision.request.route])
                self._publish({"event": "refused", "rule": decision.rule, "measured": decision.measured})
        self._say_unsent(traded.unsent)
        self._round = traded.decisions
        return cycles

    async def _proposed(self, cycles: Sequence[SizedCycle], view: MarketView) -> Traded | None:
        """Bring the cycles to the desk; None when nothing can fund them. Raises `ChainError` before any signature."""
        state = self._commands.state
        with self._journal.transaction():
            asks = engine_asks(
                cycles,
                view,
                policy=self._in_force.policy,
                lenders=self._lenders,
                state=state,
                stamp=self._desk.stamp,
                record=lambda opportunity: record_opportunity(self._journal, opportunity),
            )
        return await self._desk.trade(asks, view, state) if asks else None

    @property
    def held_back(self) -> int:
        """How many cycles were left alone because the block being built touches one of their pools."""
        return self._search.held_back

    def look(self) -> Scan:
        """List every cycle now that nets what the policy wants, pools in flight included; worked out once a block."""
        return self._search.look(self.view(), floor_wei=self._in_force.policy.min_net_profit_wei)

    def lay_out(self) -> None:
        """Lay the search out anew: the pools are others than those that the engine began with."""
        self._search.lay_out()

    def view(self) -> MarketView:
        """Show the market as of the newest block taken in; its pools move on with it.

        Raises `ControlError` before there is one.
        """
        if self._base_fee_wei is None:
            raise ControlError("the engine is still reading its first block", next_step="ask again in a second")
        return MarketView(
            block=self.market.head,
            pools=self.market.pools,
            prices=price_tokens(self.market.pools.values(), self._native),
            base_fee_wei=self._base_fee_wei,
            token_fault=self._tokens.fault,
            funds=self._funds.without_own([t.sweeps for t in self._desk.open.values() if t.sweeps is not None]),
        )

    async def _settle(self) -> bool:
        """Write down how open trades ended; True when one did."""
        head = self.market.head
        ended = await self._settlement.settle(self._desk, head)
        self.settled = head.number
        for settled in ended:
            self._count(settled)
        self._replacements.halt_for(ended, head)
        self.gas_seen.read(self.market.pools)
        self.prior.learn(self.market.pools)
        return bool(ended)

    def _count(self, settled: Settled) -> None:
        trade, outcome = settled
        if trade.sweeps is None:
            self.measured.filled += isinstance(outcome, Filled)
            self.measured.reverted += isinstance(outcome, Reverted)
            pools = self.market.pools
            self._tokens.ended(outcome, {t for pool in trade.pools & pools.keys() for t in pools[pool].tokens})
        self._publish(trade_event(settled))

    async def _roll_back(self, event: RolledBack) -> None:
        """Undo the market, open again every trade whose block left the chain, and send what is open once more."""
        self.market.roll_back(event)
        self._operator_watch.rolled_back({block.hash for block in event.dropped})
        self._search.lay_out()
        self._misses.forget()
        for trade, outcome, _ in self._settlement.reopen(self._desk, {block.hash for block in event.dropped}):
            if trade.sweeps is None:
                self.measured.filled -= isinstance(outcome, Filled)
                self.measured.reverted -= isinstance(outcome, Reverted)
        self.settled = min(self.settled, event.ancestor.number)
        reorg = {"event": "reorg", "ancestor": event.ancestor.number, "dropped": len(event.dropped)}
        self._publish(reorg | {"settled": self.settled})
        self._say_unsent(await self._replacements.rolled_back(self._desk, event.ancestor))

    def _pass_over(self, event: BlockSeen, error: ChainError) -> None:
        self._publish({"event": "passed", "number": event.block.number, "why": error.line()})

    def _say_unsent(self, unsent: Mapping[str, str]) -> None:
        for intent_id, why in unsent.items():
            self._publish({"event": "unsent", "id": intent_id, "why": why})

    async def _add_new_pools(self, event: BlockSeen) -> None:
        new = [f for log in event.logs if (f := found_in(log, self._deployments)) is not None]
        if not new:
            return
        self.market.add(await read_pools(self._endpoint, new, event.block.hash))
        self.found |= {PoolId(f.address): f for f in new}
        self._search.lay_out()

    async def _read_funds(self) -> Funds:
        funds = await read_funds(
            self._endpoint,
            self._terms.base_tokens,
            executor=self._executor,
            operator=self._operator,
            lenders=self._lenders,
            at=self.market.head.hash,
        )
        if (short := self._gas_float.seen(funds.gas_float_wei)) is not None:
            self._publish(short)
        return funds

    async def _answer(self, asked: Asked) -> None:
        try:
            self._calls.write()  # what was asked before a command stands before it
            answer = await self._commands.take(asked.command, self._desk, self.market.head, self.view)
        except KetchError as error:
            if not asked.answer.done():
                asked.answer.set_exception(error)
            return
        if not asked.answer.done():
            asked.answer.set_result(answer)
        self._publish({"event": "command", "command": type(asked.command).__name__.lower(), **answer})
