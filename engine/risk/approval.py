"""The operator's consent to one waiting trade: a signature over exactly that trade, under that policy, once, in time.

The text that is signed says in words what will be done. Addresses and raw amounts only: a symbol could lie.
"""

import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import Protocol

from eth_account.messages import SignableMessage, encode_defunct

from engine.domain.commands import Approve
from engine.domain.decision import Waiting
from engine.domain.errors import ControlError
from engine.domain.opportunity import Route, TradeRequest
from engine.domain.units import Address
from engine.journal.canonical import dumps
from engine.risk.operator import sign, signer_of

_AGAIN = "see ketch approvals, and sign with ketch approve"


def request_digest(request: TradeRequest, *, approval: str, policy_hash: str, expires_s: int) -> str:
    """Digest what an approval is good for: who asks for which trade, under which policy, until when (chain time)."""
    terms = {
        "approval": approval,
        "principal": request.principal,
        "route": request.route,
        "amount_in": request.amount_in,
        "min_profit": request.min_profit,
        "policy_hash": policy_hash,
        "expires_s": expires_s,
    }
    return "0x" + hashlib.sha256(dumps(terms)).hexdigest()


class Terms(Protocol):
    """What a person needs to know of a trade: a request has it, and so has a ticket."""

    @property
    def principal(self) -> str:
        """Who asks."""
        ...

    @property
    def route(self) -> Route:
        """Through which pools."""
        ...

    @property
    def amount_in(self) -> int:
        """What goes in, raw units of the route's token."""
        ...

    @property
    def min_profit(self) -> int:
        """The least that it must earn, raw units of the route's token."""
        ...


def in_words(request: Terms) -> str:
    """Say what a trade will do, for the person who is to sign it."""
    hops = ", then ".join(f"{hop.token_in} into {hop.token_out} in pool {hop.pool}" for hop in request.route.hops)
    return (
        f"{request.principal} asks for a closed cycle of {len(request.route.hops)} swaps through the executor: put in "
        f"{request.amount_in} raw units of {request.route.token}; swap {hops}; end with all of it and a profit of at "
        f"least {request.min_profit} raw units, or not at all"
    )


def approval_message(waiting: Waiting, *, journal: str, expires_s: int, nonce: str) -> SignableMessage:
    """Write out what an approval means, as the text that is signed (EIP-191). `journal` is the genesis entry's hash."""
    lines = (
        "Ketch: approve one trade",
        in_words(waiting.request),
        f"approval {waiting.approval}",
        f"request {waiting.digest}",
        f"journal {journal}",
        f"policy {waiting.policy_hash}",
        f"expires {expires_s}",
        f"nonce {nonce}",
    )
    return encode_defunct(text="\n".join(lines))


def sign_approval(
    state: Path, passphrase: str, waiting: Waiting, *, principal: str, journal: str, expires_s: int, nonce: str
) -> Approve:
    """Sign an approval with the operator's secret; raises `ControlError` for a wrong passphrase or no keystore.

    The digest is made anew from the request: a daemon that shows one trade and asks to sign another gets no signature.
    """
    digest = request_digest(
        waiting.request, approval=waiting.approval, policy_hash=waiting.policy_hash, expires_s=waiting.expires_s
    )
    if digest != waiting.digest:
        raise ControlError("the digest is of another trade than the one shown", measured=waiting.digest, limit=digest)
    message = approval_message(waiting, journal=journal, expires_s=expires_s, nonce=nonce)
    return Approve(
        principal=principal,
        approval=waiting.approval,
        expires_s=expires_s,
        nonce=nonce,
        signature=sign(state, passphrase, message),
    )


def verify_approval(
    approve: Approve,
    waiting: Waiting,
    *,
    operator_secret: Address,
    journal: str,
    policy_hash: str,
    now_s: int,
    used_nonces: Collection[str],
) -> None:
    """Check that the operator approves this very trade, under the policy in force, now, and for the first time.

    `operator_secret` and `journal` are the genesis entry's. Raises `ControlError` naming the first thing wrong.
    """
    if waiting.policy_hash != policy_hash:
        raise ControlError(
            "the trade waits under another policy",
            measured=waiting.policy_hash,
            limit=policy_hash,
            next_step="let the agent simulate it again",
            code="approval_refused",
        )
    until = min(approve.expires_s, waiting.expires_s)
    if until <= now_s:
        raise ControlError(
            "the approval has expired",
            measured=f"now {now_s}",
            limit=f"before {until}",
            next_step=_AGAIN,
            code="approval_refused",
        )
    if approve.nonce in used_nonces:
        raise ControlError(
            "the approval was used before",
            measured=f"nonce {approve.nonce}",
            next_step=_AGAIN,
            code="approval_refused",
        )
    message = approval_message(waiting, journal=journal, expires_s=approve.expires_s, nonce=approve.nonce)
    signer = signer_of(message, approve.signature)
    if signer != operator_secret:
        raise ControlError(
            "the approval is not signed by the operator for this trade",
            measured=signer or "no signature",
            limit=operator_secret,
            next_step=_AGAIN,
            code="approval_refused",
        )
