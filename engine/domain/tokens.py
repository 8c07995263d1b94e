"""Tokens as the engine knows them: identified by chain and address, never by their symbol."""

from dataclasses import dataclass

from engine.domain.units import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An ERC-20. `symbol` is an untrusted label taken from the chain; `decimals` scales display only."""

    address: Address
    symbol: str
    decimals: int
