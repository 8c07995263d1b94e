"""Send signed bytes. Only bytes that are already on disk come here."""

from collections.abc import Sequence

from engine.chains.abi import hex_data
from engine.chains.endpoints import Endpoint, RpcError
from engine.domain.decision import Submission
from engine.domain.errors import ChainError

_ALREADY_THERE = ("already known", "already imported", "known transaction", "nonce too low")


async def send(endpoint: Endpoint, submission: Submission) -> str | None:
    """Send one submission; return why the node refused it, or None when the node has it.

    A refusal is no outcome: the intent stays open, and the same bytes are sent again until the chain says how it
    ended. Raises `ChainError` when the node does not answer, which is no outcome either.
    """
    try:
        await endpoint.call("eth_sendRawTransaction", hex_data(submission.raw_tx))
    except RpcError as error:
        if any(text in error.message.lower() for text in _ALREADY_THERE):
            return None
        return error.message
    return None


async def send_all(endpoint: Endpoint, submissions: Sequence[Submission]) -> dict[str, str]:
    """Send in nonce order; return intent id -> why, for those that the node would not take or did not answer for.

    What was signed is open whatever happens here, so nothing is raised: it is sent again, and the chain says how it
    ended.
    """
    unsent: dict[str, str] = {}
    for submission in sorted(submissions, key=lambda s: s.nonce):
        try:
            why = await send(endpoint, submission)
        except ChainError as error:
            why = error.line()
        if why is not None:
            unsent[submission.intent_id] = why
    return unsent
