"""Between gross and net: gas, the L1 data fee by a named model, the bid, and the floor that the contract holds."""

from dataclasses import dataclass
from typing import Protocol

from eth_abi.exceptions import DecodingError

from engine.chains.abi import Function, hex_data
from engine.chains.endpoints import Endpoint
from engine.domain.errors import ChainError
from engine.domain.hops import PPM
from engine.domain.opportunity import Price
from engine.domain.units import Address, ChainId

_OP_ORACLE = Address("0x420000000000000000000000000000000000000f")
_OP_L1_FEE = Function("getL1Fee(bytes)", ("uint256",))
_ARB_NODE_INTERFACE = Address("0x00000000000000000000000000000000000000c8")
_ARB_L1_COMPONENT = Function("gasEstimateL1Component(address,bool,bytes)", ("uint64", "uint256", "uint256"))

MIN_PRIORITY_WEI = 1


class L1Model(Protocol):
    """Prices the L1 data of one transaction, in wei."""

    @property
    def name(self) -> str: ...

    async def fee_wei(self, endpoint: Endpoint, to: Address, calldata: bytes) -> int: ...


@dataclass(frozen=True, slots=True)
class NoL1Fee:
    """Ethereum itself, and local chains on which no oracle stands: `name` says which."""

    name: str

    async def fee_wei(self, endpoint: Endpoint, to: Address, calldata: bytes) -> int:
        """Return 0: nothing is posted elsewhere."""
        return 0


@dataclass(frozen=True, slots=True)
class OpStackOracle:
    """The OP Stack's GasPriceOracle predeploy, asked for the very bytes."""

    name: str = "op-stack GasPriceOracle.getL1Fee"

    async def fee_wei(self, endpoint: Endpoint, to: Address, calldata: bytes) -> int:
        """Return the oracle's fee; raises `ChainError` when it does not answer."""
        raw = await endpoint.call(
            "eth_call", {"to": _OP_ORACLE, "data": hex_data(_OP_L1_FEE.encode(calldata))}, "latest"
        )
        return _OP_L1_FEE.decode(bytes.fromhex(raw[2:]))[0]


@dataclass(frozen=True, slots=True)
class ArbitrumNodeInterface:
    """Arbitrum's NodeInterface: L1 gas of the call, at the L2 base fee that it is charged in."""

    name: str = "arbitrum NodeInterface.gasEstimateL1Component"

    async def fee_wei(self, endpoint: Endpoint, to: Address, calldata: bytes) -> int:
        """Return gas for L1 × base fee; raises `ChainError` when it does not answer."""
        data = hex_data(_ARB_L1_COMPONENT.encode(to, False, calldata))
        raw = await endpoint.call("eth_call", {"to": _ARB_NODE_INTERFACE, "data": data}, "latest")
        gas, base_fee, _ = _ARB_L1_COMPONENT.decode(bytes.fromhex(raw[2:]))
        return gas * base_fee


async def choose_l1_model(endpoint: Endpoint, chain: ChainId, *, local: bool) -> L1Model:
    """Pick the chain's model by what stands on it. A live rollup whose oracle is not there raises `ChainError`."""
    if chain == 1:
        return NoL1Fee("none: Ethereum posts nowhere else")
    oracle, model = (_ARB_NODE_INTERFACE, ArbitrumNodeInterface()) if chain == 42161 else (_OP_ORACLE, OpStackOracle())
    code = await endpoint.call("eth_getCode", oracle, "latest")
    # NodeInterface has no code of its own anywhere: the node answers for it, so the question is a call, not a look
    answers = len(code) > 2 or (chain == 42161 and await _answers(endpoint, model))
    if answers:
        return model
    if local:
        return NoL1Fee(f"none: no L1 fee oracle answers at {oracle} on this local chain")
    raise ChainError(
        f"no L1 fee oracle at {oracle}",
        next_step="without the L1 data fee every profit would be overstated: use another endpoint",
    )


async def _answers(endpoint: Endpoint, model: L1Model) -> bool:
    try:
        return await model.fee_wei(endpoint, _ARB_NODE_INTERFACE, b"") > 0
    except (ChainError, DecodingError):  # an address without code answers with nothing
        return False


def bid_wei(expected_net_wei: int, gas_units: int, bid_share_ppm: int) -> int:
    """Bid a share of the expected net profit as priority fee, in wei per gas; at least 1."""
    return max(expected_net_wei * bid_share_ppm // PPM // gas_units, MIN_PRIORITY_WEI)


def floor_raw(*, expected_profit: int, gas_wei: int, min_net_wei: int, price: Price, floor_share_ppm: int) -> int:
    """Set the profit that the contract must see, in raw units: gas and the least net, or a share of the expected.

    Whichever is more, so that a trade that fills has paid its own gas.
    """
    return max(price.raw(gas_wei + min_net_wei), expected_profit * floor_share_ppm // PPM, 1)
