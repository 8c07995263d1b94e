"""The single door: every proof, the engine's own and an agent's alike, passes here or is refused with the reason."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from engine.domain.commands import TradingState
from engine.domain.decision import Approved, Decision, Refused
from engine.domain.opportunity import Proof
from engine.domain.units import Address, BlockRef, PoolId, Stamp
from engine.risk.bid_limits import bid_limits
from engine.risk.book import Book, Breach, Worth, claim_of
from engine.risk.caps import room_to_burn
from engine.risk.limits import LimitLedger
from engine.risk.policy import Policy
from engine.risk.rules import RuleInput, first_breach, l1_worst_wei, least_fee_wei


@dataclass(frozen=True, slots=True, kw_only=True)
class Bid:
    """What a transaction may pay: wei per gas at most and to the producer, and its worst loss in wei."""

    max_fee_wei: int
    priority_fee_wei: int
    worst_wei: int


def review(
    proof: Proof,
    *,
    policy: Policy,
    ledger: LimitLedger,
    state: TradingState,
    head: BlockRef,
    stamp: Stamp,
    open_intents: int = 0,
    in_flight: frozenset[PoolId] = frozenset(),
    token_faults: Mapping[Address, str] | None = None,
    sells_places: bool = True,
) -> Decision:
    """Approve a proof and reserve its worst loss, or refuse it with what was measured and the limit.

    Rules and reservation see one state of the ledger: both are in one transaction. `stamp` names the decision;
    `open_intents` counts what the caller holds open, sweeps included, and `in_flight` names their pools;
    `token_faults` says why a token of the route is not traded; `sells_places` whether a higher bid buys one. Raises
    `JournalError` when the ledger cannot be read or written.
    """
    with ledger.journal.transaction():
        book = ledger.book(head)
        book = replace(book, open=max(book.open, open_intents))
        given = RuleInput(
            proof=proof,
            policy=policy,
            state=state,
            head=head,
            book=book,
            in_flight=in_flight,
            token_faults=token_faults or {},
        )
        breach = first_breach(given)
        if breach is not None:
            return _refused(proof, stamp, breach)
        bid = bid_within(proof, policy, book)
        worth = Worth(wei=proof.gross_wei or 0, raw=proof.realised)
        reserved = ledger.reserve(claim_of(proof, bid.worst_wei), block=head, policy=policy, worth=worth)
        if isinstance(reserved, Breach):
            return _refused(proof, stamp, reserved)
    return Approved(
        stamp=stamp,
        proof=proof,
        reservation=reserved,
        policy_hash=policy.digest(),
        max_fee_wei=bid.max_fee_wei,
        priority_fee_wei=bid.priority_fee_wei,
        worst_loss_wei=bid.worst_wei,
        bid_limits=bid_limits(proof, policy, book) if sells_places else (),
    )


def bid_within(proof: Proof, policy: Policy, book: Book) -> Bid:
    """Set the fees of a proof that passed the rules: twice the base fee and the bid, less where a cap is nearer.

    The headroom above the base fee is given up first, down to what the next block needs, and then the bid.
    """
    costs, gas_limit = proof.costs, proof.plan.gas_limit
    room = min(policy.max_gas_wei, room_to_burn(book, claim_of(proof, 0), policy))
    affordable = (room - l1_worst_wei(proof)) // gas_limit
    max_fee = min(max(2 * costs.base_fee_wei, least_fee_wei(proof)) + costs.priority_fee_wei, affordable)
    return Bid(
        max_fee_wei=max_fee,
        priority_fee_wei=min(costs.priority_fee_wei, max_fee - least_fee_wei(proof) + costs.least_priority_wei),
        worst_wei=gas_limit * max_fee + l1_worst_wei(proof),
    )


def _refused(proof: Proof, stamp: Stamp, breach: Breach) -> Refused:
    return Refused(
        stamp=stamp,
        request=proof.plan.request,
        rule=breach.rule,
        measured=breach.measured,
        limit=breach.limit,
        next_step=breach.next_step,
    )
