"""Names for the numbers and identifiers of the field. Money is always `int`, in raw units of its token."""

from dataclasses import dataclass
from typing import NewType

from engine.domain.errors import UnitMismatch

ChainId = NewType("ChainId", int)
Address = NewType("Address", str)
"""0x and 40 lower-case hex digits; never checksummed inside the engine."""
PoolId = NewType("PoolId", str)
"""The pool's address in lower case (Balancer: the pool contract's address, not the 32-byte pool id)."""
BlockHash = NewType("BlockHash", str)

ZERO_ADDRESS = Address("0x" + "0" * 40)
WEI_PER_ETHER = 10**18


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """A quantity of one token in raw units. Adding two tokens together raises `UnitMismatch`."""

    token: Address
    raw: int

    def __add__(self, other: "Amount") -> "Amount":
        self._same_token(other)
        return Amount(token=self.token, raw=self.raw + other.raw)

    def __sub__(self, other: "Amount") -> "Amount":
        self._same_token(other)
        return Amount(token=self.token, raw=self.raw - other.raw)

    def _same_token(self, other: "Amount") -> None:
        if self.token != other.token:
            raise UnitMismatch(measured=other.token, limit=self.token)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockRef:
    """One block of one chain. `timestamp_s` is the chain's clock, in seconds."""

    chain: ChainId
    number: int
    hash: BlockHash
    timestamp_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """Lineage: what this record is, what it came from, when it was observed and on which block."""

    id: str
    parents: tuple[str, ...]
    observed_ns: int
    block: BlockRef
