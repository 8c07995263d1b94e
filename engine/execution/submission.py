"""Send signed bytes. Only bytes that are already on disk come here."""

from collections.abc import Sequence

from engine.chains.abi import hex_data
from engine.chains.endpoints import Endpoint, RpcError
from engine.domain.decision import Submission

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
    """Send in nonce order; return intent id -> refusal for those that the node would not take."""
    refused: dict[str, str] = {}
    for submission in sorted(submissions, key=lambda s: s.nonce):
        why = await send(endpoint, submission)
        if why is not None:
            refused[submission.intent_id] = why
    return refused
