"""An endpoint that answers from a recording, by method and parameters, and never opens a connection."""

from collections import defaultdict, deque
from collections.abc import Callable, Sequence

import msgspec

from engine.chains.endpoints import Endpoint, Json, Requests, RpcError
from engine.domain.errors import ChainError

NOT_RECORDED = -32099
"""The code of the refusal for what nobody asked then, within JSON-RPC's range for servers."""

Recorded = tuple[Requests, Sequence[Json] | None]
"""An exchange: requests, and each answer's result or error; None when the node did not answer."""
Beyond = Callable[[str, Sequence[Json]], Json]
"""Answers what was not recorded with a result, or raises `RpcError`."""


def refuse(method: str, params: Sequence[Json]) -> Json:
    """Refuse what was not recorded."""
    raise RpcError(method, NOT_RECORDED, "this was not asked when the cassette was recorded", None)


class RecordedEndpoint(Endpoint):
    """Answers what was asked while one item was taken in; `beyond` answers the rest, and `missed` names it."""

    def __init__(self, beyond: Beyond = refuse) -> None:
        super().__init__("ws://recorded.invalid")
        self.beyond = beyond
        self.missed: list[str] = []
        self._together: defaultdict[bytes, deque[Sequence[Json] | None]] = defaultdict(deque)
        self._alone: dict[bytes, Json] = {}

    def load(self, recorded: Sequence[Recorded]) -> None:
        """Take up what was asked and answered while the next item was taken in; forget the one before."""
        self.missed = []
        self._together.clear()
        self._alone.clear()
        for requests, answers in recorded:
            self._together[_key(requests)].append(answers)
            for request, answer in zip(requests, answers or (), strict=False):
                self._alone[_key([request])] = answer

    async def _exchange(self, requests: Requests) -> list[Json]:
        """Answer as then, in the order of then where a question came more than once."""
        answers = self._together.get(_key(requests))
        if answers:
            found = answers[0] if len(answers) == 1 else answers.popleft()
            if found is None:
                raise ChainError("the node did not answer when this was recorded")
            return list(found)
        return [self._one(method, params) for method, params in requests]

    def _one(self, method: str, params: Sequence[Json]) -> Json:
        found = self._alone.get(_key([(method, params)]))
        if found is not None:
            return found
        self.missed.append(method)
        try:
            return {"result": self.beyond(method, params)}
        except RpcError as error:
            return {"error": {"code": error.code, "message": error.message, "data": error.data}}


def _key(requests: Requests) -> bytes:
    return msgspec.json.encode([[method, list(params)] for method, params in requests])
