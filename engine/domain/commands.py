"""What people and agents may ask of the running engine; all of it enters the one inbox."""

from dataclasses import dataclass
from typing import Literal

from engine.domain.units import Address

TradingState = Literal["HALTED", "REDUCING", "ACTIVE"]
"""ACTIVE trades; REDUCING trades with borrowed capital only; HALTED signs nothing but sweeps to the treasury."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """Stop signing (or, with `reducing`, stop risking own capital). Anyone may; it needs no secret."""

    principal: str
    reason: str
    reducing: bool = False


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
class Stop:
    """End the loop after what is in flight is written down."""

    reason: str


Command = Halt | Resume | Sweep | Stop
