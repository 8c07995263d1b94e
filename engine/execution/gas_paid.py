"""What a receipt was charged, by each chain's own fields."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class GasPaid:
    """All that was paid in wei, and of it the L1 data and the operator. `l1_gas` is gas used that was L1 data."""

    gas_paid_wei: int
    l1_fee_wei: int
    l1_gas: int
    operator_fee_wei: int


def paid_by(receipt: Mapping[str, Any]) -> GasPaid:
    """Read a receipt. Ethereum's names nothing else.

    Arbitrum's `gasUsedForL1` is within `gasUsed`; the OP Stack's `l1Fee` comes on top, and its operator fee, whose
    formula changed with Jovian: a Jovian receipt is one with a `daFootprintGasScalar`.
    """
    gas_used, price_wei = int(receipt["gasUsed"], 16), int(receipt["effectiveGasPrice"], 16)
    l1_gas, l1_apart_wei = _int(receipt, "gasUsedForL1"), _int(receipt, "l1Fee")
    priced = gas_used * _int(receipt, "operatorFeeScalar")
    jovian = receipt.get("daFootprintGasScalar") is not None
    operator_wei = (priced * 100 if jovian else priced // 1_000_000) + _int(receipt, "operatorFeeConstant")
    return GasPaid(
        gas_paid_wei=gas_used * price_wei + l1_apart_wei + operator_wei,
        l1_fee_wei=l1_apart_wei + l1_gas * price_wei,
        l1_gas=l1_gas,
        operator_fee_wei=operator_wei,
    )


def _int(receipt: Mapping[str, Any], name: str) -> int:
    return int(receipt.get(name) or "0x0", 16)
