"""The one door to money: plan, simulate, review, reserve, sign, write down, send. Everybody's requests take it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from engine.chains.endpoints import Endpoint
from engine.chains.fee_forecast import WORST_CASE, FeeForecast, Forecast
from engine.domain.commands import Sweep, TradingState
from engine.domain.decision import Approved, Attempt, Decision, Fees, Outstanding, Refused, Submission
from engine.domain.errors import SignerAway, SigningRefused
from engine.domain.opportunity import Capital, Plan, Price, Proof, TradeRequest
from engine.domain.pools import AnyPool, Family
from engine.domain.ports import Clock, Signs
from engine.domain.units import Address, BlockRef, PoolId, Stamp
from engine.execution.submission import Doors, send_all
from engine.execution.wallet import SWEEP_GAS
from engine.gas_seen import GasSeen, LearnedL1
from engine.journal.journal import Journal
from engine.journal.records import record_command, record_decision, record_intent, record_proof, record_request
from engine.planning.capital import Funds, Source
from engine.planning.costs import NOTHING_APART, SAMPLE_CALLDATA, L1Fee, L1Model, costs_of
from engine.planning.least_outs import swaps_of
from engine.planning.plan import make_plan, with_margin
from engine.planning.simulate import Simulated, Simulator
from engine.risk.in_force import PolicyInForce
from engine.risk.limits import LimitLedger
from engine.risk.policy import Policy
from engine.risk.review import review
from engine.risk.rules import RuleInput


def _no_fault(token: Address) -> str | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketView:
    """What a decision is made on: pools, prices and funds as of `block`, and the base fee of its gas in wei.

    `l1_fee` is what a trade's L1 data and the operator cost, about: a request's floor covers it. `fees` is what the
    next block asks. `gas_of` estimates a transaction by its pools' families and its capital, None by the table alone.
    `token_fault` says why a token is not traded, or None when it may be.
    """

    block: BlockRef
    pools: Mapping[PoolId, AnyPool]
    prices: Mapping[Address, Price]
    base_fee_wei: int
    funds: Funds
    l1_fee: L1Fee = NOTHING_APART
    fees: Forecast = WORST_CASE
    gas_of: Callable[[tuple[Family, ...], Capital], int] | None = None
    token_fault: Callable[[Address], str | None] = _no_fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request on its way in, with the capital chosen for it and the gas estimated for the whole transaction.

    `fees` is what the next block was expected to ask when the floor was set.
    """

    request: TradeRequest
    source: Source
    gas_units: int
    fees: Forecast = WORST_CASE


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTrade:
    """A submission that has not ended: what to release, which pools it is about to change, which token it sweeps.

    `attempts` are what was signed for its nonce after it.
    """

    submission: Submission
    reservation: str | None
    pools: frozenset[PoolId]
    sweeps: Address | None = None
    attempts: tuple[Attempt, ...] = ()

    @property
    def outstanding(self) -> Outstanding:
        """Name everything that was signed for its nonce."""
        return Outstanding(submission=self.submission, attempts=self.attempts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traded:
    """One round at the desk: the decisions, and the monotonic clock when they were on disk and when they were sent.

    `unsent` says why the node did not take an intent; it is open, and its bytes are sent again.
    """

    decisions: tuple[Decision, ...]
    decided_ns: int
    sent_ns: int
    unsent: Mapping[str, str]


def token_faults(proof: Proof, view: MarketView) -> Mapping[Address, str]:
    """Say of each token of a proof's route that is not traded why."""
    tokens = dict.fromkeys(hop.token_out for hop in proof.plan.request.route.hops)
    return {token: why for token in tokens if (why := view.token_fault(token)) is not None}


class Desk:
    """Takes requests to submissions. `open` and `next_nonce` mirror what the journal holds on disk."""

    def __init__(
        self,
        *,
        endpoint: Endpoint,
        journal: Journal,
        ledger: LimitLedger,
        policy: PolicyInForce,
        signer: Signs,
        simulator: Simulator,
        l1: L1Model,
        gas_seen: GasSeen,
        forecast: FeeForecast,
        clock: Clock,
        doors: Doors,
        executor: Address,
        open_trades: Sequence[OpenTrade],
        next_nonce: int,
    ) -> None:
        self._endpoint = endpoint
        self._journal = journal
        self._ledger = ledger
        self._in_force = policy
        self._signer = signer
        self._simulator = simulator
        self._l1 = LearnedL1(model=l1, seen=gas_seen)
        self._gas_seen = gas_seen
        self._forecast = forecast
        self._clock = clock
        self._doors = doors
        self._executor = executor
        self.next_nonce = next_nonce
        self.open = {trade.submission.intent_id: trade for trade in open_trades}

    @property
    def _policy(self) -> Policy:
        return self._in_force.policy

    def stamp(self, kind: str, block: BlockRef, *parents: str) -> Stamp:
        """Name the next record after its place in the journal: unique, and the same in every run of a seed."""
        number = self._journal.head[0] + 1
        return Stamp(id=f"{kind}-{number}", parents=parents, observed_ns=self._clock.now_ns(), block=block)

    async def trade(self, asks: Sequence[Ask], view: MarketView, state: TradingState) -> Traded:
        """Decide each request in order and send what is approved; each is proved on what those before it leave.

        Everything is on disk before anything is sent. Raises `ChainError` before any signature when the node does
        not answer or has left the view's block; after that point what was signed is open until the chain says.
        """
        plans = self._plans(asks, view)
        simulated = await self._simulator.simulate(plans, view.block)
        l1_fees = [await self._l1.fee(self._endpoint, plan.to, plan.calldata) for plan in plans]
        decisions: list[Decision] = []
        signed: list[Submission] = []
        in_flight = self.in_flight  # as the round begins: each request is proved on what those before it leave
        undone: set[PoolId] = set()  # pools that a refused trade would have moved: later proofs counted on it
        with self._journal.transaction():
            for ask, plan, result, l1_fee in zip(asks, plans, simulated, l1_fees, strict=True):
                record_request(self._journal, ask.request)
                pools = ask.request.route.pools
                if not result.ok or pools & undone:
                    decision: Decision = self._unproved(ask, result, view)
                else:
                    proof = self._proof(ask, plan, result, l1_fee, view)
                    record_proof(self._journal, proof)
                    decision = self._review(proof, view, state, in_flight)
                if isinstance(decision, Approved):
                    outcome = self._sign(decision, view.funds.gas_float_wei)
                    if isinstance(outcome, Submission):
                        signed.append(outcome)
                    else:
                        decision = outcome
                else:
                    record_decision(self._journal, decision)
                if isinstance(decision, Refused):
                    undone |= pools
                decisions.append(decision)
        decided_ns = self._clock.monotonic_ns()
        sent_before = [trade.submission for trade in self.open.values()]
        unsent = await send_all(self._doors, signed, view.block, still_open=sent_before)
        sent_ns = self._clock.monotonic_ns()
        return Traded(decisions=tuple(decisions), decided_ns=decided_ns, sent_ns=sent_ns, unsent=unsent)

    async def prove(self, ask: Ask, view: MarketView) -> Proof | Refused:
        """Simulate one request on the view's block and write nothing: a proof, or why it would revert.

        Raises `ChainError` when the node does not answer or has left the block.
        """
        (plan,) = self._plans([ask], view)
        (result,) = await self._simulator.simulate([plan], view.block)
        l1_fee = await self._l1.fee(self._endpoint, plan.to, plan.calldata)
        return self._proof(ask, plan, result, l1_fee, view) if result.ok else self._unproved(ask, result, view)

    def rule_input(self, proof: Proof, state: TradingState, view: MarketView) -> RuleInput:
        """Gather what the rules would look at now, if this proof were reviewed."""
        book = self._ledger.book(view.block)
        return RuleInput(
            proof=proof,
            policy=self._policy,
            state=state,
            head=view.block,
            book=replace(book, open=max(book.open, len(self.open))),
            in_flight=self.in_flight,
            token_faults=token_faults(proof, view),
        )

    @property
    def in_flight(self) -> frozenset[PoolId]:
        """Name the pools that open transactions are about to change."""
        return frozenset(pool for trade in self.open.values() for pool in trade.pools)

    async def priced(self, view: MarketView) -> MarketView:
        """Add what the next block asks, and what a trade's L1 data costs at the moment before its calldata is known.

        Raises `ChainError` when the node does not say.
        """
        l1_fee = await self._l1.fee(self._endpoint, self._executor, SAMPLE_CALLDATA)
        fees = await self._forecast.at(view.block, view.base_fee_wei)
        return replace(view, l1_fee=l1_fee, fees=fees, gas_of=self._gas_seen.whole)

    async def send_again(self, head: BlockRef, only: Collection[str]) -> Mapping[str, str]:
        """Send the newest bytes of the open intents named once more, as they are, by the door written down with them.

        A transaction that a node dropped comes back. Returns why an intent was not taken.
        """
        newest = {name: trade.outstanding.newest for name, trade in self.open.items()}
        again = [newest[name] for name in newest if name in only]
        return await send_all(self._doors, again, head, still_open=list(newest.values()))

    async def sweep(self, command: Sweep, amount: int, fees: Fees, head: BlockRef) -> Submission:
        """Sign, write down and send a sweep of `amount` raw units to the treasury."""
        with self._journal.transaction():
            entry = record_command(self._journal, command)
            submission = self._signer.sign_sweep(
                command.token,
                amount,
                fees=fees,
                intent_id=f"intent-{self._journal.head[0] + 1}",
                command_id=f"command-{entry.seq}",
                nonce=self.next_nonce,
                block_number=head.number,
            )
            record_intent(
                self._journal,
                submission,
                calldata_anchor=None,
                to=self._executor,
                gas_limit=SWEEP_GAS,
                max_fee_wei=fees.max_fee_wei,
                priority_fee_wei=fees.priority_fee_wei,
            )
            self.hold(OpenTrade(submission=submission, reservation=None, pools=frozenset(), sweeps=command.token))
        await send_all(self._doors, [submission], head)
        return submission

    def hold(self, trade: OpenTrade) -> None:
        """Take a submission up, or up again after its block left the chain."""
        self.open[trade.submission.intent_id] = trade
        self.next_nonce = max(self.next_nonce, trade.submission.nonce + 1)

    def _plans(self, asks: Sequence[Ask], view: MarketView) -> list[Plan]:
        """Plan each request, its hops' minimums taken from the pools as those before it leave them."""
        plans: list[Plan] = []
        pools = view.pools
        for ask in asks:
            outs, after = swaps_of(ask.request.route, ask.request.amount_in, pools)
            plan = make_plan(
                ask.request,
                ask.source,
                pools=pools,
                outs=outs,
                executor=self._executor,
                anchor=self._journal.head[1],
                gas_units=ask.gas_units,
                margin_ppm=self._gas_seen.margin_ppm(),
                runs_s=ask.fees.ordering.deadline_s,
            )
            plans.append(plan)
            pools = {**pools, **after}
        return plans

    def _proof(self, ask: Ask, plan: Plan, result: Simulated, l1_fee: L1Fee, view: MarketView) -> Proof:
        request = ask.request
        price = view.prices.get(request.route.token)
        gross_wei = None if price is None else price.wei(result.realised)
        costs = costs_of(
            gas_units=result.gas_used,
            gross_wei=gross_wei or 0,
            base_fee_wei=view.base_fee_wei,
            fees=ask.fees,
            l1_fee=l1_fee,
            l1_model=self._l1.name,
            flash_fee=ask.source.fee,
            bid_share_ppm=self._policy.bid_share_ppm,
        )
        margin_ppm = self._gas_seen.margin_ppm()
        gas_limit = max(plan.gas_limit, with_margin(result.gas_used, margin_ppm)) + with_margin(l1_fee.gas_units)
        return Proof(
            plan=replace(plan, gas_limit=gas_limit),
            stamp=self.stamp("proof", view.block, request.stamp.id),
            block=view.block,
            realised=result.realised,
            gas_used=result.gas_used,
            costs=costs,
            trace_hash=result.trace_hash,
            notional_wei=None if price is None else price.wei(request.amount_in),
            gross_wei=gross_wei,
            net_wei=None if gross_wei is None else gross_wei - costs.gas_wei,
        )

    def _unproved(self, ask: Ask, result: Simulated, view: MarketView) -> Refused:
        return Refused(
            stamp=self.stamp("decision", view.block, ask.request.stamp.id),
            request=ask.request,
            rule="simulation",
            measured=result.reason if not result.ok else "rests on a trade that was refused",
            limit="succeeds on the block to come",
            next_step="wait for the next block: it is found again if it is still there",
        )

    def _review(self, proof: Proof, view: MarketView, state: TradingState, in_flight: frozenset[PoolId]) -> Decision:
        return review(
            proof,
            policy=self._policy,
            ledger=self._ledger,
            state=state,
            head=view.block,
            open_intents=len(self.open),
            in_flight=in_flight,
            token_faults=token_faults(proof, view),
            sells_places=view.fees.ordering.kind == "priority_fee",
            stamp=self.stamp("decision", view.block, proof.stamp.id),
        )

    def _sign(self, approved: Approved, float_wei: int) -> Submission | Refused:
        """Sign and write down, or give the reservation back and say why not.

        What the hot key cannot pay for at its worst is not signed: no node would take it, and its nonce would block
        every trade after it.
        """
        proof = approved.proof
        held_wei = self._ledger.book(proof.block).held_wei
        if held_wei > float_wei:
            return self._unsigned(
                approved,
                rule="gas float",
                measured=f"{float_wei} wei in the hot key {self._signer.address}",
                limit=f"{held_wei} wei, the worst of all open transactions and this one",
                next_step="send native coin to the hot key",
            )
        try:
            submission = replace(
                self._signer.sign_trade(
                    approved, intent_id=f"intent-{self._journal.head[0] + 2}", nonce=self.next_nonce
                ),
                door=self._doors.for_trades,
                deadline_s=proof.plan.deadline_s,
            )
        except SigningRefused as refusal:
            return self._unsigned(
                approved,
                rule="signer away" if isinstance(refusal, SignerAway) else "signer",
                measured=f"{refusal.what}: {refusal.measured}",
                limit=str(refusal.limit),
                next_step=refusal.next_step,
            )
        record_decision(self._journal, approved)
        record_intent(
            self._journal,
            submission,
            calldata_anchor=proof.plan.anchor,
            to=proof.plan.to,
            gas_limit=proof.plan.gas_limit,
            max_fee_wei=approved.max_fee_wei,
            priority_fee_wei=approved.priority_fee_wei,
        )
        pools = proof.plan.request.route.pools
        self.hold(OpenTrade(submission=submission, reservation=approved.reservation, pools=pools))
        return submission

    def _unsigned(self, approved: Approved, *, rule: str, measured: str, limit: str, next_step: str) -> Refused:
        self._ledger.release_unused(approved.reservation, block=approved.proof.block)
        refused = Refused(
            stamp=approved.stamp,
            request=approved.proof.plan.request,
            rule=rule,
            measured=measured,
            limit=limit,
            next_step=next_step,
        )
        record_decision(self._journal, refused)
        return refused
