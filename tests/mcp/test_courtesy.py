"""The courtesy question: who is asked, and that every answer but a yes in time gives the trade up."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.types import ElicitRequestParams, ElicitResult, ErrorData

from server.mcp.build import build_server
from tests.mcp.clients import ERAS, WEI, Canned, answered

LEGACY, STATELESS = ERAS
SPEND = {"ticket": "t" * 32, "idempotency_key": "k"}
WAITING = {
    "awaiting": {"waits": True, "what": "swap A into B", "notional": WEI, "limit": WEI, "ask_s": 0.2},
    "execute_trade": {"status": "waiting", "next_step": "the operator decides"},
}


def spent(facade: Canned, era: str, answer: Any) -> tuple[dict[str, Any], list[str]]:
    """Spend a ticket through a client that answers so: what was asked of the engine, and what the client was told."""
    questions: list[str] = []

    async def callback(context: Any, params: ElicitRequestParams) -> ElicitResult | ErrorData:
        questions.append(params.message)
        if isinstance(answer, float):
            await anyio.sleep(answer)
            return ElicitResult(action="accept", content={})
        return answer

    async def run() -> None:
        server = build_server(facade)
        async with Client(server, mode=era, elicitation_callback=callback if answer else None) as client:
            answered(await client.call_tool("execute_trade", SPEND))

    anyio.run(run)
    ((_, params),) = [asked for asked in facade.asked if asked[0] == "execute_trade"]
    return dict(params), questions


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(("action", "declined"), [("accept", None), ("decline", "declined"), ("cancel", "cancelled")])
def test_a_client_that_can_be_asked_is_asked_in_plain_words_once(era: str, action: Any, declined: str | None) -> None:
    params, questions = spent(Canned(WAITING, role="trader"), era, ElicitResult(action=action, content={}))
    assert params == SPEND | ({"declined": declined} if declined else {})
    (question,) = questions
    assert question.startswith("swap A into B. It is worth 0.000000000000000001 of the native coin")
    assert "signs nothing" in question


@pytest.mark.parametrize("era", ERAS)
def test_a_client_that_cannot_be_asked_is_not(era: str) -> None:
    facade = Canned(WAITING, role="trader")
    assert spent(facade, era, None) == (SPEND, [])
    assert "awaiting" not in [method for method, _ in facade.asked]


@pytest.mark.parametrize("era", ERAS)
def test_a_trade_that_would_not_wait_is_nobodys_question(era: str) -> None:
    facade = Canned(WAITING | {"awaiting": {"waits": False}}, role="trader")
    assert spent(facade, era, ElicitResult(action="decline")) == (SPEND, [])


def test_a_yes_that_comes_too_late_and_an_error_give_the_trade_up() -> None:
    late, _ = spent(Canned(WAITING, role="trader"), LEGACY, 30.0)
    assert late["declined"] == "unanswered"
    error, _ = spent(Canned(WAITING, role="trader"), LEGACY, ErrorData(code=-32000, message="no screen"))
    assert error["declined"] == "unintelligible"


def test_a_stateless_client_that_never_comes_back_has_done_nothing() -> None:
    facade = Canned(WAITING, role="trader")

    async def never(context: Any, params: Any) -> ElicitResult:
        await anyio.sleep_forever()
        raise AssertionError

    async def run() -> None:
        async with Client(build_server(facade), mode=STATELESS, elicitation_callback=never) as client:
            with anyio.move_on_after(0.5):
                await client.call_tool("execute_trade", SPEND)

    anyio.run(run)
    assert [method for method, _ in facade.asked] == ["awaiting"]
