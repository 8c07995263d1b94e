"""An engine that hangs between an agent's trade and its answer: `python -m tests.devnet.unanswering_engine STATE`.

The trade is sent by then, and what was said of it is neither on disk nor said. It hangs until it is killed.
"""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

import anyio

from engine.agent_trades import AgentTrades
from tests.devnet.crashing_engine import run_devnet


def _hang(_self: AgentTrades, _command: str, answer: dict[str, Any], _waiting: object) -> None:
    print(json.dumps({"unsaid": answer}), flush=True)
    while True:
        signal.pause()


if __name__ == "__main__":
    AgentTrades._remember = _hang  # type: ignore[assignment,method-assign]
    anyio.run(run_devnet, Path(sys.argv[1]))
