"""The caps, one literal table: what each adds up, over what, and the policy's number that it may not pass.

The same table is asked when a proof is reviewed and again when its reservation is written, in one transaction.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from engine.domain.hops import PPM
from engine.domain.units import BlockRef
from engine.risk.book import Book, Breach, Claim, Spent
from engine.risk.chain_time import ChainTime, is_plausible, latest_plausible_s
from engine.risk.policy import Policy

Measure = Callable[[Book, Claim], Mapping[str, int]]
"""What each name of a kind would come to with the claim on top; no name at all where the cap is not about it."""

_ALL = ("",)
_WAIT = "wait for open transactions to end, or for the chain's next day"
_RESUME = "the operator looks into the losses and resumes with ketch resume"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """One cap. `burns` says that it adds up worst cases, so that a lower fee makes room under it."""

    rule: str
    measure: Measure
    limit: Callable[[Policy], int]
    unit: str = " wei"
    next_step: str = _WAIT
    burns: bool = False


def _a_day(what: Spent, names: Callable[[Claim], tuple[str, ...]], wei: Callable[[Claim], int]) -> Measure:
    """Add up a day: what is spent, what is held at its worst, and the claim."""

    def measure(book: Book, claim: Claim) -> Mapping[str, int]:
        return {
            name: book.spent.get((what, name), 0)
            + sum(wei(held) for held in (*book.held, claim) if name in names(held))
            for name in names(claim)
        }

    return measure


def _everything(_: Claim) -> tuple[str, ...]:
    return _ALL


def _agents(claim: Claim) -> tuple[str, ...]:
    return _ALL if claim.agent else ()


def _agent(claim: Claim) -> tuple[str, ...]:
    return (claim.principal,) if claim.agent else ()


def _token(claim: Claim) -> tuple[str, ...]:
    return (claim.token,)


def _venues(claim: Claim) -> tuple[str, ...]:
    return claim.venues


def _worst(claim: Claim) -> int:
    return claim.worst_wei


def _notional(claim: Claim) -> int:
    return claim.notional_wei


def _exposure(book: Book, claim: Claim) -> Mapping[str, int]:
    return {"": sum(held.own_wei for held in (*book.held, claim))} if claim.own_wei else {}


def _open(book: Book, claim: Claim) -> Mapping[str, int]:
    return {"": book.open + 1}


def _losses(book: Book, claim: Claim) -> Mapping[str, int]:
    return {"": book.losses_in_a_row + 1}


def _rate(book: Book, claim: Claim) -> Mapping[str, int]:
    return {"": sum(book.lately.values()) + 1}


def _rate_of_agent(book: Book, claim: Claim) -> Mapping[str, int]:
    return {claim.principal: book.lately.get(claim.principal, 0) + 1} if claim.agent else {}


CAPS: tuple[Cap, ...] = (
    Cap(
        rule="open intents",
        measure=_open,
        limit=lambda policy: policy.max_open_intents,
        unit="",
        next_step="wait until one of the open transactions has ended",
    ),
    Cap(
        rule="losses in a row",
        measure=_losses,
        limit=lambda policy: policy.halt_at_losses_in_a_row,
        unit=" if this one loses too",
        next_step=_RESUME,
    ),
    Cap(
        rule="trades a minute",
        measure=_rate,
        limit=lambda policy: policy.max_trades_per_minute,
        unit="",
        next_step="wait a minute of the chain's time",
    ),
    Cap(
        rule="an agent's trades a minute",
        measure=_rate_of_agent,
        limit=lambda policy: policy.agent_trades_per_minute,
        unit="",
        next_step="wait a minute of the chain's time",
    ),
    Cap(
        rule="gas budget a day",
        measure=_a_day("gas", _everything, _worst),
        limit=lambda policy: policy.gas_budget_per_day_wei,
        burns=True,
    ),
    Cap(
        rule="loss a day",
        measure=_a_day("loss", _everything, _worst),
        limit=lambda policy: policy.max_loss_per_day_wei,
        burns=True,
    ),
    Cap(
        rule="an agent's gas a day",
        measure=_a_day("agent gas", _agent, _worst),
        limit=lambda policy: policy.agent_gas_per_day_wei,
        burns=True,
    ),
    Cap(
        rule="all agents' gas a day",
        measure=_a_day("agents gas", _agents, _worst),
        limit=lambda policy: policy.agents_gas_per_day_wei,
        burns=True,
    ),
    Cap(
        rule="notional a day",
        measure=_a_day("notional", _everything, _notional),
        limit=lambda policy: policy.max_notional_per_day_wei,
    ),
    Cap(
        rule="notional of a token a day",
        measure=_a_day("token", _token, _notional),
        limit=lambda policy: policy.max_notional_per_token_per_day_wei,
    ),
    Cap(
        rule="notional at a venue a day",
        measure=_a_day("venue", _venues, _notional),
        limit=lambda policy: policy.max_notional_per_venue_per_day_wei,
    ),
    Cap(
        rule="an agent's notional a day",
        measure=_a_day("agent notional", _agent, _notional),
        limit=lambda policy: policy.agent_notional_per_day_wei,
    ),
    Cap(
        rule="exposure",
        measure=_exposure,
        limit=lambda policy: policy.max_exposure_wei,
        next_step="wait for open transactions to end, or plan it with borrowed capital",
    ),
)
"""Notional is turnover: what is open counts whole, what filled stays, what moved nothing in the end goes again."""


def over(cap: Cap, book: Book, claim: Claim, policy: Policy) -> Breach | None:
    """Say what a claim would take past a cap, or None."""
    limit = cap.limit(policy)
    for name, measured in sorted(cap.measure(book, claim).items()):
        if measured > limit:
            of = f" ({name})" if name else ""
            return Breach(
                rule=cap.rule, measured=f"{measured}{cap.unit}{of}", limit=f"{limit}{cap.unit}", next_step=cap.next_step
            )
    return None


def first_over(book: Book, claim: Claim, policy: Policy) -> Breach | None:
    """Ask every cap in order; return the first breach."""
    return next((breach for cap in CAPS if (breach := over(cap, book, claim, policy)) is not None), None)


def room_to_burn(book: Book, claim: Claim, policy: Policy) -> int:
    """Say how much the claim's worst may come to, in wei, under every cap on what is burnt."""
    free = replace(claim, worst_wei=0)
    return min(
        cap.limit(policy) - measured for cap in CAPS if cap.burns for measured in cap.measure(book, free).values()
    )


def leap(last: ChainTime | None, block: BlockRef) -> Breach | None:
    """Say what is wrong with a block's timestamp, if the blocks since the ledger's last time do not bear it out."""
    if last is None or is_plausible(last, block):
        return None
    return Breach(
        rule="chain time",
        measured=f"timestamp {block.timestamp_s} in block {block.number}",
        limit=f"at most {latest_plausible_s(last, block)}, after {last.time_s} in block {last.number}",
        next_step="check the endpoint; after a real stop of the chain trading goes on as its blocks catch up",
    )


def tripped(book: Book, *, halt_at_loss_wei: int, halt_at_losses: int) -> str | None:
    """Say why trading must halt after a loss that the book counts, or None.

    The losses that halt are below the cap on a day's loss: what is left of it is for the operator to give free.
    """
    if book.loss_wei >= halt_at_loss_wei:
        return f"the day's losses: measured {book.loss_wei} wei, limit {halt_at_loss_wei} wei"
    if book.losses_in_a_row >= halt_at_losses:
        return f"losses in a row: measured {book.losses_in_a_row}, limit {halt_at_losses}"
    return None


def halt_at_loss_wei(policy: Policy) -> int:
    """Say at what loss a day trading halts by itself, in wei."""
    return policy.max_loss_per_day_wei * policy.halt_at_loss_share_ppm // PPM
