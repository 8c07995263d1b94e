"""JSON-RPC to the local node, over one kept connection."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import httpx
import msgspec

from engine.domain.errors import DevnetError

TIMEOUT_S = 60.0


class NodeGone(DevnetError):
    """the local node no longer answers"""


class NodeRefused(DevnetError):
    """the local node refused a request"""


class Rpc:
    """A node's JSON-RPC. `call` asks one question, `batch` many in one request; answers keep the questions' order.

    Both raise `NodeGone` when nobody answers and `NodeRefused` when the answer is an error.
    """

    __slots__ = ("_client", "url")

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(timeout=TIMEOUT_S, trust_env=False)

    def call(self, method: str, *params: Any) -> Any:
        """Ask for one `method` and return its result."""
        return self._result(self._post({"jsonrpc": "2.0", "id": 0, "method": method, "params": params}), method)

    def batch(self, calls: Sequence[tuple[str, list[Any]]]) -> list[Any]:
        """Ask all `calls` in one request. The node takes them up in order, yet may interleave their work."""
        answers = self._answers(calls)
        return [self._result(answer, call[0]) for answer, call in zip(answers, calls, strict=True)]

    def eth_call(self, to: str, data: bytes, block: str = "latest") -> bytes:
        """Call a contract and return what it returns; raises `NodeRefused` when it reverts."""
        return bytes.fromhex(self.call("eth_call", {"to": to, "data": hex_of(data)}, block)[2:])

    def eth_calls(self, calls: Sequence[tuple[str, bytes]], block: str = "latest") -> list[bytes]:
        """Make many contract calls in one request."""
        asked = [("eth_call", [{"to": to, "data": hex_of(data)}, block]) for to, data in calls]
        return [bytes.fromhex(answer[2:]) for answer in self.batch(asked)]

    def try_eth_calls(self, calls: Sequence[tuple[str, bytes]], block: str = "latest") -> list[bytes | NodeRefused]:
        """Make many contract calls in one request; those that revert give their error in place of an answer."""
        asked = [("eth_call", [{"to": to, "data": hex_of(data)}, block]) for to, data in calls]
        return [
            NodeRefused("the call reverted", measured=answer["error"].get("message"))
            if "error" in answer
            else bytes.fromhex(answer["result"][2:])
            for answer in self._answers(asked)
        ]

    def block_number(self) -> int:
        """Return the head's number."""
        return int(self.call("eth_blockNumber"), 16)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _answers(self, calls: Sequence[tuple[str, list[Any]]]) -> list[dict[str, Any]]:
        if not calls:
            return []
        body = [{"jsonrpc": "2.0", "id": i, "method": m, "params": p} for i, (m, p) in enumerate(calls)]
        return sorted(self._post(body), key=lambda answer: answer["id"])

    def _post(self, body: object) -> Any:
        try:
            answer = self._client.post(
                self.url, content=msgspec.json.encode(body), headers={"content-type": "application/json"}
            )
        except httpx.TransportError as gone:
            raise NodeGone(measured=f"{type(gone).__name__} at {self.url}") from gone
        return msgspec.json.decode(answer.content)

    @staticmethod
    def _result(answer: dict[str, Any], method: str) -> Any:
        if "error" in answer:
            raise NodeRefused(f"the local node refused {method}", measured=answer["error"].get("message"))
        return answer["result"]


def hex_of(data: bytes) -> str:
    """Spell bytes as 0x and hexadecimal digits."""
    return "0x" + data.hex()
