"""The few ABI words the engine reads and writes: selectors and typed calls over eth_abi."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak

from engine.domain.units import Address


@dataclass(frozen=True)
class Function:
    """A contract function: `signature` like "balanceOf(address)", its outputs as ABI types."""

    signature: str
    outputs: tuple[str, ...] = ()

    @cached_property
    def selector(self) -> bytes:
        return keccak(text=self.signature)[:4]

    @cached_property
    def inputs(self) -> list[str]:
        inner = self.signature[self.signature.index("(") + 1 : -1]
        return inner.split(",") if inner else []

    def encode(self, *args: Any) -> bytes:
        """Encode a call's data."""
        return self.selector + encode(self.inputs, args)

    def decode(self, data: bytes) -> tuple[Any, ...]:
        """Decode what the call returned; raises `eth_abi.exceptions.DecodingError` for anything else."""
        return decode(self.outputs, data)


def event_topic(signature: str) -> bytes:
    """Hash an event's signature into its topic 0."""
    return keccak(text=signature)


def address_of(word: bytes) -> Address:
    """Read the address in the last 20 bytes of a 32-byte word."""
    return Address("0x" + word[-20:].hex())


def hex_data(data: bytes) -> str:
    """Write bytes as JSON-RPC does: 0x hex."""
    return "0x" + data.hex()


def words(data: bytes) -> Sequence[int]:
    """Split data into unsigned 32-byte words."""
    return [int.from_bytes(data[i : i + 32], "big") for i in range(0, len(data), 32)]
