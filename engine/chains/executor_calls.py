"""The executor contract's calls and its event as bytes: the planner writes them, the signer and the monitor read them.

The contract is engine/execution/contracts/executor.vy; a test holds the signatures here against its compiled ABI.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak

from engine.chains.abi import Function, address_of, event_topic
from engine.domain.errors import SigningRefused
from engine.domain.hops import MAX_HOPS, EncodedHop, Flash, pack_flash, pack_hop, unpack_flash, unpack_hop
from engine.domain.pools import Log
from engine.domain.units import Address

EXECUTE_TYPES = ("uint256", "address", "uint256", "uint256", "uint256", "bytes32", "(uint256,uint256)[]")
EXECUTE_SIGNATURE = f"execute({','.join(EXECUTE_TYPES)})"
EXECUTE_SELECTOR = keccak(text=EXECUTE_SIGNATURE)[:4]

OPERATOR = Function("operator()", ("address",))
TREASURY = Function("TREASURY()", ("address",))
PROFIT_TOKENS = Function("profit_tokens(address)", ("bool",))
SWEEP = Function("sweep(address,uint256)")
SET_OPERATOR = Function("set_operator(address)")
LIST_PROFIT_TOKEN = Function("list_profit_token(address,bool)")

EXECUTED_TOPIC = event_topic("Executed(address,uint256)")
OPERATOR_SET_TOPIC = event_topic("OperatorSet(address)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecuteCall:
    """One `execute`: amounts in raw units of `token`, the deadline in seconds, the anchor 32 bytes."""

    flash: Flash
    token: Address
    amount: int
    min_profit: int
    deadline_s: int
    anchor: bytes
    hops: tuple[EncodedHop, ...]


def encode_execute(call: ExecuteCall) -> bytes:
    """Encode the calldata of `execute`; raises `ValueError` for hops or capital that cannot be packed."""
    if not 1 < len(call.hops) <= MAX_HOPS or len(call.anchor) != 32:
        raise ValueError(f"{len(call.hops)} hops (2 to {MAX_HOPS}) and an anchor of {len(call.anchor)} bytes (32)")
    return EXECUTE_SELECTOR + encode(EXECUTE_TYPES, _arguments(call))


def decode_execute(data: bytes) -> ExecuteCall:
    """Read the calldata of `execute` back.

    Raises:
        SigningRefused: another function, or bytes that `encode_execute` would not have written for what they say.
    """
    if data[:4] != EXECUTE_SELECTOR:
        raise SigningRefused("the call is not `execute`", measured="0x" + data[:4].hex())
    try:
        flash, token, amount, min_profit, deadline_s, anchor, hops = decode(EXECUTE_TYPES, data[4:])
        call = ExecuteCall(
            flash=unpack_flash(flash),
            token=Address(str(token).lower()),
            amount=amount,
            min_profit=min_profit,
            deadline_s=deadline_s,
            anchor=anchor,
            hops=tuple(unpack_hop(words) for words in hops),
        )
        again = encode_execute(call)
    except (DecodingError, ValueError) as broken:
        raise SigningRefused(f"the call to `execute` cannot be read ({broken})") from broken
    if again != data:
        raise SigningRefused("the call to `execute` says more than it means", measured=f"{len(data)} bytes")
    return call


def encode_sweep(token: Address, amount: int) -> bytes:
    """Encode a sweep of `amount` raw units to the treasury."""
    return SWEEP.encode(token, amount)


def encode_set_operator(operator: Address) -> bytes:
    """Encode the treasury's call that replaces the operator; the zero address revokes."""
    return SET_OPERATOR.encode(operator)


def encode_list_profit_token(token: Address, listed: bool) -> bytes:
    """Encode the treasury's call that lists a profit token, or takes it off the list."""
    return LIST_PROFIT_TOKEN.encode(token, listed)


def profit_of(logs: Sequence[Log], executor: Address) -> tuple[Address, int] | None:
    """Find the token and raw profit that the executor itself logged, or None when it settled nothing."""
    for log in logs:
        if log.address == executor and log.topics[0] == EXECUTED_TOPIC:
            return address_of(log.topics[1]), int.from_bytes(log.data)
    return None


def _arguments(call: ExecuteCall) -> tuple[Any, ...]:
    return (
        pack_flash(call.flash),
        call.token,
        call.amount,
        call.min_profit,
        call.deadline_s,
        call.anchor,
        [pack_hop(hop) for hop in call.hops],
    )
