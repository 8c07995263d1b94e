"""A chain with accounts laid over it that are not there, and no way out: what is sent is taken, never passed on."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from anyio.streams.memory import MemoryObjectReceiveStream
from eth_utils.crypto import keccak
from typing_extensions import override

from engine.chains.endpoints import Endpoint, Json, Request
from engine.domain.errors import ChainError
from engine.domain.units import Address

Account = Mapping[str, Json]
"""What is laid over one address, in JSON-RPC's own words: `code`, `balance`, `stateDiff`."""

READS = frozenset(
    (
        *("eth_chainId", "eth_blockNumber", "eth_getBlockByNumber", "eth_getBlockByHash", "eth_getBlockReceipts"),
        *("eth_getLogs", "eth_getTransactionReceipt", "eth_getTransactionByHash", "eth_feeHistory", "eth_gasPrice"),
        *("eth_getStorageAt", "eth_getProof", "eth_subscribe", "eth_syncing", "web3_clientVersion"),
        *("debug_traceTransaction", "debug_traceBlockByHash", "trace_block", "trace_transaction"),
    )
)
"""What is passed on as it is asked; everything else is answered here or refused."""
_CALLS = frozenset(("eth_call", "eth_estimateGas"))
_OF_ACCOUNTS = frozenset(("eth_getTransactionCount", "eth_getCode", "eth_getBalance"))
_STANDING = 32


class Overlay(Endpoint):
    """An endpoint beneath, and over it `accounts`; `operator` is the one whose transactions are counted here.

    Calls that name one of the accounts see all of them. `standing` are calls of the operator that are run before every
    simulation: what was taken on paper is gone there too. One that reverts has nothing left to take and is forgotten.
    """

    def __init__(
        self, beneath: Endpoint, *, accounts: Mapping[Address, Account], operator: Address, count: Callable[[], int]
    ) -> None:
        super().__init__(beneath.url)
        self._beneath = beneath
        self._accounts = {address: dict(account) for address, account in accounts.items()}
        self._names = [address[2:] for address in self._accounts]
        self._operator = operator
        self.count = count
        self.standing: deque[Json] = deque(maxlen=_STANDING)

    @override
    async def call(self, method: str, *params: Json) -> Json:
        """Answer one request. Raises as an endpoint does, and `ChainError` for what would leave the machine."""
        known, answer = self._answered(method, params)
        if known:
            return answer
        if method == "eth_simulateV1":
            return await self._simulated(params)
        return await self._beneath.call(method, *self._laid_over(method, params))

    @override
    async def batch(self, requests: Sequence[Request]) -> list[Json]:
        """Answer requests in their order; what goes beneath goes in one message."""
        answers: dict[int, Json] = {}
        passed: list[tuple[int, Request]] = []
        for at, (method, params) in enumerate(requests):
            known, answer = self._answered(method, params)
            if known:
                answers[at] = answer
            else:
                passed.append((at, (method, self._laid_over(method, params))))
        found = await self._beneath.batch([request for _, request in passed])
        answers |= {at: answer for (at, _), answer in zip(passed, found, strict=True)}
        return [answers[at] for at in range(len(requests))]

    @override
    async def heads(self) -> MemoryObjectReceiveStream[Json]:
        """Follow the heads of the endpoint beneath."""
        return await self._beneath.heads()

    def _answered(self, method: str, params: Sequence[Json]) -> tuple[bool, Json]:
        """Answer what concerns the accounts alone: (True, answer), else (False, None)."""
        if method == "eth_sendRawTransaction":
            return True, "0x" + keccak(hexstr=params[0]).hex()
        whose = str(params[0]).lower() if params and isinstance(params[0], str) else ""
        laid = self._accounts.get(Address(whose), {})
        if method == "eth_getTransactionCount" and whose == self._operator:
            return True, hex(self.count())
        if method == "eth_getCode" and "code" in laid:
            return True, laid["code"]
        if method == "eth_getBalance" and "balance" in laid:
            return True, laid["balance"]
        return False, None

    def _laid_over(self, method: str, params: Sequence[Json]) -> Sequence[Json]:
        if method in READS | _OF_ACCOUNTS:
            return params
        if method not in _CALLS:
            raise ChainError(
                f"{method} does not leave this engine: it trades on paper",
                next_step="nothing is ever sent from this profile",
            )
        asked = dict(params[0])
        named = " ".join(str(asked.get(name, "")) for name in ("from", "to", "data", "input")).lower()
        if not any(name in named for name in self._names):
            return params
        where: Json = params[1] if len(params) > 1 else "latest"
        given: Mapping[str, Account] = params[2] if len(params) > 2 else {}
        return [asked, where, self._merged(given), *params[3:]]

    def _merged(self, given: Mapping[str, Account]) -> dict[str, Account]:
        """Lay `given` over the accounts: whoever asks about an address itself has the last word."""
        return {**self._accounts, **{a: {**self._accounts.get(Address(a), {}), **laid} for a, laid in given.items()}}

    async def _simulated(self, params: Sequence[Json]) -> Json:
        first, *others = params[0]["blockStateCalls"]
        standing = list(self.standing)
        step = {
            **first,
            "calls": [*standing, *first.get("calls", ())],
            "stateOverrides": self._merged(first.get("stateOverrides") or {}),
        }
        body = {**params[0], "blockStateCalls": [step, *others]}
        answer: list[dict[str, Any]] = await self._beneath.call("eth_simulateV1", body, *params[1:])
        calls = answer[0]["calls"]
        for one, result in zip(standing, calls, strict=False):
            if int(result["status"], 16) != 1 and one in self.standing:
                self.standing.remove(one)
        return [{**answer[0], "calls": calls[len(standing) :]}, *answer[1:]]
