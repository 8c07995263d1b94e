"""Keep the hot key's nonces moving: send again, raise, cancel, fill what a reorg left; and notice a second owner."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from eth_utils.crypto import keccak

from engine.chains.endpoints import Endpoint
from engine.desk import Desk, OpenTrade
from engine.domain.commands import Halt
from engine.domain.decision import Attempt, Fees, Submission
from engine.domain.errors import SigningRefused
from engine.domain.outcome import Replaced
from engine.domain.ports import Signs
from engine.domain.units import BlockRef
from engine.execution.nonces import Terms, Waiting, cancel_fees, next_move, replacement_fees, terms_of
from engine.execution.wallet import CANCEL_GAS
from engine.journal.ancestry import backwards
from engine.journal.journal import Journal
from engine.journal.operators import operator_now
from engine.journal.records import record_attempt, record_intent, record_outside
from engine.risk.halt import halt_reason, take_halt
from engine.risk.in_force import PolicyInForce
from engine.risk.limits import Breach, LimitLedger
from engine.settling import Settled

SECOND_OWNER = "the chain holds transactions of the hot key that this journal does not: somebody else holds the key"


class Replacements:
    """Tends every open nonce once a block. What it signs is on disk, and its worst reserved, before it is sent."""

    def __init__(
        self,
        *,
        endpoint: Endpoint,
        journal: Journal,
        ledger: LimitLedger,
        policy: PolicyInForce,
        signer: Signs,
        state_folder: Path,
    ) -> None:
        self._endpoint = endpoint
        self._journal = journal
        self._ledger = ledger
        self._in_force = policy
        self._signer = signer
        self._state_folder = state_folder
        self._term = operator_now(journal)
        self._out_since: dict[str, int] = {}
        self._missing: frozenset[int] = frozenset()
        self.cancel_wanted = cancel_asked(journal)
        self.key_ends = False
        """The treasury set another key: what this one has open is cancelled."""

    async def rolled_back(self, desk: Desk, head: BlockRef) -> Mapping[str, str]:
        """Send what is open once more after the chain went back, and count the blocks that it waits anew."""
        self._out_since.clear()
        return await desk.send_again(head, [name for name, trade in desk.open.items() if not self._cancels(trade)])

    async def tend(self, desk: Desk, head: BlockRef, base_fee_wei: int) -> Mapping[str, str]:
        """Do what each open nonce needs as of `head`; return why an intent was not replaced, or not taken by the node.

        Raises `ChainError` when the node does not answer or has left the block.
        """
        count = int(await self._endpoint.call("eth_getTransactionCount", self._signer.address, hex(head.number)), 16)
        send = self._follow(desk, count, head, base_fee_wei)
        unsent: dict[str, str] = {}
        self._out_since = {name: self._out_since.get(name, head.number) for name in desk.open}
        for name, trade in sorted(desk.open.items(), key=lambda item: item[1].submission.nonce):
            why = self._tend_one(desk, trade, head, base_fee_wei, send)
            if why is not None:
                unsent[name] = why
        if send:
            unsent |= await desk.send_again(head, send)
        return unsent

    async def cancel_open(self, desk: Desk, head: BlockRef, base_fee_wei: int) -> dict[str, Any]:
        """Sign and send a cancel for each open trade; say how many there are now, and why for those without one."""
        self.cancel_wanted = True
        unsent = await self.tend(desk, head, base_fee_wei)
        cancels = [trade for trade in desk.open.values() if trade.outstanding.cancels]
        return {"cancelling": len(cancels), "not_cancelled": dict(unsent)}

    def halt_for(self, ended: list[Settled], head: BlockRef) -> None:
        """Halt when somebody else's transaction took a nonce: two hold the key."""
        for trade, outcome in ended:
            if isinstance(outcome, Replaced):
                nonce = trade.submission.nonce
                self._found_outside(nonce, nonce + 1, head, f"nonce {nonce} was used by {outcome.by or 'another'}")

    def check_start(self, count: int, at_genesis: int | None, head: BlockRef) -> None:
        """Halt when the chain counts more transactions of the key than the journal, from its genesis on, accounts for.

        A journal without a transaction, on a node that no longer knows the count at its genesis, says nothing.
        """
        known = known_next(self._journal, at_genesis)
        if known is not None and count > known:
            self._found_outside(known, count, head, f"nonces {known} to {count - 1}")

    def _follow(self, desk: Desk, count: int, head: BlockRef, base_fee_wei: int) -> set[str]:
        """Let the next nonce follow the chain: past a stranger's, and back when a reorg took those away.

        Returns the intents that were signed to fill a nonce.
        """
        filled: set[str] = set()
        if count > desk.next_nonce:
            self._found_outside(desk.next_nonce, count, head, f"nonces {desk.next_nonce} to {count - 1}")
            desk.next_nonce = count
        held = {trade.submission.nonce for trade in desk.open.values()}
        missing = frozenset(range(count, desk.next_nonce)) - held
        believed, self._missing = missing & self._missing, missing
        for nonce in sorted(believed, reverse=True):
            if self._journal.rows("SELECT 1 FROM intents WHERE nonce = ? AND seq > ?", nonce, self._term.since_seq):
                continue  # ours: its block comes back, or the reorg that took it is still to be told
            if nonce == desk.next_nonce - 1:
                desk.next_nonce = nonce
            else:
                filled |= self._fill(desk, nonce, head, base_fee_wei)
        return filled

    def _fill(self, desk: Desk, nonce: int, head: BlockRef, base_fee_wei: int) -> set[str]:
        """Take a nonce that a reorg left open below one of ours, by a transfer of nothing: nothing would be mined."""
        fees = cancel_fees(
            Fees(max_fee_wei=0, priority_fee_wei=0),
            base_fee_wei=base_fee_wei,
            cap_wei=self._in_force.policy.max_gas_wei,
        )
        if fees is None:
            return set()
        try:
            raw = self._signer.sign_cancel(nonce, max_fee_wei=fees.max_fee_wei, priority_fee_wei=fees.priority_fee_wei)
        except SigningRefused:  # the signer is away: it is asked again at the next block
            return set()
        with self._journal.transaction():
            reason = "a reorg took the transaction that had it"
            cause = record_outside(self._journal, first_nonce=nonce, next_nonce=nonce, block=head, reason=reason)
            submission = Submission(
                intent_id=f"intent-{self._journal.head[0] + 1}",
                decision_id=f"outside-{cause.seq}",
                nonce=nonce,
                raw_tx=raw,
                tx_hash="0x" + keccak(raw).hex(),
                submitted_block=head.number,
            )
            record_intent(
                self._journal,
                submission,
                calldata_anchor=None,
                to=self._signer.address,
                gas_limit=CANCEL_GAS,
                max_fee_wei=fees.max_fee_wei,
                priority_fee_wei=fees.priority_fee_wei,
            )
            desk.hold(OpenTrade(submission=submission, reservation=None, pools=frozenset()))
        return {submission.intent_id}

    def _found_outside(self, first: int, following: int, head: BlockRef, which: str) -> None:
        reason = f"{SECOND_OWNER} ({which})"
        with self._journal.transaction():
            record_outside(self._journal, first_nonce=first, next_nonce=following, block=head, reason=reason)
            halt = Halt(principal="engine", reason=reason)
            take_halt(halt, journal=self._journal, state=self._state_folder, block=head)

    def _cancels(self, trade: OpenTrade) -> bool:
        return (self.cancel_wanted or self.key_ends) and trade.reservation is not None and not trade.outstanding.cancels

    def _tend_one(self, desk: Desk, trade: OpenTrade, head: BlockRef, base_fee_wei: int, send: set[str]) -> str | None:
        """Take one nonce's next step; return why not, where a cap or the signer forbids it."""
        name = trade.submission.intent_id
        first, newest = terms_of(trade.submission.raw_tx), terms_of(trade.outstanding.newest.raw_tx)
        cancelling = bool(trade.attempts) and trade.attempts[-1].kind == "cancel"
        given = Waiting(
            first=first,
            newest=newest,
            cancelling=cancelling or trade.outstanding.is_fill,
            blocks=head.number - self._out_since[name],
            now_s=head.timestamp_s,
            base_fee_wei=base_fee_wei,
            may_bump=self._may_bump(trade, first, newest, base_fee_wei),
            cancel_wanted=self._cancels(trade),
        )
        move = next_move(given)
        if move == "wait":
            return None
        send.add(name)
        if move == "again":
            return None
        why = "not mined in time" if newest.fees.max_fee_wei >= base_fee_wei else "below the base fee"
        if move == "bump":
            refused = self._bump(desk, trade, newest, head, base_fee_wei, why)
            if refused is None or newest.fees.max_fee_wei >= base_fee_wei:
                return refused
        why = "the operator asked" if given.cancel_wanted else why
        why = "another key follows" if self.key_ends else why
        return self._cancel(desk, trade, newest, head, base_fee_wei, why)

    def _may_bump(self, trade: OpenTrade, first: Terms, newest: Terms, base_fee_wei: int) -> bool:
        """Raise a sweep always, and a trade while trading is on and its floor still pays for all of its gas."""
        if trade.reservation is None:
            return True
        pays_wei = self._ledger.worth_of(trade.reservation).of(first.min_profit)
        gas_wei = newest.gas_limit * (base_fee_wei + newest.fees.priority_fee_wei)
        return halt_reason(self._state_folder) is None and pays_wei > gas_wei

    def _bump(
        self, desk: Desk, trade: OpenTrade, newest: Terms, head: BlockRef, base_fee_wei: int, why: str
    ) -> str | None:
        worst_wei = self._ledger.worst_of(trade.reservation) if trade.reservation else 0
        l1_wei = max(worst_wei - newest.gas_limit * newest.fees.max_fee_wei, 0)
        fees = replacement_fees(
            newest.fees,
            base_fee_wei=base_fee_wei,
            gas_limit=newest.gas_limit,
            cap_wei=self._in_force.policy.max_gas_wei - l1_wei,
        )
        if fees is None:
            return f"no higher fee is within max_gas_wei, {self._in_force.policy.max_gas_wei} wei"
        gas_wei = newest.gas_limit * fees.max_fee_wei
        try:
            with self._journal.transaction():
                self._raise(trade, gas_wei + l1_wei, head)
                raw = self._signer.sign_bump(
                    trade.submission.raw_tx,
                    max_fee_wei=fees.max_fee_wei,
                    priority_fee_wei=fees.priority_fee_wei,
                    worst_wei=gas_wei,
                )
                self._write(desk, trade, "bump", why, raw, newest.gas_limit, fees, head)
        except SigningRefused as refusal:
            return refusal.line()
        return None

    def _cancel(
        self, desk: Desk, trade: OpenTrade, newest: Terms, head: BlockRef, base_fee_wei: int, why: str
    ) -> str | None:
        fees = cancel_fees(newest.fees, base_fee_wei=base_fee_wei, cap_wei=self._in_force.policy.max_gas_wei)
        if fees is None:
            cap_wei = self._in_force.policy.max_gas_wei
            return f"no cancel is within max_gas_wei, {cap_wei} wei: the nonce waits for a lower base fee"
        try:
            with self._journal.transaction():
                self._raise(trade, CANCEL_GAS * fees.max_fee_wei, head)
                raw = self._signer.sign_cancel(
                    newest.nonce, max_fee_wei=fees.max_fee_wei, priority_fee_wei=fees.priority_fee_wei
                )
                self._write(desk, trade, "cancel", why, raw, CANCEL_GAS, fees, head)
        except SigningRefused as refusal:
            return refusal.line()
        return None

    def _raise(self, trade: OpenTrade, worst_wei: int, head: BlockRef) -> None:
        """Reserve the replacement's worst; raises `SigningRefused` when a cap forbids it."""
        if trade.reservation is None:
            return
        breach = self._ledger.raise_worst(trade.reservation, worst_wei, block=head, policy=self._in_force.policy)
        if isinstance(breach, Breach):
            raise SigningRefused(breach.rule, measured=breach.measured, limit=breach.limit, next_step=breach.next_step)

    def _write(
        self, desk: Desk, trade: OpenTrade, kind: str, why: str, raw: bytes, gas_limit: int, fees: Fees, head: BlockRef
    ) -> None:
        attempt = Attempt(
            intent_id=trade.submission.intent_id,
            kind="cancel" if kind == "cancel" else "bump",
            why=why,
            nonce=trade.submission.nonce,
            raw_tx=raw,
            tx_hash="0x" + keccak(raw).hex(),
            gas_limit=gas_limit,
            max_fee_wei=fees.max_fee_wei,
            priority_fee_wei=fees.priority_fee_wei,
            submitted_block=head.number,
        )
        record_attempt(self._journal, attempt)
        desk.open[attempt.intent_id] = replace(trade, attempts=(*trade.attempts, attempt))
        self._out_since[attempt.intent_id] = head.number


def known_next(journal: Journal, at_genesis: int | None) -> int | None:
    """Say which nonce the journal expects next of its operator: past its own, those seen used outside, and the count
    when it became the operator.
    """
    since_seq = operator_now(journal).since_seq
    ((highest,),) = journal.rows("SELECT MAX(nonce) FROM intents WHERE seq > ?", since_seq)
    outside = [int(entry.body["next_nonce"]) for entry in journal.entries("outside", after_seq=since_seq)]
    own = [] if highest is None else [highest + 1]
    begun = [] if at_genesis is None else [at_genesis]
    return max((*own, *outside, *begun), default=None)


def cancel_asked(journal: Journal) -> bool:
    """Say whether the last halt, with no resume after it, asked for what is open to be cancelled."""
    state = journal.last("state")
    if state is None or state.body["state"] != "HALTED":
        return False
    for entry in backwards(journal, "command"):
        if entry.body["type"] == "Resume":
            return False
        if entry.body["type"] == "Halt" and not entry.body["reducing"] and entry.body.get("cancel_open"):
            return True
    return False
