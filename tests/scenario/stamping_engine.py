"""An engine that says when it signs: `python -m tests.scenario.stamping_engine STATE STAMPS`.

Each signature of the hot key is a line in STAMPS, nanoseconds since the epoch, taken once the signature is made.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from engine.execution.wallet import Signer
from server.cli import main


def stamp_signatures(file: str) -> None:
    """Have every signature of this process written down; one write a line, so that a kill loses none."""
    stamps = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    sign = Signer._signed

    def stamped(self: Signer, *given: Any, **named: Any) -> bytes:
        signed = sign(self, *given, **named)
        os.write(stamps, b"%d\n" % time.time_ns())
        return signed

    Signer._signed = stamped


if __name__ == "__main__":
    stamp_signatures(sys.argv[2])
    command = sys.argv[3:] or ["up", "--events", "--no-mcp"]
    main([*command, "--profile", "devnet", "--state", sys.argv[1]])
