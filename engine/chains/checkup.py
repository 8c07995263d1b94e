"""Check an endpoint end to end: what it can do, what it cannot, and what Ketch does instead, a row each."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from eth_utils.crypto import keccak

from engine.chains.endpoints import Endpoint, Json, RpcError
from engine.chains.multicall import MULTICALL3
from engine.chains.patience import Waited
from engine.domain.errors import ChainError
from engine.domain.ports import Clock
from engine.domain.units import ChainId

_NOWHERE = "0x" + keccak(text="ketch checkup, nobody's address")[-20:].hex()
_SAYS_ONE = "0x600160005260206000f3"  # PUSH1 1, MSTORE at 0, RETURN the word
_SAYS_TIME = "0x4260005260206000f3"  # TIMESTAMP, MSTORE at 0, RETURN the word
_ONE, _LATER_S = 1, 4_000_000_000
_LOG_RANGES = (10_000, 2_000, 500, 100, 10, 1)
_BACK_BLOCKS = 64
_BURST = 40
_HEAD_WITHIN_S = 20.0
_LAG_S = 60
_NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One check: `ok` None for what is lacking and made up for as `otherwise` says; False for what cannot be."""

    check: str
    ok: bool | None
    found: str
    otherwise: str = ""


async def checkup(endpoint: Endpoint, chain: ChainId, clock: Clock, waited: Waited) -> AsyncIterator[Row]:
    """Yield a row a check; raises nothing once it is connected."""
    checks: tuple[tuple[str, Callable[[], Awaitable[Row]]], ...] = (
        ("chain id", lambda: _chain_id(endpoint, chain)),
        ("head lag", lambda: _head_lag(endpoint, clock)),
        ("subscriptions", lambda: _subscriptions(endpoint)),
        ("log ranges", lambda: _log_ranges(endpoint)),
        ("logs by block hash", lambda: _logs_by_hash(endpoint)),
        ("older state", lambda: _older_state(endpoint)),
        ("multicall", lambda: _multicall(endpoint)),
        ("state overrides", lambda: _state_overrides(endpoint)),
        ("block overrides", lambda: _block_overrides(endpoint)),
        ("eth_simulateV1", lambda: _simulate(endpoint)),
        ("rate", lambda: _rate(endpoint, clock, waited)),
    )
    for name, check in checks:
        try:
            yield await check()
        except ChainError as error:
            yield Row(check=name, ok=False, found=error.line(), otherwise="nothing: use another endpoint")


async def _chain_id(endpoint: Endpoint, chain: ChainId) -> Row:
    found = int(await endpoint.call("eth_chainId"), 16)
    wrong = "" if found == chain else f"nothing: {chain} is wanted, correct --chain or --rpc"
    return Row(check="chain id", ok=found == chain, found=str(found), otherwise=wrong)


async def _head_lag(endpoint: Endpoint, clock: Clock) -> Row:
    header = await endpoint.call("eth_getBlockByNumber", "latest", False)
    lag_s = clock.now_ns() // _NS_PER_S - int(header["timestamp"], 16)
    said = f"block {int(header['number'], 16)}, {lag_s} s old"
    late = "trades are decided on old blocks and miss: use another endpoint"
    return Row(check="head lag", ok=lag_s <= _LAG_S or None, found=said, otherwise="" if lag_s <= _LAG_S else late)


async def _subscriptions(endpoint: Endpoint) -> Row:
    polled = "heads are polled; a gap is filled by parent hashes"
    if endpoint.url.startswith("http"):
        found, subscribes = "none over HTTP", False
    else:
        try:
            await endpoint.call("eth_subscribe", "newHeads")
            found, subscribes = "newHeads", True
        except RpcError as error:
            found, subscribes = error.message, False
    heads = await endpoint.heads()
    try:
        async with asyncio.timeout(_HEAD_WITHIN_S):
            header = await heads.receive()
    except TimeoutError:
        return Row(
            check="subscriptions", ok=None, found=f"{found}; no head in {_HEAD_WITHIN_S:.0f} s", otherwise=polled
        )
    said = f"{found}; head {int(header['number'], 16)} came"
    return Row(check="subscriptions", ok=subscribes or None, found=said, otherwise="" if subscribes else polled)


async def _log_ranges(endpoint: Endpoint) -> Row:
    head = int(await endpoint.call("eth_blockNumber"), 16)
    topic = "0x" + keccak(text="Sync(uint112,uint112)").hex()
    for blocks in _LOG_RANGES:
        if blocks > head + 1:
            continue
        try:
            where = {"fromBlock": hex(head + 1 - blocks), "toBlock": hex(head), "topics": [topic]}
            logs = await endpoint.call("eth_getLogs", where)
        except ChainError:
            continue
        whole = blocks == _LOG_RANGES[0] or blocks * 5 > head
        said = f"{blocks} blocks at once ({len(logs)} logs)"
        return Row(
            check="log ranges",
            ok=whole or None,
            found=said,
            otherwise="" if whole else "ranges are halved till they fit",
        )
    return Row(check="log ranges", ok=False, found="not one block", otherwise="nothing: pools cannot be found")


async def _logs_by_hash(endpoint: Endpoint) -> Row:
    header = await endpoint.call("eth_getBlockByNumber", "latest", False)
    logs = await endpoint.call("eth_getLogs", {"blockHash": header["hash"], "topics": []})
    return Row(check="logs by block hash", ok=True, found=f"{len(logs)} logs in the newest block")


async def _older_state(endpoint: Endpoint) -> Row:
    head = int(await endpoint.call("eth_blockNumber"), 16)
    back = min(_BACK_BLOCKS, head)
    try:
        await endpoint.call("eth_getBalance", _NOWHERE, hex(head - back))
    except RpcError as error:
        otherwise = "a fill that is decided late, after a restart, counts as a miss and is marked undecided"
        return Row(check="older state", ok=None, found=error.message, otherwise=otherwise)
    return Row(check="older state", ok=True, found=f"{back} blocks back")


async def _multicall(endpoint: Endpoint) -> Row:
    code = await endpoint.call("eth_getCode", MULTICALL3, "latest")
    none = "nothing: pools are read through it"
    found = f"{len(code) // 2 - 1} bytes at {MULTICALL3}"
    return Row(check="multicall", ok=len(code) > 2, found=found, otherwise="" if len(code) > 2 else none)


async def _state_overrides(endpoint: Endpoint) -> Row:
    found = await _asked(endpoint, "eth_call", {"to": _NOWHERE}, "latest", {_NOWHERE: {"code": _SAYS_ONE}})
    none = "nothing: without them no trade can be simulated on paper"
    ok = _word(found) == _ONE
    return Row(
        check="state overrides", ok=ok, found="code at an address" if ok else found, otherwise="" if ok else none
    )


async def _block_overrides(endpoint: Endpoint) -> Row:
    where: tuple[Json, ...] = ("latest", {_NOWHERE: {"code": _SAYS_TIME}}, {"time": hex(_LATER_S)})
    found = await _asked(endpoint, "eth_call", {"to": _NOWHERE}, *where)
    ok = _word(found) == _LATER_S
    none = "tokens cannot be checked, and none but base_tokens is traded"
    return Row(
        check="block overrides", ok=ok or None, found="time of a call" if ok else found, otherwise="" if ok else none
    )


async def _simulate(endpoint: Endpoint) -> Row:
    step = {"calls": [{"to": _NOWHERE}], "stateOverrides": {_NOWHERE: {"code": _SAYS_ONE}}}
    try:
        answer: Any = await endpoint.call("eth_simulateV1", {"blockStateCalls": [step], "validation": False}, "latest")
        if _word(str(answer[0]["calls"][0]["returnData"])) == _ONE:
            return Row(check="eth_simulateV1", ok=True, found="with state overrides")
        found = "it takes no state overrides"
    except RpcError as error:
        found = error.message
    otherwise = "eth_call and eth_estimateGas: gas is guessed high, of trades that share pools only the first is taken"
    return Row(check="eth_simulateV1", ok=None, found=found, otherwise=otherwise)


async def _rate(endpoint: Endpoint, clock: Clock, waited: Waited) -> Row:
    before, began_ns = waited.rate_limited, clock.monotonic_ns()
    await asyncio.gather(*(endpoint.call("eth_blockNumber") for _ in range(_BURST)))
    took_ms, refused = (clock.monotonic_ns() - began_ns) // 1_000_000, waited.rate_limited - before
    said = f"{_BURST} requests at once in {took_ms} ms, {refused} times refused"
    return Row(
        check="rate", ok=not refused or None, found=said, otherwise="requests wait their turn" if refused else ""
    )


async def _asked(endpoint: Endpoint, method: str, *params: Json) -> str:
    try:
        return str(await endpoint.call(method, *params))
    except RpcError as error:
        return error.message


def _word(raw: str) -> int | None:
    return int(raw, 16) if raw.startswith("0x") and len(raw) == 66 else None
