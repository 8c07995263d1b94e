"""Answers to what nobody asked then: from exact quotes on the recorded market, else the last answer to the like.

Each says how it came about, and a replay shows it: what follows from it is an estimate, and no record.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from engine.chains.abi import hex_data
from engine.chains.endpoints import RpcError
from engine.chains.executor_calls import EXECUTE_SELECTOR, ExecuteCall, decode_execute
from engine.chains.recorded import Recorded, refuse
from engine.domain.events import BlockSeen
from engine.domain.units import ZERO_ADDRESS
from engine.gas_seen import GasSeen
from engine.market.state import Market
from engine.replay.account import Account
from engine.replay.cassette import Cassette
from engine.replay.quoted import Pools, plan_of, quote

QUOTED = "exact quotes on the recorded pools"
LAST = "the last answer recorded before"
KNOWN = "the recorded block"
SENT = "not sent: ends by the recorded blocks"

_REVERTED = -32000
_BLOCK_AT: Mapping[str, int] = {
    "eth_call": 1,
    "eth_feeHistory": 1,
    "eth_getTransactionCount": 1,
    "eth_getCode": 1,
    "eth_getStorageAt": 2,
}
"""Which parameter says at what block a question is asked."""


class Beyond:
    """Answers from the recording's market, blocks and earlier answers."""

    def __init__(
        self, cassette: Cassette, *, market: Market, gas_seen: GasSeen, account: Account, premium_bps: int
    ) -> None:
        self._market = market
        self._gas_seen = gas_seen
        self._account = account
        self._premium_bps = premium_bps
        self._blocks = {
            item.taken.block.hash: item.taken for item in cassette.items if isinstance(item.taken, BlockSeen)
        }
        self._lately: dict[bytes, Any] = {}
        self._simulated: list[tuple[Sequence[ExecuteCall], Sequence[Any]]] = []

    def load(self, recorded: Sequence[Recorded]) -> None:
        """Take up the answers of the next item."""
        self._simulated = []
        for requests, answers in recorded:
            for (method, params), answer in zip(requests, answers or (), strict=False):
                if "result" not in answer:
                    continue
                self._lately[_like(method, params)] = answer["result"]
                if method == "eth_simulateV1":
                    calls = [_call(one) for one in params[0]["blockStateCalls"][0]["calls"]]
                    self._simulated.append(([c for c in calls if c is not None], answer["result"][0]["calls"]))

    def answer(self, method: str, params: Sequence[Any]) -> tuple[Any, str]:
        """Answer, and say how. Raises `RpcError` for what nothing recorded says anything about."""
        if method == "eth_sendRawTransaction":
            return self._account.send(bytes.fromhex(str(params[0])[2:])), SENT
        if method == "eth_simulateV1":
            calls = params[0]["blockStateCalls"][0]["calls"]
            return [{"calls": self._simulate([_call(one) for one in calls])}], QUOTED
        if method in ("eth_call", "eth_estimateGas") and (call := _call(params[0])) is not None:
            return self._alone(method, call), QUOTED
        if method == "eth_getBlockByHash" and (block := self._blocks.get(params[0])) is not None:
            return _header(block), KNOWN
        if method == "debug_traceTransaction" and (why := self._account.reverted.get(str(params[0]))) is not None:
            return {"output": "0x", "error": why}, QUOTED
        if method == "debug_traceTransaction":
            params = [self._account.like(str(params[0])), *params[1:]]
        last = self._lately.get(_like(method, params))
        return (refuse(method, params), "") if last is None else (last, LAST)

    def _simulate(self, calls: Sequence[ExecuteCall | None]) -> list[dict[str, Any]]:
        """Take the recorded results as far as the calls are those of then, and quote the rest on what they leave."""
        results: list[dict[str, Any]] = []
        pools: Pools = dict(self._market.pools)
        for at, call in enumerate(calls):
            if call is None:
                results.append(_failed("what is simulated is no call of the executor", 0))
                continue
            found = quote(call, pools, self._gas_seen, self._premium_bps)
            pools = {**pools, **found.after}
            then = self._as_then(calls[: at + 1])
            if then is not None and (then["status"] != "0x1" or int(then["returnData"][:66], 16) >= call.min_profit):
                results.append(then)
            elif found.why:
                results.append(_failed(found.why, found.gas_used))
            else:
                results.append(
                    {
                        "status": "0x1",
                        "gasUsed": hex(found.gas_used),
                        "returnData": hex_data(found.profit.to_bytes(32)),
                        "logs": [],
                    }
                )
        return results

    def _as_then(self, calls: Sequence[ExecuteCall | None]) -> dict[str, Any] | None:
        """Find the recorded result of the last of these calls, where those before it are the same too."""
        wanted = [plan_of(call) for call in calls if call is not None]
        for then, results in self._simulated:
            if len(wanted) == len(calls) and [plan_of(call) for call in then[: len(calls)]] == wanted:
                return results[len(calls) - 1]
        return None

    def _alone(self, method: str, call: ExecuteCall) -> str:
        found = quote(call, self._market.pools, self._gas_seen, self._premium_bps)
        if found.why:
            raise RpcError(method, _REVERTED, f"execution reverted: {found.why}", None)
        return hex_data(found.profit.to_bytes(32)) if method == "eth_call" else hex(found.gas_used)


def _failed(why: str, gas_used: int) -> dict[str, Any]:
    return {"status": "0x0", "gasUsed": hex(gas_used), "returnData": "0x", "logs": [], "error": {"message": why}}


def _call(given: Any) -> ExecuteCall | None:
    """Read a call of the executor; None for any other."""
    data = bytes.fromhex(str(given.get("data") or "0x")[2:]) if isinstance(given, Mapping) else b""  # pyright: ignore[reportUnknownMemberType,reportUnknownArgumentType]
    return decode_execute(data) if data[:4] == EXECUTE_SELECTOR else None


def _header(block: BlockSeen) -> dict[str, str]:
    return {
        "number": hex(block.block.number),
        "hash": block.block.hash,
        "parentHash": block.parent_hash,
        "timestamp": hex(block.block.timestamp_s),
        "miner": ZERO_ADDRESS,  # recorded nowhere: a token check asks for it, and no quote answers such a check
        "baseFeePerGas": hex(block.base_fee_wei),
    }


def _like(method: str, params: Sequence[Any]) -> bytes:
    """Name a question without the block that it was asked at."""
    where = _BLOCK_AT.get(method)
    return msgspec.json.encode([method, *(one for at, one in enumerate(params) if at != where)])
