"""What an agent may do with money: simulate a closed cycle, spend the ticket, wait for the operator where it must.

Everything here ends at the desk, the same door that the engine's own opportunities take.
"""

import secrets
from dataclasses import replace

from engine.agent_answers import Answer, answers_given, left_waiting, refusal, said, submitted
from engine.courtesy import Waits, declined
from engine.desk import Ask, Desk, MarketView
from engine.domain.commands import Approve, Deny, ExecuteTrade, TradingState
from engine.domain.decision import Approved, Waiting
from engine.domain.errors import ChainError, ControlError
from engine.domain.opportunity import Proof, Route, TradeRequest
from engine.domain.units import Address, Stamp
from engine.journal.canonical import Body, plain
from engine.journal.journal import Journal
from engine.journal.records import record_command
from engine.planning.capital import Lenders
from engine.proposing import make_ask
from engine.risk.approval import in_words, request_digest, verify_approval
from engine.risk.in_force import PolicyInForce
from engine.risk.limits import Breach
from engine.risk.operator import used_nonces
from engine.risk.policy import Policy
from engine.risk.rules import all_breaches
from engine.route_checks import expected_profit, unfit
from engine.scanning.ranking import gas_units
from engine.tickets import Ticket, Tickets, fingerprint

APPROVAL_VALID_S = 900
MAX_WAITING = 32
CHALLENGE_VALID_S = 300


class AgentTrades:
    """Tickets, idempotency keys and approvals of agents' trades. `view` is always the market as of the newest block."""

    def __init__(self, *, journal: Journal, desk: Desk, policy: PolicyInForce, lenders: Lenders) -> None:
        self._journal = journal
        self._desk = desk
        self._in_force = policy
        self._lenders = lenders
        self._tickets = Tickets()
        self._answers = answers_given(journal)
        self._waiting = left_waiting(journal)

    @property
    def _policy(self) -> Policy:
        return self._in_force.policy

    async def prove(
        self, principal: str, route: Route, amount_in: int, min_profit: int, view: MarketView, state: TradingState
    ) -> tuple[Proof | None, list[Breach]]:
        """Prove a cycle on the view's block: its proof, and every rule that would refuse it. Writes nothing.

        Amounts are raw units of the route's first token. Raises `ChainError` when the node does not answer.
        """
        ask = await self._ask(principal, route, amount_in, min_profit, view, state, ())
        if isinstance(ask, Breach):
            return None, [ask]
        proof = await self._desk.prove(ask, view)
        if not isinstance(proof, Proof):
            return None, [
                Breach(rule=proof.rule, measured=proof.measured, limit=proof.limit, next_step=proof.next_step)
            ]
        return proof, all_breaches(self._desk.rule_input(proof, state, view))

    def issue(self, principal: str, proof: Proof, min_profit: int) -> Ticket:
        """Hand out a ticket for what was proved, and for nothing else."""
        request = proof.plan.request
        return self._tickets.issue(
            principal=principal,
            route=request.route,
            amount_in=request.amount_in,
            min_profit=min_profit,
            policy_hash=self._policy.digest(),
            now_s=proof.block.timestamp_s,
        )

    def awaiting(self, principal: str, ticket: str, key: str, view: MarketView) -> Waits | None:
        """Say what would wait for the operator if this ticket were spent with this key; None when nothing would."""
        held = None if (principal, key) in self._answers else self._tickets.peek(ticket, principal=principal)
        price = view.prices.get(held.route.token) if held else None
        if held is None or price is None or not self.needs_approval(price.wei(held.amount_in)):
            return None
        return Waits(
            what=in_words(held), notional_wei=price.wei(held.amount_in), limit_wei=self._policy.approval_above_wei
        )

    def needs_approval(self, notional_wei: int) -> bool:
        """Say whether an agent's trade of that worth waits for the operator."""
        return notional_wei > self._policy.approval_above_wei

    def waiting(self, now_s: int) -> list[Waiting]:
        """List what waits for the operator, the oldest first."""
        return [held for held in self._waiting.values() if held.expires_s > now_s]

    def challenge(self, approval: str, now_s: int) -> Body:
        """Say what the operator would sign to let a waiting trade through; raises `ControlError` for none."""
        held = self._held(approval, now_s)
        return {
            "what": in_words(held.request),
            "waiting": plain(held),
            "journal": next(self._journal.entries(limit=1)).hash,
            "expires_s": min(now_s + CHALLENGE_VALID_S, held.expires_s),
            "nonce": secrets.token_hex(16),
        }

    async def execute(self, command: ExecuteTrade, view: MarketView, state: TradingState) -> Answer:
        """Spend a ticket: the trade is submitted, refused, or waits for the operator.

        The same principal and key get the same answer again and never a second trade; one that waited says what
        became of it.
        """
        key = (command.principal, command.idempotency_key)
        if key in self._answers:
            return {**self._standing(self._answers[key], view), "repeated": True}
        ticket = self._tickets.spend(
            command.ticket,
            principal=command.principal,
            policy_hash=self._policy.digest(),
            now_s=view.block.timestamp_s,
        )
        entry = record_command(self._journal, replace(command, ticket=fingerprint(command.ticket)))
        name = f"command-{entry.seq}"
        answer = refusal(ticket) if isinstance(ticket, Breach) else None
        waiting: Waiting | None = None
        if command.declined and answer is None:
            answer = refusal(declined(command.declined))
        elif isinstance(ticket, Ticket):
            terms = (ticket.route, ticket.amount_in, ticket.min_profit)
            ask = await self._ask(command.principal, *terms, view, state, (name,))
            if isinstance(ask, Breach):
                answer = refusal(ask)
            elif self.needs_approval(view.prices[ask.request.route.token].wei(ask.request.amount_in)):
                # the terms of the ticket, not of this block's floor: what the operator signs is what was simulated
                waiting = self._wait(name, replace(ask.request, min_profit=ticket.min_profit), view)
                answer = _waits(waiting) if waiting else refusal(_too_many_wait())
            else:
                answer = await self._trade(ask, view, state)
        assert answer is not None
        return self._remember(name, answer, waiting)

    async def approve(self, command: Approve, view: MarketView, state: TradingState) -> Answer:
        """Let a waiting trade through to the desk, if the operator signed for exactly that; once.

        Raises `ControlError` for what is not the operator's consent; it is written down, and the trade still waits.
        """
        genesis = next(self._journal.entries(limit=1))
        try:
            held = self._held(command.approval, view.block.timestamp_s)
            verify_approval(
                command,
                held,
                operator_secret=Address(genesis.body["operator_secret"]),
                journal=genesis.hash,
                policy_hash=self._policy.digest(),
                now_s=view.block.timestamp_s,
                used_nonces=used_nonces(self._journal),
            )
        except ControlError as error:
            wrong = Breach(
                rule="approval", measured=error.cause(), limit="the operator's signature", next_step=error.next_step
            )
            self._journal.append("answer", {"command": None, "asked": plain(command), **refusal(wrong)})
            raise
        entry = record_command(self._journal, command)
        del self._waiting[held.approval]
        parents = (held.command, f"command-{entry.seq}")
        asked = held.request
        ask = await self._ask(asked.principal, asked.route, asked.amount_in, asked.min_profit, view, state, parents)
        answer = refusal(ask) if isinstance(ask, Breach) else await self._trade(ask, view, state)
        return self._remember(held.command, {**answer, "approval": held.approval}, None)

    def deny(self, command: Deny, view: MarketView) -> Answer:
        """Turn a waiting trade down; raises `ControlError` when it does not wait."""
        held = self._held(command.approval, view.block.timestamp_s)
        with self._journal.transaction():
            record_command(self._journal, command)
            del self._waiting[held.approval]
            breach = Breach(
                rule="approval",
                measured=f"denied: {command.reason}",
                limit="the operator's signature",
                next_step="ask for another trade",
            )
            return self._remember(held.command, {**refusal(breach), "approval": held.approval}, None)

    async def _ask(
        self,
        principal: str,
        route: Route,
        amount_in: int,
        min_profit: int,
        view: MarketView,
        state: TradingState,
        parents: tuple[str, ...],
    ) -> Ask | Breach:
        breach = unfit(route, amount_in, view)
        if breach is not None:
            return breach
        try:
            view = await self._desk.priced(view)
        except ChainError as error:
            return _unproved(error)
        ask = make_ask(
            route,
            amount_in,
            expected_profit(route, amount_in, view),
            gas_units(view.pools[hop.pool].family for hop in route.hops),
            view,
            policy=self._policy,
            lenders=self._lenders,
            state="REDUCING" if state == "REDUCING" else "ACTIVE",  # the rules say it of HALTED, in their own words
            principal=principal,
            origin="agent",
            request_stamp=lambda: self._desk.stamp("request", view.block, *parents),
            min_profit=min_profit,
        )
        if ask is not None:
            return ask
        return Breach(
            rule="capital",
            measured=f"no source can fund {amount_in} of {route.token}",
            limit="own funds, the first pool, or a lender",
            next_step="ask for a smaller amount, or begin the cycle in another token",
        )

    async def _trade(self, ask: Ask, view: MarketView, state: TradingState) -> Answer:
        try:
            (decision,) = (await self._desk.trade([ask], view, state)).decisions
        except ChainError as error:  # raised before any signature: nothing is out there
            return refusal(_unproved(error))
        if isinstance(decision, Approved):
            sent = next(t.submission for t in self._desk.open.values() if t.submission.decision_id == decision.stamp.id)
            return submitted(decision.stamp.id, sent.intent_id, sent.tx_hash)
        return refusal(
            Breach(
                rule=decision.rule,
                measured=decision.measured,
                limit=decision.limit,
                next_step=decision.next_step,
            )
        )

    def _wait(self, command: str, request: TradeRequest, view: MarketView) -> Waiting | None:
        if len(self.waiting(view.block.timestamp_s)) >= MAX_WAITING:
            return None
        stamp: Stamp = self._desk.stamp("approval", view.block, command)
        expires_s = view.block.timestamp_s + APPROVAL_VALID_S
        policy_hash = self._policy.digest()
        return Waiting(
            stamp=stamp,
            request=request,
            approval=stamp.id,
            command=command,
            digest=request_digest(request, approval=stamp.id, policy_hash=policy_hash, expires_s=expires_s),
            policy_hash=policy_hash,
            notional_wei=view.prices[request.route.token].wei(request.amount_in),
            limit_wei=self._policy.approval_above_wei,
            expires_s=expires_s,
        )

    def _remember(self, command: str, answer: Answer, waiting: Waiting | None) -> Answer:
        """Write an answer down, then give it: what was said is what is said again."""
        body = {"command": command, **answer} | ({"waiting": plain(waiting)} if waiting else {})
        entry = self._journal.append("answer", body)
        if waiting is not None:
            self._waiting[waiting.approval] = waiting
        execution = self._journal.entry(int(command.removeprefix("command-")))
        assert execution is not None
        given = said(entry.body)
        self._answers[execution.body["principal"], execution.body["idempotency_key"]] = given
        return given

    def _held(self, approval: str, now_s: int) -> Waiting:
        held = self._waiting.get(approval)
        if held is None or held.expires_s <= now_s:
            raise ControlError(
                "no such trade waits for approval",
                measured=approval if held is None else f"expired {now_s - held.expires_s} s ago",
                next_step="see ketch approvals for what waits",
                code="not_waiting",
            )
        return held

    def _standing(self, answer: Answer, view: MarketView) -> Answer:
        """Say of a trade that waited too long that it did."""
        if answer["status"] != "waiting" or int(answer["expires_s"]) > view.block.timestamp_s:
            return answer
        breach = Breach(
            rule="approval",
            measured="the operator did not approve it in time",
            limit=f"{APPROVAL_VALID_S} s",
            next_step="call simulate_trade again and use a new idempotency key",
        )
        return {**refusal(breach), "approval": answer["approval"]}


def _waits(waiting: Waiting) -> Answer:
    return {
        "status": "waiting",
        "approval": waiting.approval,
        "digest": waiting.digest,
        "what": in_words(waiting.request),
        "measured": f"{waiting.notional_wei} wei",
        "limit": f"{waiting.limit_wei} wei",
        "expires_s": waiting.expires_s,
        "next_step": f"the operator decides: ketch approve {waiting.approval}; ask again with the same key to see",
    }


def _unproved(error: ChainError) -> Breach:
    return Breach(
        rule="simulation",
        measured=error.cause(),
        limit="a proof on the newest block",
        next_step="call simulate_trade again and use a new idempotency key",
    )


def _too_many_wait() -> Breach:
    return Breach(
        rule="approvals pending",
        measured=str(MAX_WAITING + 1),
        limit=str(MAX_WAITING),
        next_step="wait until the operator has decided, or ask for a smaller size",
    )
