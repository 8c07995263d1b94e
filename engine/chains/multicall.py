"""Many reads at one block hash, through Multicall3 in a few requests."""

from collections.abc import Sequence
from typing import Any

from eth_abi.abi import decode, encode

from engine.chains.abi import Function, hex_data
from engine.chains.endpoints import Endpoint
from engine.domain.units import Address, BlockHash

MULTICALL3 = Address("0xca11bde05977b3631167028862be2a173976ca11")  # the same address on every chain
_AGGREGATE3 = Function("aggregate3((address,bool,bytes)[])").signature
_SELECTOR = Function(_AGGREGATE3).selector
_CHUNK = 500

Read = tuple[Address, Function, Sequence[Any]]
"""Contract, function and arguments."""


async def read_all(endpoint: Endpoint, reads: Sequence[Read], at: BlockHash) -> list[tuple[Any, ...] | None]:
    """Read each function at block `at`; None where the contract reverted or returned something else."""
    calls = [(target, True, function.encode(*args)) for target, function, args in reads]
    chunks = [calls[i : i + _CHUNK] for i in range(0, len(calls), _CHUNK)]
    requests = [
        (
            "eth_call",
            (
                {"to": MULTICALL3, "data": hex_data(_SELECTOR + encode(["(address,bool,bytes)[]"], [chunk]))},
                {"blockHash": at},
            ),
        )
        for chunk in chunks
    ]
    answers: list[tuple[bool, bytes]] = []
    for request in requests:  # one at a time: a node's eth_call has a gas cap, and the reader is in no hurry
        raw = await endpoint.call(request[0], *request[1])
        answers.extend(decode(["(bool,bytes)[]"], bytes.fromhex(raw[2:]))[0])
    return [
        function.decode(data) if ok and len(data) >= 32 * len(function.outputs) else None
        for (_, function, _), (ok, data) in zip(reads, answers, strict=True)
    ]
