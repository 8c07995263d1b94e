"""What changes something, each a command in the inbox; and what the command line alone reads."""

import secrets
from dataclasses import asdict

from pydantic import Field

from engine.courtesy import Declined
from engine.domain.commands import Approve, Deny, ExecuteTrade, Halt, RecheckToken, Resume, Sweep
from engine.domain.errors import ControlError
from engine.domain.printable import printable
from engine.domain.token_verdicts import token_row
from engine.domain.units import Address
from engine.loop import Loop
from engine.market.snapshot import compare
from engine.market.sync import read_pools
from engine.params import AddressText, Digest, Name, Nothing, Params, Words
from engine.principals import Principal
from engine.queries import views
from engine.queries.market import venues as venues_of
from engine.queries.running import Answer, Running
from engine.queries.status import standing_of, status_of, trades_in
from engine.queries.trading import TRADING_OFF
from engine.summary import percentiles_ms

RESUME_VALID_S = 300


class HaltParams(Params):
    """Why, whether only own capital is to be spared, and whether the operator has what is open cancelled."""

    reason: Words
    reducing: bool = False
    cancel_open: bool = False


class RefusalParams(Params):
    """What a server in front of the engine was asked and refused itself, and the code of its refusal."""

    asked: str = Field(max_length=256)
    code: Name


class ResumeParams(Params):
    """What `resume_challenge` gave, signed."""

    policy_hash: Digest
    expires_s: int
    nonce: Name
    signature: str = Field(max_length=132)


class TokenParams(Params):
    """Which token to check again."""

    token: AddressText


class SweepParams(Params):
    """The token to send to the treasury."""

    token: AddressText


class ExecuteParams(Params):
    """A ticket of `simulate_trade`, and a key of the caller's own that makes a retry harmless."""

    ticket: str = Field(pattern=r"^[A-Za-z0-9_-]{16,64}$")
    idempotency_key: Name
    declined: Declined | None = None


class AwaitingParams(Params):
    """A ticket and the key that it would be spent with."""

    ticket: str = Field(pattern=r"^[A-Za-z0-9_-]{16,64}$")
    idempotency_key: Name


class ApprovalParams(Params):
    """One waiting trade."""

    approval: Name


class ApproveParams(ApprovalParams):
    """What `approve_challenge` gave, signed."""

    expires_s: int
    nonce: Name
    signature: str = Field(max_length=132)


class DenyParams(ApprovalParams):
    """One waiting trade, and why not."""

    reason: Words


async def execute_trade(engine: Running, params: ExecuteParams, principal: Principal) -> Answer:
    """Spend a ticket: submitted, refused, or waiting for the operator. The same key brings the same answer back."""
    if not engine.settings.agents_may_trade:
        raise ControlError(TRADING_OFF, next_step="ask the operator", code="not_allowed")
    command = ExecuteTrade(
        principal=principal.id,
        ticket=params.ticket,
        idempotency_key=params.idempotency_key,
        declined=params.declined or "",
    )
    return await engine.command(command)


async def awaiting(engine: Running, params: AwaitingParams, principal: Principal) -> Answer:
    """Say whether spending a ticket would leave a trade waiting for the operator, and in plain words which. Read only.

    `ask_s` is how long the agent's client may take to say whether it wants that.
    """
    here = engine.composition
    waits = here.agents.awaiting(principal.id, params.ticket, params.idempotency_key, here.loop.view())
    if waits is None:
        return {"waits": False}
    return {
        "waits": True,
        "what": waits.what,
        "notional": views.wei(waits.notional_wei),
        "limit": views.wei(waits.limit_wei),
        "ask_s": engine.settings.agents.ask_s,
    }


async def approve_challenge(engine: Running, params: ApprovalParams, principal: Principal) -> Answer:
    """Say in plain words what a waiting trade would do, and what the operator signs to let it through."""
    here = engine.composition
    return here.agents.challenge(params.approval, here.loop.market.head.timestamp_s)


async def approve(engine: Running, params: ApproveParams, principal: Principal) -> Answer:
    """Let one waiting trade through, by the operator's signature over exactly that trade."""
    return await engine.command(Approve(principal=principal.id, **params.model_dump()))


async def deny(engine: Running, params: DenyParams, principal: Principal) -> Answer:
    """Turn one waiting trade down."""
    command = Deny(principal=principal.id, approval=params.approval, reason=printable(params.reason, instead="?"))
    return await engine.command(command)


async def halt(engine: Running, params: HaltParams, principal: Principal) -> Answer:
    """Stop signing at once, or with `reducing` risk no own capital. Anyone may; only the operator resumes."""
    if params.cancel_open and (params.reducing or principal.role != "operator"):
        raise ControlError(
            "only a full halt at the command line cancels what is open",
            measured="reducing" if params.reducing else f"role {principal.role}",
            next_step="halt without cancel_open; the operator cancels with ketch halt --cancel",
            code="not_allowed",
        )
    command = Halt(
        principal=principal.id,
        reason=printable(params.reason, instead="?"),
        reducing=params.reducing,
        cancel_open=params.cancel_open,
    )
    return await engine.command(command)


async def report_refusal(engine: Running, params: RefusalParams, principal: Principal) -> Answer:
    """Take note of a call that never reached the engine: it belongs into the history of its caller too."""
    engine.composition.calls.note(principal.id, f"tool {params.asked}", f"refused: {params.code}")
    return {}


async def resume_challenge(engine: Running, params: Nothing, principal: Principal) -> Answer:
    """Say what the operator would sign to resume: this policy, this journal, until then, once."""
    here = engine.composition
    return {
        "journal": next(here.journal.entries(limit=1)).hash,
        "policy_hash": engine.settings.risk.digest(),
        "expires_s": here.loop.market.head.timestamp_s + RESUME_VALID_S,
        "nonce": secrets.token_hex(16),
    }


async def resume(engine: Running, params: ResumeParams, principal: Principal) -> Answer:
    """Trade again, by the operator's signature."""
    return await engine.command(Resume(principal=principal.id, **params.model_dump()))


async def sweep(engine: Running, params: SweepParams, principal: Principal) -> Answer:
    """Send the executor's whole balance of a token to the treasury."""
    return await engine.command(Sweep(principal=principal.id, token=Address(params.token)))


async def tokens(engine: Running, params: Nothing, principal: Principal) -> Answer:
    """List every token of the market with what its check said, those that are not traded first."""
    here = engine.composition
    verdicts = here.tokens.verdicts
    known = {token for pool in here.loop.market.pools.values() for token in pool.tokens}
    rows = [token_row(verdicts[token]) for token in sorted(known & verdicts.keys())]
    rows.sort(key=lambda row: row["standing"] == "sound")
    return {"tokens": rows, "not_checked_yet": len(known - verdicts.keys())}


async def token_recheck(engine: Running, params: TokenParams, principal: Principal) -> Answer:
    """Check a token again now, on the newest block."""
    return await engine.command(RecheckToken(principal=principal.id, token=Address(params.token)))


async def status(engine: Running, params: Nothing, principal: Principal) -> Answer:
    """Say where the engine is, in whose name it trades, and what it came to so far."""
    return status_now(engine)


def status_now(engine: Running) -> Answer:
    """Say what `ketch status` shows of a running engine."""
    return status_of(engine.settings.rpc, engine.composition.journal, engine.state) | standing_now(engine)


def feed_now(loop: Loop) -> Answer:
    """Say what the feed told, how early before its block, and how many cycles were left alone for it."""
    shown = {**loop.feed.shown(), "lead_ms": percentiles_ms(loop.feed.lead_ns), "held_back": loop.held_back}
    return {"kind": "heads"} if loop.feed.kind == "heads" else shown


def standing_now(engine: Running) -> Answer:
    """Say what a start says: all of `ketch status` that does not take reading the whole journal."""
    here = engine.composition
    return standing_of(engine.settings.rpc, here.journal, engine.state) | {
        "running": True,
        "policy_waiting": here.policy.standing()["waiting"],
        "policy_next_step": here.policy.standing()["next_step"],
        "profile": engine.settings.profile,
        "gas_float": here.gas_float.shown(),
        "ordering": here.ordering.now.shown(),
        "feed": feed_now(here.loop),
        "block": here.loop.market.head.number,
        "settled": here.loop.settled,
        "pools": len(here.loop.market.pools),
        "blocks": here.loop.measured.blocks,
    }


async def all_trades(engine: Running, params: Nothing, principal: Principal) -> Answer:
    """List every submission at once, for the command line."""
    return {"trades": trades_in(engine.composition.journal)}


async def venues(engine: Running, params: Nothing, principal: Principal) -> Answer:
    """Count the pools by deployment and family, for the command line."""
    return venues_of(engine)


async def drift(engine: Running, params: Nothing, principal: Principal) -> Answer:
    """Read every pool again at the market's own block and list each field that differs."""
    loop = engine.composition.loop
    head, ours = loop.market.head, dict(loop.market.pools)
    found = [f for pool_id, f in loop.found.items() if pool_id in ours]
    theirs = await read_pools(engine.composition.endpoint, found, head.hash)
    differences = compare(ours, theirs)
    return {
        "block": head.number,
        "block_hash": head.hash,
        "pools": len(ours),
        "differences": [asdict(difference) for difference in differences],
        "ok": not differences,
    }
