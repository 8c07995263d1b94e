"""An endpoint that answers from a recording, by method and parameters, and never opens a connection."""

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from typing import NoReturn

import msgspec

from engine.chains.endpoints import Endpoint, Json, Requests, RpcError
from engine.domain.errors import ChainError

NOT_RECORDED = -32099
"""The code of the refusal for what nobody asked then, within JSON-RPC's range for servers."""

REFUSED = "refused"

Recorded = tuple[Requests, Sequence[Json] | None]
"""An exchange: requests, and each answer's result or error; None when the node did not answer."""
Beyond = Callable[[str, Sequence[Json]], tuple[Json, str]]
"""Answers what was not recorded with a result and how it came about, or raises `RpcError`."""
Aside = Callable[[str, Sequence[Json]], Json]
"""Answers what must not come from the recording, as a whole answer; None for what may."""


def refuse(method: str, params: Sequence[Json]) -> NoReturn:
    """Refuse what was not recorded."""
    raise RpcError(method, NOT_RECORDED, "this was not asked when the cassette was recorded", None)


class RecordedEndpoint(Endpoint):
    """Answers what was asked while one item was taken in; `beyond` answers the rest, and `missed` says what and how.

    `aside` is asked first, of everything.
    """

    def __init__(self, beyond: Beyond = refuse, aside: Aside | None = None) -> None:
        super().__init__("ws://recorded.invalid")
        self.beyond = beyond
        self.aside: Aside = aside or nothing_aside
        self.missed: list[str] = []
        self._together: defaultdict[bytes, deque[Sequence[Json] | None]] = defaultdict(deque)
        self._alone: dict[bytes, Json] = {}

    @property
    def refusals(self) -> int:
        """Count what nothing in the recording answers, of this item."""
        return sum(one.endswith(REFUSED) for one in self.missed)

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
        aside = [self.aside(method, params) for method, params in requests]
        answers = self._together.get(_key(requests))
        if answers and all(one is None for one in aside):
            found = answers[0] if len(answers) == 1 else answers.popleft()
            if found is None:
                raise ChainError("the node did not answer when this was recorded")
            return list(found)
        return [
            self._one(method, params) if own is None else own
            for own, (method, params) in zip(aside, requests, strict=True)
        ]

    def _one(self, method: str, params: Sequence[Json]) -> Json:
        found = self._alone.get(_key([(method, params)]))
        if found is not None:
            return found
        try:
            result, how = self.beyond(method, params)
            self.missed.append(f"{method}: {how}")
            return {"result": result}
        except RpcError as error:
            self.missed.append(f"{method}: {REFUSED if error.code == NOT_RECORDED else error.message}")
            return {"error": {"code": error.code, "message": error.message, "data": error.data}}


def nothing_aside(method: str, params: Sequence[Json]) -> Json:
    """Leave everything to the recording."""
    return None


def _key(requests: Requests) -> bytes:
    return msgspec.json.encode([[method, list(params)] for method, params in requests])
