"""How a route is packed for the executor contract: the one table that venues, planner, signer and contract agree on.

Hop = (a, b), two uint256:
    a: bits 0..159 pool | 160..183 fee in ppm (V2 only) | 208..215 zero_for_one (V2 and V3) | 216..223 how far to shift
       the least output | 224..247 its 24 leading bits | 248..255 kind
    b: bits 0..159 token out | 160..255 last 12 bytes of the Balancer pool id (its first 20 are the pool)
flash: bits 0..159 lender | 248..255 kind
"""

from dataclasses import dataclass
from enum import IntEnum

from engine.domain.units import ZERO_ADDRESS, Address

MAX_HOPS = 8
PPM = 1_000_000

_ADDRESS_BITS = 160
_ADDRESS_MASK = (1 << _ADDRESS_BITS) - 1
_FEE_SHIFT = 160
_FEE_MASK = (1 << 24) - 1
_DIRECTION_SHIFT = 208
_LEAST_SHIFT = 216
_LEAST_BITS = 24
_LEAST_MASK = (1 << _LEAST_BITS + 8) - 1
_KIND_SHIFT = 248
_POOL_ID_TAIL_BYTES = 12


class HopKind(IntEnum):
    """The families whose swaps the contract knows."""

    CONSTANT_PRODUCT = 1
    CONCENTRATED = 2
    BALANCER = 3


class FlashKind(IntEnum):
    """Where a trade's capital comes from."""

    OWN = 0
    BALANCER = 1
    AAVE = 2
    FIRST_POOL = 3
    MORPHO = 4


LENDER_NEEDED = frozenset({FlashKind.BALANCER, FlashKind.AAVE, FlashKind.MORPHO})

HopWords = tuple[int, int]
"""A hop as the contract takes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedHop:
    """One swap of a route. `fee_ppm` is V2's only; `balancer_id` is the vault's 32-byte pool id, 0x hex, else empty.

    `least_out` is the least that it may deliver, raw units, as `packable` leaves it; 0 takes anything.
    """

    kind: HopKind
    pool: Address
    token_out: Address
    zero_for_one: bool = False
    fee_ppm: int = 0
    balancer_id: str = ""
    least_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Flash:
    """A capital source; `lender` is the zero address for own funds and for the first pool."""

    kind: FlashKind
    lender: Address = ZERO_ADDRESS


def packable(least_out: int) -> int:
    """Round a least output down to what a hop can carry: its 24 leading bits, so by less than one part in 2**23."""
    shift = max(0, least_out.bit_length() - _LEAST_BITS)
    return least_out >> shift << shift


def pack_hop(hop: EncodedHop) -> HopWords:
    """Pack one hop into its two words; raises `ValueError` for fields that its kind does not have."""
    if not 0 <= hop.fee_ppm < PPM or (hop.fee_ppm and hop.kind is not HopKind.CONSTANT_PRODUCT):
        raise ValueError(f"a {hop.kind.name} hop cannot carry a fee of {hop.fee_ppm} ppm")
    if hop.zero_for_one and hop.kind is HopKind.BALANCER:
        raise ValueError("a BALANCER hop has no direction")
    tail = 0
    if hop.kind is HopKind.BALANCER:
        pool_id = bytes.fromhex(hop.balancer_id.removeprefix("0x"))
        if len(pool_id) != 32 or int.from_bytes(pool_id[:20], "big") != _address(hop.pool):
            raise ValueError(f"pool id {hop.balancer_id} does not belong to pool {hop.pool}")
        tail = int.from_bytes(pool_id[-_POOL_ID_TAIL_BYTES:], "big")
    elif hop.balancer_id:
        raise ValueError(f"a {hop.kind.name} hop has no Balancer pool id")
    if not 0 <= hop.least_out < 1 << 256 or packable(hop.least_out) != hop.least_out:
        raise ValueError(f"a hop cannot carry a least output of {hop.least_out}")
    shift = max(0, hop.least_out.bit_length() - _LEAST_BITS)
    a = (
        hop.kind << _KIND_SHIFT
        | (hop.least_out >> shift << 8 | shift) << _LEAST_SHIFT
        | int(hop.zero_for_one) << _DIRECTION_SHIFT
        | hop.fee_ppm << _FEE_SHIFT
        | _address(hop.pool)
    )
    return a, tail << _ADDRESS_BITS | _address(hop.token_out)


def unpack_hop(words: HopWords) -> EncodedHop:
    """Read a hop back; raises `ValueError` for anything that `pack_hop` could not have written."""
    a, b = words
    kind = HopKind(a >> _KIND_SHIFT)
    pool = a & _ADDRESS_MASK
    tail = b >> _ADDRESS_BITS
    least = a >> _LEAST_SHIFT & _LEAST_MASK
    is_balancer = kind is HopKind.BALANCER
    hop = EncodedHop(
        kind=kind,
        pool=_text(pool),
        token_out=_text(b & _ADDRESS_MASK),
        zero_for_one=bool(a >> _DIRECTION_SHIFT & 0xFF),
        fee_ppm=a >> _FEE_SHIFT & _FEE_MASK,
        balancer_id=f"0x{pool:040x}{tail:024x}" if is_balancer else "",
        least_out=least >> 8 << (least & 0xFF),
    )
    if pack_hop(hop) != words:
        raise ValueError(f"hop {a:#066x} {b:#066x} has bits set that mean nothing")
    return hop


def pack_flash(flash: Flash) -> int:
    """Pack a capital source; raises `ValueError` when a lender is missing or out of place."""
    if (flash.lender != ZERO_ADDRESS) != (flash.kind in LENDER_NEEDED):
        raise ValueError(f"capital {flash.kind.name} with lender {flash.lender}")
    return flash.kind << _KIND_SHIFT | _address(flash.lender)


def unpack_flash(word: int) -> Flash:
    """Read a capital source back; raises `ValueError` for anything that `pack_flash` could not have written."""
    flash = Flash(kind=FlashKind(word >> _KIND_SHIFT), lender=_text(word & _ADDRESS_MASK))
    if pack_flash(flash) != word:
        raise ValueError(f"flash {word:#066x} has bits set that mean nothing")
    return flash


def _address(text: Address) -> int:
    if len(text) != 42 or not text.startswith("0x"):
        raise ValueError(f"not an address: {text!r}")
    return int(text, 16)


def _text(number: int) -> Address:
    return Address(f"0x{number:040x}")
