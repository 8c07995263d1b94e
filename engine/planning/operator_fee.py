"""The OP Stack's operator fee: what an operator charges over gas and L1 data, by its oracle, checked by its formula.

specs.optimism.io, Isthmus and Jovian, execution engine, Operator Fee: gas used × scalar / 10^6 + constant since
Isthmus, gas used × scalar × 100 + constant since Jovian. Both are 0 unless the operator has set them.
"""

from dataclasses import dataclass
from typing import Any

from eth_abi.exceptions import DecodingError

from engine.chains.abi import Function, hex_data
from engine.chains.endpoints import Endpoint, RpcError
from engine.domain.errors import ChainError
from engine.domain.units import Address

OP_ORACLE = Address("0x420000000000000000000000000000000000000f")
_L1_BLOCK = Address("0x4200000000000000000000000000000000000015")
_OPERATOR_FEE = Function("getOperatorFee(uint256)", ("uint256",))
_SCALAR = Function("operatorFeeScalar()", ("uint32",))
_CONSTANT = Function("operatorFeeConstant()", ("uint64",))
MEGA = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorFee:
    """An operator's prices in wei: for a million units of gas used, and for each transaction."""

    mega_gas_wei: int = 0
    constant_wei: int = 0

    def of(self, gas: int) -> int:
        """Charge for `gas` used, rounded up by less than a wei."""
        return -(-gas * self.mega_gas_wei // MEGA) + self.constant_wei


NO_OPERATOR_FEE = OperatorFee()


async def operator_fee(endpoint: Endpoint) -> OperatorFee:
    """Ask the oracle what it charges now; nothing before Isthmus, where it has no such function.

    Raises `ChainError` when the chain does not answer, or when the oracle and both formulas differ: nothing may be
    planned on a cost that is not understood.
    """
    try:
        constant = await _asked(endpoint, OP_ORACLE, _OPERATOR_FEE, 0)
    except RpcError as error:
        if "revert" not in error.message.lower():
            raise
        return NO_OPERATOR_FEE
    fee = OperatorFee(
        mega_gas_wei=await _asked(endpoint, OP_ORACLE, _OPERATOR_FEE, MEGA) - constant, constant_wei=constant
    )
    if fee == NO_OPERATOR_FEE:
        return fee
    scalar, said = await _asked(endpoint, _L1_BLOCK, _SCALAR), await _asked(endpoint, _L1_BLOCK, _CONSTANT)
    by_fork = {"Isthmus": scalar, "Jovian": scalar * 100 * MEGA}
    if said != constant or fee.mega_gas_wei not in by_fork.values():
        raise ChainError(
            "the operator fee's oracle and its formula differ",
            measured=f"{fee.mega_gas_wei} wei a million gas and {constant} wei",
            limit=f"{by_fork['Isthmus']} (Isthmus) or {by_fork['Jovian']} (Jovian), and {said} wei",
            next_step="nothing is traded until they agree: see whether the chain was upgraded",
        )
    return fee


async def _asked(endpoint: Endpoint, to: Address, function: Function, *args: Any) -> int:
    raw = str(await endpoint.call("eth_call", {"to": to, "data": hex_data(function.encode(*args))}, "latest"))
    try:
        (value,) = function.decode(bytes.fromhex(raw.removeprefix("0x")))
    except DecodingError as error:
        raise ChainError(f"{to} gives no operator fee", measured=raw[:66]) from error
    return value
