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
from engine.execution.private import PrivateRelays

_ALREADY_THERE = ("already known", "already imported", "known transaction", "nonce too low")


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """The ways out. `for_trades` is the one that new trades are written down with; sweeps are always public."""

    public: Endpoint
    private: PrivateRelays | None = None
    fall_back_to_public: bool = False

    @property
    def for_trades(self) -> Door:
        if self.private is None:
            return "public"
        return "private_then_public" if self.fall_back_to_public else "private"


async def send_all(
    doors: Doors, submissions: Sequence[Submission], head: BlockRef, *, still_open: Sequence[Submission] = ()
) -> dict[str, str]:
    """Send in nonce order; return intent id -> why, for those that nobody would take or that nobody answered for.

    What was signed is open whatever happens here, so nothing is raised: it is sent again, and the chain says how it
    ended. Bytes written down as private never reach the public endpoint. `still_open` is what was sent before.
    """
    ordered = sorted(submissions, key=lambda s: s.nonce)
    everything = sorted({s.intent_id: s for s in (*still_open, *ordered)}.values(), key=lambda s: s.nonce)
    unsent: dict[str, str] = {}
    for submission in ordered:
        if submission.door == "public":
            why = await _send_public(doors.public, submission)
        else:
            before = [s for s in everything if s.nonce < submission.nonce and s.door != "public"]
            why = await _send_private(doors, submission, before, head)
        if why is not None:
            unsent[submission.intent_id] = why
    return unsent


async def _send_private(
    doors: Doors, submission: Submission, before: Sequence[Submission], head: BlockRef
) -> str | None:
    """Offer to the relays; to everybody only when no relay takes it, and both its record and the settings allow it."""
    if doors.private is None:
        why: str | None = "it may only go to a private relay, and none is set"
    else:
        why = await doors.private.offer(submission, before, head)
    if why is not None and submission.door == "private_then_public" and doors.fall_back_to_public:
        return await _send_public(doors.public, submission)
    return why


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
