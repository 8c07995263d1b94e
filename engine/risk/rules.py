"""The rules that every proof passes, in order: each a small pure function, the first breach refuses the trade."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from engine.domain.commands import TradingState
from engine.domain.hops import MAX_HOPS
from engine.domain.opportunity import Proof
from engine.domain.units import Address, BlockRef, PoolId
from engine.risk.book import Book, Breach, claim_of
from engine.risk.caps import CAPS, Cap, leap, over
from engine.risk.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleInput:
    """All that a rule may look at. `head` is the newest block known, `book` what counts against the day's caps.

    `in_flight` are the pools that open transactions are about to change: a proof that counts on them proves nothing.
    `token_faults` says of each token of the route that is not traded why.
    """

    proof: Proof
    policy: Policy
    state: TradingState
    head: BlockRef
    book: Book
    in_flight: frozenset[PoolId] = frozenset()
    token_faults: Mapping[Address, str] = field(default_factory=dict[Address, str])


Rule = Callable[[RuleInput], Breach | None]


def least_fee_wei(proof: Proof) -> int:
    """Least max fee, wei per gas, with which a transaction can be mined in the next block.

    The next base fee where it is known; else an eighth more than the head's, the most that EIP-1559 raises it by. The
    least priority fee that blocks take is on top.
    """
    costs = proof.costs
    most = costs.base_fee_wei + -(-costs.base_fee_wei // 8)
    return (most if costs.next_base_fee_wei is None else costs.next_base_fee_wei) + costs.least_priority_wei


def l1_worst_wei(proof: Proof) -> int:
    """Most that is charged apart from gas: twice the fees quoted, since they may move before the transaction is mined.

    The operator's fee goes by the gas used, which is within the gas limit.
    """
    costs = proof.costs
    operator_wei = -(-costs.operator_fee_wei * max(proof.plan.gas_limit, costs.gas_units) // costs.gas_units)
    return 2 * (costs.l1_fee_wei + operator_wei)


def least_worst_wei(proof: Proof) -> int:
    """Worst loss of the proof's transaction at the least workable fee."""
    return proof.plan.gas_limit * least_fee_wei(proof) + l1_worst_wei(proof)


def trading_state(given: RuleInput) -> Breach | None:
    """HALTED refuses every trade, REDUCING those that put in own funds."""
    if given.state == "HALTED":
        return Breach(
            rule="trading state",
            measured="HALTED",
            limit="ACTIVE, or REDUCING for borrowed capital",
            next_step="the operator resumes with ketch resume",
        )
    if given.state == "REDUCING" and given.proof.plan.capital == "own":
        return Breach(
            rule="trading state",
            measured="REDUCING, and the trade puts in own funds",
            limit="borrowed capital only",
            next_step="plan it with borrowed capital; the operator resumes with ketch resume",
        )
    return None


def chain_list(given: RuleInput) -> Breach | None:
    """Refuse chains that are not on the policy's list, and proofs of another chain than the head's."""
    allowed = [str(chain) for chain in given.policy.allowed_chains if chain == given.head.chain]
    return _unlisted("chain list", [str(given.proof.block.chain)], allowed)


def token_list(given: RuleInput) -> Breach | None:
    """Refuse routes through tokens that are not on the policy's list."""
    if given.policy.allowed_tokens is None:
        return None
    route = given.proof.plan.request.route
    return _unlisted("token list", [hop.token_out for hop in route.hops], given.policy.allowed_tokens)


def token_safety(given: RuleInput) -> Breach | None:
    """Refuse routes through tokens that were set aside, or that could not be checked."""
    return unsafe_tokens(given.token_faults)


def unsafe_tokens(faults: Mapping[Address, str]) -> Breach | None:
    """Put the tokens that are not traded into a refusal; None when there are none."""
    if not faults:
        return None
    return Breach(
        rule="token safety",
        measured="; ".join(f"{token}: {faults[token]}" for token in sorted(faults)),
        limit="tokens that were checked and found sound",
        next_step="choose another route; the operator may have the token checked again: ketch tokens --recheck ADDRESS",
    )


def venue_list(given: RuleInput) -> Breach | None:
    """Refuse routes through venues that are not on the policy's list."""
    if given.policy.allowed_deployments is None:
        return None
    return _unlisted("venue list", given.proof.plan.deployments, given.policy.allowed_deployments)


def closed_cycle(given: RuleInput) -> Breach | None:
    """Refuse everything but a closed cycle that the contract can hold to a floor."""
    request, plan = given.proof.plan.request, given.proof.plan
    flaws = {
        "a route that does not end in the token it begins with": not request.route.closed,
        f"{len(request.route.hops)} hops": len(request.route.hops) > MAX_HOPS,
        f"an input of {request.amount_in}": request.amount_in < 1,
        f"a floor of {request.min_profit}": request.min_profit < 1,
        f"a value of {plan.value} wei": plan.value != 0,
        f"a gas limit of {plan.gas_limit}": plan.gas_limit < 1,
    }
    measured = [flaw for flaw, found in flaws.items() if found]
    if not measured:
        return None
    return Breach(
        rule="closed cycle",
        measured="; ".join(measured),
        limit=f"a closed cycle of 2 to {MAX_HOPS} hops, floor at least 1, no value sent",
        next_step="ask for a closed cycle with a profit floor",
    )


def known_price(given: RuleInput) -> Breach | None:
    """Refuse what cannot be valued: an unknown amount is within no limit."""
    proof = given.proof
    if proof.notional_wei is not None and proof.gross_wei is not None and proof.net_wei is not None:
        return None
    return Breach(
        rule="known price",
        measured=f"no price for {proof.plan.request.route.token}",
        limit="a price in the native coin",
        next_step="begin the cycle in a token that has a pool with the wrapped native coin",
    )


def notional(given: RuleInput) -> Breach | None:
    """Refuse inputs above the most that one trade may put in."""
    measured, limit = given.proof.notional_wei or 0, given.policy.max_notional_wei
    if measured <= limit:
        return None
    return Breach(rule="notional", measured=f"{measured} wei", limit=f"{limit} wei", next_step="ask for a smaller size")


def net_profit(given: RuleInput) -> Breach | None:
    """Refuse profits that gas, fees and the bid would eat."""
    measured, limit = given.proof.net_wei or 0, given.policy.min_net_profit_wei
    if measured >= limit and given.proof.realised > 0:
        return None
    return Breach(
        rule="least net profit",
        measured=f"{measured} wei",
        limit=f"at least {limit} wei",
        next_step="wait for a wider gap or cheaper gas",
    )


def fresh_proof(given: RuleInput) -> Breach | None:
    """Refuse proofs made on any block but the newest."""
    block, head = given.proof.block, given.head
    if (block.number, block.hash) == (head.number, head.hash):
        return None
    return Breach(
        rule="fresh proof",
        measured=f"proved on block {block.number} {block.hash}",
        limit=f"block {head.number} {head.hash}",
        next_step="simulate it again on the newest block",
    )


def gas_per_trade(given: RuleInput) -> Breach | None:
    """Refuse transactions whose gas, at the least workable fee, is above the most that one may pay."""
    measured, limit = least_worst_wei(given.proof), given.policy.max_gas_wei
    if measured <= limit:
        return None
    return Breach(
        rule="gas a trade",
        measured=f"{measured} wei",
        limit=f"{limit} wei",
        next_step="wait for cheaper gas, or choose a shorter route",
    )


def plausible_time(given: RuleInput) -> Breach | None:
    """Refuse a head whose timestamp leaps further than its block number bears out."""
    return leap(given.book.last, given.head)


def under(cap: Cap) -> Rule:
    """Make a rule of a cap: the proof at its least workable fee must fit under it."""

    def fits(given: RuleInput) -> Breach | None:
        return over(cap, given.book, claim_of(given.proof, least_worst_wei(given.proof)), given.policy)

    return fits


def pools_in_flight(given: RuleInput) -> Breach | None:
    """Refuse routes through pools that an open transaction is about to change."""
    shared = sorted(given.proof.plan.request.route.pools & given.in_flight)
    if not shared:
        return None
    return Breach(
        rule="pools in flight",
        measured=", ".join(shared),
        limit="no pool of an open transaction",
        next_step="wait until the open transactions have ended, then simulate again",
    )


RULES: tuple[Rule, ...] = (
    trading_state,
    chain_list,
    closed_cycle,
    token_list,
    token_safety,
    venue_list,
    fresh_proof,
    known_price,
    notional,
    net_profit,
    gas_per_trade,
    plausible_time,
    *(under(cap) for cap in CAPS),
    pools_in_flight,
)


def first_breach(given: RuleInput) -> Breach | None:
    """Run every rule in order; return the first breach."""
    return next((breach for rule in RULES if (breach := rule(given)) is not None), None)


def all_breaches(given: RuleInput) -> list[Breach]:
    """Run every rule in order; return each breach, for whoever asks what stands in the way."""
    return [breach for rule in RULES if (breach := rule(given)) is not None]


def _unlisted(rule: str, found: Collection[str], listed: Collection[str]) -> Breach | None:
    measured = sorted({*found} - {*listed})
    if not measured:
        return None
    return Breach(
        rule=rule,
        measured=", ".join(measured),
        limit=", ".join(listed) or "none",
        next_step="choose a route within the list, or let the operator change the policy",
    )
