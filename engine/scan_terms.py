"""How far a running engine looks."""

from dataclasses import dataclass

from engine.domain.units import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanTerms:
    """How far to look: the least net profit in wei worth proving, and how many trades a block.

    With `prior` a cycle is left alone when trades like it lost more than they earned.
    """

    base_tokens: tuple[Address, ...]
    max_hops: int
    max_rounds: int
    floor_wei: int
    prior: bool
