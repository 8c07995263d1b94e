"""The next block's base fee from its parent's header, exactly: EIP-1559, and the OP Stack's parameters in the header.

EIP-1559's pseudocode (geth, consensus/misc/eip1559.CalcBaseFee). Since Holocene an OP Stack header's extra data gives
denominator and elasticity, and since Jovian the least base fee, with the data's footprint metered as gas is
(specs.optimism.io, Holocene and Jovian, execution engine). Arbitrum prices by its own state, which no header holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.domain.units import ChainId

_HOLOCENE, _JOVIAN = 0, 1
_LENGTHS = {9: _HOLOCENE, 17: _JOVIAN}
"""Of the extra data: a version, two uint32, and since Jovian a uint64."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeTerms:
    """How a chain's base fee moves. `least_wei` is what it does not fall below; `by_footprint` meters the data too."""

    elasticity: int
    denominator: int
    least_wei: int = 0
    by_footprint: bool = False


_ETHEREUM = FeeTerms(elasticity=2, denominator=8)


def next_base_fee_wei(chain: ChainId, header: Mapping[str, Any]) -> int | None:
    """Work out the base fee of the block after `header`, in wei a gas; None where the header does not say."""
    terms = _ETHEREUM if chain == 1 else _op_terms(bytes.fromhex(str(header.get("extraData") or "0x")[2:]))
    if terms is None or chain == 42161 or header.get("baseFeePerGas") is None:
        return None
    base_wei, limit, metered = (int(header[name], 16) for name in ("baseFeePerGas", "gasLimit", "gasUsed"))
    if terms.by_footprint:
        metered = max(metered, int(header.get("blobGasUsed") or "0x0", 16))
    target = limit // terms.elasticity
    return None if target == 0 else max(moved(base_wei, metered, target, terms.denominator), terms.least_wei)


def moved(base_wei: int, metered: int, target: int, denominator: int) -> int:
    """Move a base fee by how far the gas metered was off its target: up by a wei at least, never below nothing."""
    if metered == target:
        return base_wei
    change_wei = base_wei * abs(metered - target) // target // denominator
    return base_wei + max(change_wei, 1) if metered > target else max(base_wei - change_wei, 0)


def _op_terms(extra: bytes) -> FeeTerms | None:
    """Read a header's parameters; None before Holocene, or in a form that is not known."""
    if _LENGTHS.get(len(extra)) != (extra[0] if extra else None):
        return None
    denominator, elasticity = (int.from_bytes(extra[at : at + 4], "big") for at in (1, 5))
    if denominator == 0 or elasticity == 0:
        return None
    least_wei = int.from_bytes(extra[9:], "big")
    return FeeTerms(
        elasticity=elasticity, denominator=denominator, least_wei=least_wei, by_footprint=extra[0] == _JOVIAN
    )
