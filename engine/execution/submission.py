"""Send signed bytes, each by the door that its intent names. Only bytes that are already on disk come here.

Whatever sends or sends again calls `send_all`: it alone picks the door, from the submission's own record.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.chains.abi import hex_data
from engine.chains.endpoints import Endpoint, RpcError
from engine.domain.decision import Door, Submission
from engine.domain.errors import ChainError
from engine.domain.units import BlockRef

_ALREADY_THERE = ("already known", "already imported", "known transaction", "nonce too low")
RESEND_AFTER_BLOCKS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """The ways out. `for_trades` is the one that new trades are written down with; sweeps are always public."""

    public: Endpoint
    for_trades: Door = "public"


async def send_all(doors: Doors, submissions: Sequence[Submission], head: BlockRef) -> dict[str, str]:
    """Send in nonce order; return intent id -> why, for those that nobody would take or that nobody answered for.

    What was signed is open whatever happens here, so nothing is raised: it is sent again, and the chain says how it
    ended. Bytes written down as private never reach the public endpoint.
    """
    unsent: dict[str, str] = {}
    for submission in sorted(submissions, key=lambda s: s.nonce):
        if submission.door == "public":
            why = await _send_public(doors.public, submission)
        else:
            why = "it may only go to a private relay, and none is set"
        if why is not None:
            unsent[submission.intent_id] = why
    return unsent


def due(submission: Submission, head: BlockRef) -> bool:
    """Say whether an open submission is to be sent again at `head`: a node may have dropped it."""
    return submission.submitted_block + RESEND_AFTER_BLOCKS < head.number


async def _send_public(endpoint: Endpoint, submission: Submission) -> str | None:
    """Send to everybody; return why the node refused it or did not answer, or None when the node has it."""
    try:
        await endpoint.call("eth_sendRawTransaction", hex_data(submission.raw_tx))
    except RpcError as error:
        if any(text in error.message.lower() for text in _ALREADY_THERE):
            return None
        return error.message
    except ChainError as error:
        return error.line()
    return None
