"""What a token's check said of it."""

from dataclasses import dataclass
from typing import Literal

from engine.domain.units import Address, BlockRef

Standing = Literal["sound", "set_aside", "unknown"]
"""Only what is sound is traded: unknown is never safe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenVerdict:
    """One check of one token, on `block`.

    `reason` says what is wrong, empty for a sound one; `measured` and `limit` in raw units of the token unless they
    name others. `code_hash` is of the token's code, `implementation` the address in its EIP-1967 slot, zero for none.
    """

    token: Address
    standing: Standing
    block: BlockRef
    reason: str
    measured: str
    limit: str
    code_hash: str
    implementation: Address

    @property
    def line(self) -> str:
        """Say it in one line."""
        if self.standing == "sound":
            return "sound"
        if not self.limit:
            return f"{self.reason}{f', measured {self.measured}' if self.measured else ''}"
        return f"{self.reason}, measured {self.measured}, limit {self.limit}"

    def says_the_same(self, other: "TokenVerdict | None") -> bool:
        """Say whether another check found the same of the same code."""
        return other is not None and (self.standing, self.reason, self.code_hash, self.implementation) == (
            other.standing,
            other.reason,
            other.code_hash,
            other.implementation,
        )


def token_row(verdict: TokenVerdict) -> dict[str, str | int]:
    """Show a verdict to people and agents."""
    return {
        "token": verdict.token,
        "standing": verdict.standing,
        "why": verdict.line,
        "block": verdict.block.number,
        "implementation": verdict.implementation,
    }
