"""Ask a node in batches, over plain JSON-RPC: the checker shares no client with the engine that it checks."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx

BATCH = 100
TIMEOUT_S = 20.0

Call = tuple[str, Sequence[Any]]


class NotReached(Exception):
    """The node gives no answer, or none that can be used."""


class Rpc:
    """A node. Every method raises `NotReached` when it does not answer."""

    def __init__(self, client: httpx.Client, url: str) -> None:
        self._client = client
        self._url = url

    def ask(self, calls: Sequence[Call]) -> list[Any]:
        """Return the result of every call; a call that the node refuses raises."""
        answers = self.try_ask(calls)
        for (method, _), answer in zip(calls, answers, strict=True):
            if "result" not in answer:
                raise NotReached(f"{method}: {answer.get('error')}")
        return [answer["result"] for answer in answers]

    def try_ask(self, calls: Sequence[Call]) -> list[dict[str, Any]]:
        """Return every call's answer, with `result` or `error`."""
        return [answer for at in range(0, len(calls), BATCH) for answer in self._post(calls[at : at + BATCH])]

    def one(self, method: str, *params: Any) -> Any:
        """Return one call's result."""
        return self.ask([(method, params)])[0]

    def _post(self, calls: Sequence[Call]) -> list[dict[str, Any]]:
        asked = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}
            for number, (method, params) in enumerate(calls)
        ]
        try:
            answer = self._client.post(self._url, json=asked)
            answer.raise_for_status()
            by_id = {each["id"]: each for each in answer.json()}
            return [by_id[number] for number in range(len(calls))]
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as fault:
            raise NotReached(f"{self._url}: {fault or type(fault).__name__}") from fault


@contextmanager
def node_at(url: str) -> Generator[Rpc]:
    """Open a node for as long as the check takes."""
    with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as client:
        yield Rpc(client, url)
