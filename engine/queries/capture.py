"""What the engine took in of late, as a cassette: cut out of the recorder's ring in a thread beside the loop."""

import base64
from functools import partial
from typing import Annotated

import anyio
from pydantic import Field

from engine.domain.errors import ControlError
from engine.journal.ancestry import at_place, outcome_of
from engine.journal.journal import JOURNAL_FILE
from engine.params import Name, Params
from engine.principals import Principal
from engine.queries.running import Answer, Running
from engine.replay.cutting import cassette_of

Blocks = Annotated[int, Field(ge=1, le=10_000)]


class CaptureParams(Params):
    """The last `blocks` blocks; with a trade or a block, those and as many on either side."""

    blocks: Blocks = 200
    trade: Name | None = None
    block: int | None = Field(default=None, ge=0)


async def capture(engine: Running, params: CaptureParams, principal: Principal) -> Answer:
    """Cut a cassette; raises `ControlError` when the ring no longer has the blocks, or records nothing."""
    recorder, head = engine.composition.recorder, engine.composition.loop.market.head
    if recorder is None:
        raise ControlError(
            "nothing is recorded",
            measured=f"profile {engine.settings.profile}, recording.max_bytes {engine.settings.recording.max_bytes}",
            next_step="set recording.max_bytes and restart; profile paper is not recorded",
        )
    first, last = head.number - params.blocks + 1, None
    if params.trade is not None or params.block is not None:
        first, last = _around(engine, params)
    elif recorder.first_block is not None:
        first = max(first, recorder.first_block)
    taken = recorder.since(first, last)
    if taken is None:
        raise ControlError(
            "the ring does not hold these blocks",
            measured=f"from block {first}",
            limit=f"from block {recorder.first_block} to {head.number}",
            next_step="ask for later ones, or raise recording.max_bytes",
            code="not_found",
        )
    settings = engine.composition.settings
    cut = partial(cassette_of, taken, journal_file=engine.state / JOURNAL_FILE, settings=settings)
    data = await anyio.to_thread.run_sync(cut)
    return {
        "from_block": taken.segment.head.number + 1,
        "to_block": taken.to_block,
        "items": len(taken.items),
        "bytes": len(data),
        "cassette": base64.b64encode(data).decode("ascii"),
    }


def _around(engine: Running, params: CaptureParams) -> tuple[int, int]:
    """Name the first and the last block of what surrounds a trade or a block."""
    if params.trade is None:
        at = params.block or 0
        return at - params.blocks, at + params.blocks
    journal = engine.composition.journal
    intent = at_place(journal, "intent", params.trade)
    if intent is None:
        raise ControlError(
            "there is no such trade",
            measured=params.trade,
            next_step="take its id from ketch trades",
            code="not_found",
        )
    began = int(intent.body["submitted_block"])
    outcome = outcome_of(journal, params.trade)
    ended = outcome.body["block"] if outcome is not None else None
    return began - params.blocks, (int(ended["number"]) if ended else began) + params.blocks
