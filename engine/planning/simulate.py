"""Run plans against the chain without sending them: what each would realise and cost, on the block to come."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.chains.abi import hex_data
from engine.chains.endpoints import Endpoint, RpcError
from engine.chains.executor_reverts import reason_of
from engine.domain.opportunity import Plan
from engine.domain.units import Address, BlockHash, BlockRef, PoolId

Call = Mapping[str, str]

_CALL_GAS = 8_000_000
_NO_SUCH_METHOD = frozenset((-32601, -32600, -32004))
"""JSON-RPC's own code, and what providers answer in its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """What one call did: profit in raw units of the route's token when `ok`, else why it reverted."""

    ok: bool
    realised: int
    gas_used: int
    reason: str
    trace_hash: str


class Simulator:
    """Simulates on top of one block, by `eth_simulateV1`, or by `eth_call` where a node does not have that.

    `overrides` puts code and storage at the executor's address, so that nothing need be deployed; None when it is.
    """

    def __init__(self, endpoint: Endpoint, operator: Address, overrides: dict[str, Any] | None = None) -> None:
        self._endpoint = endpoint
        self._operator = operator
        self._overrides = overrides or {}
        self._has_simulate: bool | None = None

    async def simulate(self, plans: Sequence[Plan], block: BlockRef) -> list[Simulated]:
        """Run the plans one after the other on top of `block`; each sees what the ones before it did.

        Without eth_simulateV1 a plan that shares a pool with one before it is not ok: it cannot be proved. Raises
        `ChainError` when the node no longer knows that block.
        """
        calls = [self._call(plan) for plan in plans]
        # a second on: pools that have traded in the block's own second skip their price averages, which costs less
        found = await self._by_simulate(calls, block.hash, block.timestamp_s + 1)
        return await self._by_calls(plans, block) if found is None else found

    @property
    def one_by_one(self) -> bool:
        """True once the node has refused eth_simulateV1: calls do not see each other."""
        return self._has_simulate is False

    async def run(self, calls: Sequence[Call], at: BlockHash, time_s: int, **block: str) -> list[Simulated]:
        """Run calls one after the other in a block at `time_s` on top of `at`; each alone without eth_simulateV1.

        `block` overrides more of it, in JSON-RPC's words. Raises `ChainError` when the node has left `at`.
        """
        found = await self._by_simulate(calls, at, time_s, **block)
        return [await self._by_call(call, at) for call in calls] if found is None else found

    async def _by_simulate(
        self, calls: Sequence[Call], at: BlockHash, time_s: int, **block: str
    ) -> list[Simulated] | None:
        """Simulate calls that see each other; None from a node that cannot."""
        if self._has_simulate is False:
            return None
        step: dict[str, Any] = {"calls": list(calls), "blockOverrides": {"time": hex(time_s), **block}}
        if self._overrides:
            step["stateOverrides"] = self._overrides
        body = {"blockStateCalls": [step], "validation": False}
        try:
            answer = await self._endpoint.call("eth_simulateV1", body, {"blockHash": at})
        except RpcError as error:
            if self._has_simulate or error.code not in _NO_SUCH_METHOD:
                raise
            self._has_simulate = False
            return None
        self._has_simulate = True
        return [_simulated(call) for call in answer[0]["calls"]]

    async def _by_calls(self, plans: Sequence[Plan], block: BlockRef) -> list[Simulated]:
        """Simulate each plan alone; one that an earlier one's pools carry cannot be, and is not ok."""
        found: list[Simulated] = []
        moved: set[PoolId] = set()
        for plan in plans:
            pools = plan.request.route.pools
            found.append(_RESTS_ON_ANOTHER if pools & moved else await self._by_call(self._call(plan), block.hash))
            moved |= pools
        return found

    async def _by_call(self, call: Call, at: BlockHash) -> Simulated:
        """Simulate one call. Gas is the least gas limit that suffices, which is more than a receipt would say."""
        where: list[Any] = [{"blockHash": at}, *([self._overrides] if self._overrides else [])]
        try:
            data = await self._endpoint.call("eth_call", call, *where)
            gas = await self._endpoint.call("eth_estimateGas", call, *where)
        except RpcError as error:
            if error.data is None and "revert" not in error.message.lower():
                raise  # the node's failure, not the plan's: it may have left the block
            revert = bytes.fromhex(error.data[2:]) if isinstance(error.data, str) else b""
            return Simulated(
                ok=False,
                realised=0,
                gas_used=0,
                reason=reason_of(revert) or error.message,
                trace_hash=_hash(error.data),
            )
        return Simulated(
            ok=True,
            realised=int.from_bytes(bytes.fromhex(data[2:])[:32]),
            gas_used=int(gas, 16),
            reason="",
            trace_hash=_hash([data, gas]),
        )

    def _call(self, plan: Plan) -> dict[str, str]:
        return {
            "from": self._operator,
            "to": plan.to,
            "data": hex_data(plan.calldata),
            "gas": hex(_CALL_GAS),
        }


_RESTS_ON_ANOTHER = Simulated(
    ok=False,
    realised=0,
    gas_used=0,
    reason="rests on a trade before it, which this node cannot simulate: it has no eth_simulateV1",
    trace_hash="",
)


def _simulated(call: dict[str, Any]) -> Simulated:
    ok = int(call["status"], 16) == 1
    data = bytes.fromhex(call["returnData"][2:])
    reason = "" if ok else reason_of(data) or str(call.get("error", {}).get("message", ""))
    return Simulated(
        ok=ok,
        realised=int.from_bytes(data[:32]) if ok else 0,
        gas_used=int(call["gasUsed"], 16),
        reason=reason,
        trace_hash=_hash(
            [
                call["status"],
                call["gasUsed"],
                call["returnData"],
                [[g["address"], g["topics"], g["data"]] for g in call["logs"]],
            ]
        ),
    )


def _hash(trace: Any) -> str:
    return hashlib.sha256(json.dumps(trace, sort_keys=True).encode()).hexdigest()
