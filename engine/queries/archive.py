"""What the archive's stores answer, and notes: what agents write, in the journal before anybody hears that it is."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from engine.domain.errors import ControlError
from engine.journal.canonical import Body
from engine.params import Params
from engine.principals import Principal
from engine.queries.running import Answer, Running

_LATER: Final = ("archive_away", "archive_behind", "no_answer")

Method = Callable[[Running, Any, Principal], Awaitable[Answer]]


def forwarded(store: str, question: str) -> Method:
    """Make a method that asks a store, which has seen every note that was acknowledged."""

    async def answer(engine: Running, params: Params, principal: Principal) -> Answer:
        asked = params.model_dump(mode="json", by_alias=True)
        return await engine.archive.ask(store, question, asked, at_least=engine.notes.newest)

    return answer


def noting(store: str, tool: str) -> Method:
    """Make a method that writes its parameters down as a note and answers what came of it."""

    async def answer(engine: Running, params: Params, principal: Principal) -> Answer:
        return await noted(engine, principal, store, tool, params.model_dump(mode="json", by_alias=True))

    return answer


async def noted(engine: Running, principal: Principal, store: str, tool: str, asked: Body) -> Answer:
    """Write a note and answer what came of it; raises `ControlError` where that was refused, or is not known yet."""
    await engine.archive.check()
    operator = principal.role == "operator"
    seq = await engine.notes.write(principal.id, store=store, tool=tool, asked=asked, unmetered=operator)
    engine.composition.publish({"event": "noted", "store": store, "tool": tool, "seq": seq})
    try:
        return await engine.archive.ask(store, "result", {"seq": seq}, at_least=seq)
    except ControlError as error:
        if error.code not in _LATER:
            raise
        raise ControlError(
            f"it is written down as entry {seq}; what came of it is not known yet",
            next_step="do not write it again: read it in a few seconds",
            code="written",
        ) from error
