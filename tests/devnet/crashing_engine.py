"""An engine that is killed between the commit of an intent and its sending: `python -m tests.devnet.crashing_engine`.

It prints {"signed": [...]} once the intent is on disk, and then hangs where it would send, until it is killed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import anyio

from engine import desk
from engine.app import run_engine
from engine.config import load
from engine.domain.decision import Submission
from engine.domain.units import BlockRef
from engine.execution.submission import Doors


async def _hang(
    doors: Doors, submissions: Sequence[Submission], head: BlockRef, *, still_open: Sequence[Submission] = ()
) -> dict[str, str]:
    if submissions:
        print(json.dumps({"signed": [s.tx_hash for s in submissions]}), flush=True)
        await anyio.sleep_forever()
    return {}


async def run_devnet(state: Path) -> None:
    settings = load(state, environ={}, given={"profile": "devnet"})
    await run_engine(
        settings,
        state=state,
        trades=None,
        on_event=lambda event: print(json.dumps({"event": event["event"]}), flush=True),
        stop=anyio.Event(),
        passphrase=lambda: "",
    )


if __name__ == "__main__":
    desk.send_all = _hang
    anyio.run(run_devnet, Path(sys.argv[1]))
