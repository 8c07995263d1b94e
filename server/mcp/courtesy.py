"""Ask a client whether to go on, before one of its trades is left waiting for the operator.

A yes consents to nothing: the trade waits all the same. Everything that is not a yes in time spends the ticket on
nothing. A client that cannot be asked is not, and a client of the stateless era that never comes back has done nothing.
"""

from collections.abc import Mapping
from typing import Any

import anyio
from mcp.server.mcpserver.context import Context
from mcp.shared.exceptions import MCPError
from mcp.types import ElicitRequest, ElicitRequestFormParams, ElicitResult, InputRequiredResult
from pydantic import ValidationError

from engine.courtesy import Declined
from engine.facade import Answer
from tools.spec import Ask

STATELESS_ERA = "2026-07-28"
QUESTION = "go_on"
NOTHING_TO_FILL_IN: dict[str, Any] = {"type": "object", "properties": {}}
_SAID: Mapping[str, Declined | None] = {"accept": None, "decline": "declined", "cancel": "cancelled"}


async def asked(
    context: Context[Any, Any], ask: Ask, given: Mapping[str, Any]
) -> Declined | InputRequiredResult | None:
    """Ask, when the trade would wait and the client can be asked: how it did not say yes, or what it must be asked
    first. Raises the engine's `ControlError`.
    """
    if not _can_be_asked(context):
        return None
    waits = await ask("awaiting", given)
    if not waits["waits"]:
        return None
    if (context.protocol_version or "") >= STATELESS_ERA:
        answer = (context.input_responses or {}).get(QUESTION)
        if answer is None:
            return InputRequiredResult(input_requests={QUESTION: ElicitRequest(params=_question(waits))})
        return _SAID[answer.action] if isinstance(answer, ElicitResult) else "unintelligible"
    return await _answered(context, waits)


def declining(ask: Ask, how: Declined) -> Ask:
    """Make an `ask` that spends the ticket on nothing."""

    async def declined(method: str, params: Mapping[str, Any]) -> Answer:
        return await ask(method, {**params, "declined": how})

    return declined


async def _answered(context: Context[Any, Any], waits: Answer) -> Declined | None:
    question = _question(waits)
    said: Declined | None = "unanswered"
    with anyio.move_on_after(waits["ask_s"]):
        try:
            answer = await context.session.elicit_form(
                question.message, question.requested_schema, related_request_id=context.request_context.request_id
            )
            said = _SAID[answer.action]
        except (MCPError, ValidationError):
            said = "unintelligible"
    return said


def _can_be_asked(context: Context[Any, Any]) -> bool:
    declared = context.client_capabilities
    elicitation = declared.elicitation if declared is not None else None
    if elicitation is None or (elicitation.form is None and elicitation.url is not None):
        return False
    return (context.protocol_version or "") >= STATELESS_ERA or context.session.can_send_request


def _question(waits: Answer) -> ElicitRequestFormParams:
    return ElicitRequestFormParams(
        message=(
            f"{waits['what']}. It is worth {waits['notional']['human']} of the native coin, more than the "
            f"{waits['limit']['human']} above which the operator decides. Yes leaves it waiting for the operator's "
            "signature and signs nothing; no gives it up."
        ),
        requested_schema=NOTHING_TO_FILL_IN,
    )
