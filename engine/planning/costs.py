"""Between gross and net: gas, the L1 data fee by a named model, the bid, and the floor that the contract holds."""

from dataclasses import dataclass
from typing import Any, Protocol

from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak

from engine.chains.abi import Function, hex_data
from engine.chains.endpoints import Endpoint
from engine.chains.executor_calls import ExecuteCall, encode_execute
from engine.chains.fee_forecast import Forecast
from engine.domain.errors import ChainError
from engine.domain.hops import PPM, EncodedHop, Flash, FlashKind, HopKind
from engine.domain.opportunity import Costs, Price
from engine.domain.units import Address, ChainId
from engine.planning.operator_fee import NO_OPERATOR_FEE, OP_ORACLE, OperatorFee, operator_fee

_OP_L1_FEE = Function("getL1Fee(bytes)", ("uint256",))
_ARB_NODE_INTERFACE = Address("0x00000000000000000000000000000000000000c8")
_ARB_L1_COMPONENT = Function("gasEstimateL1Component(address,bool,bytes)", ("uint64", "uint256", "uint256"))

MIN_PRIORITY_WEI = 1


def _some_address(name: str) -> Address:
    return Address("0x" + keccak(text=name)[-20:].hex())


SAMPLE_CALLDATA = encode_execute(
    ExecuteCall(
        flash=Flash(kind=FlashKind.MORPHO, lender=_some_address("lender")),
        token=_some_address("token"),
        amount=123_456_789_012_345_678_901,
        min_profit=1_234_567_890_123_456,
        deadline_s=1_800_000_000,
        anchor=keccak(text="anchor"),
        hops=tuple(
            EncodedHop(
                kind=HopKind.CONCENTRATED, pool=_some_address(f"pool {n}"), token_out=_some_address(f"token {n}")
            )
            for n in range(3)
        ),
    )
)
"""A trade of three hops like any other: what the L1 data of a trade costs before its calldata is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class L1Fee:
    """The price of one transaction's L1 data in wei.

    `gas_units` is how much of the transaction's own gas limit it takes, where a chain charges it as gas. `quoted_wei`
    is what the oracle said where `wei` is more, by what receipts taught. `operator` is what a chain's operator charges.
    """

    wei: int
    gas_units: int = 0
    quoted_wei: int | None = None
    operator: OperatorFee = NO_OPERATOR_FEE


NOTHING_APART = L1Fee(wei=0)


class L1Model(Protocol):
    """Prices the L1 data of one transaction. `fee` raises `ChainError` when the oracle gives no usable answer."""

    @property
    def name(self) -> str: ...

    async def fee(self, endpoint: Endpoint, to: Address, calldata: bytes) -> L1Fee: ...


@dataclass(frozen=True, slots=True)
class NoL1Fee:
    """Ethereum itself, and local chains on which no oracle stands: `name` says which."""

    name: str

    async def fee(self, endpoint: Endpoint, to: Address, calldata: bytes) -> L1Fee:
        """Return nothing: nothing is posted elsewhere."""
        return NOTHING_APART


@dataclass(frozen=True, slots=True)
class OpStackOracle:
    """The OP Stack's GasPriceOracle predeploy, asked for bytes like the transaction's."""

    name: str = "op-stack GasPriceOracle.getL1Fee"

    async def fee(self, endpoint: Endpoint, to: Address, calldata: bytes) -> L1Fee:
        """Return the oracle's fee. It adds the signature itself; the fields around the calldata are stood in for."""
        around = bytes.fromhex(to[2:]) + keccak(calldata)  # nonce, fees, gas and headers: some 30 bytes, incompressible
        (wei,) = await _asked(endpoint, OP_ORACLE, _OP_L1_FEE, around + calldata)
        return L1Fee(wei=wei, operator=await operator_fee(endpoint))


@dataclass(frozen=True, slots=True)
class ArbitrumNodeInterface:
    """Arbitrum's NodeInterface: the data is paid in gas of the transaction itself, at the L2 base fee."""

    name: str = "arbitrum NodeInterface.gasEstimateL1Component"

    async def fee(self, endpoint: Endpoint, to: Address, calldata: bytes) -> L1Fee:
        """Return gas for L1 × base fee, and that gas."""
        gas, base_fee, _ = await _asked(endpoint, _ARB_NODE_INTERFACE, _ARB_L1_COMPONENT, to, False, calldata)
        return L1Fee(wei=gas * base_fee, gas_units=gas)


async def choose_l1_model(endpoint: Endpoint, chain: ChainId, *, local: bool) -> L1Model:
    """Pick the chain's model, if its oracle answers. A live rollup whose oracle does not raises `ChainError`."""
    if chain == 1:
        return NoL1Fee("none: Ethereum posts nowhere else")
    oracle, model = (_ARB_NODE_INTERFACE, ArbitrumNodeInterface()) if chain == 42161 else (OP_ORACLE, OpStackOracle())
    try:  # a question, not a look: NodeInterface has no code anywhere, the node itself answers for it
        await model.fee(endpoint, oracle, SAMPLE_CALLDATA)
    except ChainError as error:
        if local:
            return NoL1Fee(f"none: no L1 fee oracle answers at {oracle} on this local chain")
        raise ChainError(
            f"no L1 fee oracle answers at {oracle}",
            measured=error.line(),
            next_step="without the L1 data fee every profit would be overstated: use another endpoint",
        ) from error
    return model


async def _asked(endpoint: Endpoint, oracle: Address, function: Function, *args: Any) -> tuple[Any, ...]:
    raw = str(await endpoint.call("eth_call", {"to": oracle, "data": hex_data(function.encode(*args))}, "latest"))
    try:
        return function.decode(bytes.fromhex(raw.removeprefix("0x")))
    except DecodingError as error:  # an address without code answers with nothing
        raise ChainError(f"the L1 fee oracle at {oracle} gives no fee", measured=raw[:66]) from error


def bid_wei(expected_net_wei: int, gas_units: int, bid_share_ppm: int, least_wei: int = MIN_PRIORITY_WEI) -> int:
    """Bid a share of the expected net profit as priority fee, in wei per gas; at least `least_wei`, and 1."""
    return max(expected_net_wei * bid_share_ppm // PPM // gas_units, least_wei, MIN_PRIORITY_WEI)


def costs_of(
    *,
    gas_units: int,
    gross_wei: int,
    base_fee_wei: int,
    fees: Forecast,
    l1_fee: L1Fee,
    l1_model: str,
    flash_fee: int,
    bid_share_ppm: int,
) -> Costs:
    """Put everything together that a trade of `gross_wei` pays, its bid included where the chain sells places."""
    operator_wei = l1_fee.operator.of(gas_units)
    before_bid = gross_wei - gas_units * base_fee_wei - l1_fee.wei - operator_wei
    return Costs(
        gas_units=gas_units,
        base_fee_wei=base_fee_wei,
        priority_fee_wei=bid_wei(
            before_bid, gas_units, fees.ordering.bid_share_ppm(bid_share_ppm), fees.least_priority_wei
        ),
        l1_fee_wei=l1_fee.wei,
        l1_model=l1_model,
        flash_fee=flash_fee,
        l1_quoted_wei=l1_fee.quoted_wei,
        operator_fee_wei=operator_wei,
        next_base_fee_wei=fees.next_base_fee_wei,
        least_priority_wei=fees.least_priority_wei,
    )


def floor_raw(*, expected_profit: int, gas_wei: int, min_net_wei: int, price: Price, floor_share_ppm: int) -> int:
    """Set the profit that the contract must see, in raw units: gas and the least net, or a share of the expected.

    Whichever is more, so that a trade that fills has paid its own gas.
    """
    return max(price.raw(gas_wei + min_net_wei), expected_profit * floor_share_ppm // PPM, 1)
