"""Calls and contract addresses as bytes, from signatures as the contracts' own sources spell them."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import rlp
from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak

from engine.devnet.packages import Artifact
from engine.domain.units import Address

MAX_UINT256 = 2**256 - 1


def call(signature: str, *values: Any) -> bytes:
    """Encode a call, e.g. `call("transfer(address,uint256)", to, amount)`."""
    selector, types = _parsed(signature)
    return selector + encode(types, values)


def returned(types: Sequence[str], data: bytes) -> tuple[Any, ...]:
    """Decode what a call returned."""
    return decode(types, data)


def creation(artifact: Artifact, code: bytes, *values: Any) -> bytes:
    """Append the constructor's encoded arguments to creation code."""
    return code + encode(artifact.constructor, values)


def created_address(sender: Address, nonce: int) -> Address:
    """Derive the address of the contract that `sender` creates with its transaction `nonce`."""
    return Address("0x" + keccak(rlp.encode([bytes.fromhex(sender[2:]), nonce]))[12:].hex())


@cache
def _parsed(signature: str) -> tuple[bytes, tuple[str, ...]]:
    inside = signature[signature.index("(") + 1 : -1]
    types: list[str] = []
    depth, start = 0, 0
    for at, char in enumerate(inside):
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            types.append(inside[start:at])
            start = at + 1
    if inside:
        types.append(inside[start:])
    return keccak(text=signature)[:4], tuple(types)
