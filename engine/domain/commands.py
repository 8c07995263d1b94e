"""What people and agents may ask of the running engine; all of it enters the one inbox."""

from dataclasses import dataclass
from typing import Literal

from engine.domain.units import Address

TradingState = Literal["HALTED", "REDUCING", "ACTIVE"]
"""ACTIVE trades; REDUCING trades with borrowed capital only; HALTED signs nothing but sweeps to the treasury."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """Stop signing (or, with `reducing`, stop risking own capital). Anyone may; it needs no secret.

    `cancel_open` asks for a cancelling replacement of every open trade; sweeps to the treasury go on.
    """

    principal: str
    reason: str
    reducing: bool = False
    cancel_open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """Trade again. `signature` is the operator's secret over the exact digest of (action, policy, expiry, nonce)."""

    principal: str
    policy_hash: str
    expires_s: int
    nonce: str
    signature: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Send the executor's whole balance of `token` to the treasury: the only address that is ever paid."""

    principal: str
    token: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecuteTrade:
    """Spend a ticket. The same principal and key bring the same answer back, and never a second trade.

    `declined` spends it on nothing: what the client said when it was asked whether to go on.
    """

    principal: str
    ticket: str
    idempotency_key: str
    declined: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve:
    """The operator's consent to one waiting trade: the secret's signature over its exact digest."""

    principal: str
    approval: str
    expires_s: int
    nonce: str
    signature: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deny:
    """Turn one waiting trade down. It tightens, so it needs no secret."""

    principal: str
    approval: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Propose:
    """Suggest another value for a parameter. It is written down for the operator, and changes nothing."""

    principal: str
    parameter: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingChange:
    """One setting's value in ketch.toml, before and after, as TOML; None is not there."""

    setting: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeSettings:
    """Suggest a change of ketch.toml. It is written down for the operator, and changes nothing."""

    principal: str
    changes: tuple[SettingChange, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplySettings:
    """Say that the operator writes a proposal into ketch.toml: written down before the file is."""

    principal: str
    proposal: str
    changes: tuple[SettingChange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RollBackSettings:
    """Say that the operator takes back what was applied last: written down before the file is."""

    principal: str
    applied: str
    changes: tuple[SettingChange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadPolicy:
    """Read the settings again and take what tightens the policy. It needs no secret; what loosens waits."""

    principal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyPolicy:
    """Put the policy that the settings want in force: the secret's signature over exactly that change.

    `previous` and `hash` are the digests of the terms before and after.
    """

    principal: str
    previous: str
    hash: str
    expires_s: int
    nonce: str
    signature: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecheckToken:
    """Check a token again now. Its verdict stands or falls by what is measured: nobody can declare a token sound."""

    principal: str
    token: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """End the loop after what is in flight is written down."""

    reason: str


Command = (
    Halt
    | Resume
    | Sweep
    | ExecuteTrade
    | Approve
    | Deny
    | Propose
    | ProposeSettings
    | ApplySettings
    | RollBackSettings
    | ReloadPolicy
    | ApplyPolicy
    | RecheckToken
    | Stop
)
