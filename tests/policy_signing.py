"""The operator's part of `ketch policy apply`, for tests that drive an engine in their own process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.domain.commands import ApplyPolicy
from engine.initialise import LOCAL_PASSPHRASE
from engine.risk.in_force import PolicyInForce
from engine.risk.terms import Terms
from engine.risk.versions import Version, sign_policy


def signed(state: Path, held: Version, asked: dict[str, Any]) -> ApplyPolicy:
    """Sign what `policy_challenge` asks."""
    return sign_policy(
        state,
        LOCAL_PASSPHRASE,
        held,
        Terms.model_validate(asked["wanted"]),
        principal="cli",
        journal=asked["journal"],
        expires_s=asked["expires_s"],
        nonce=asked["nonce"],
    )


def apply_waiting(policy: PolicyInForce, state: Path, now_s: int) -> ApplyPolicy | None:
    """Sign what waits, None when nothing does: a test that wants looser limits than its folder's asks for them so."""
    return signed(state, policy.version, policy.challenge(now_s)) if policy.waiting else None
