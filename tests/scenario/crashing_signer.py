"""A command whose first signature is a bug: `python -m tests.scenario.crashing_signer up …`."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

from engine.execution import wallet
from server.cli import main


def _fails(raw: bytes, wanted: dict[str, Any]) -> NoReturn:
    raise RuntimeError(f"a fault within signing, of {len(raw)} bytes")


if __name__ == "__main__":
    wallet._compare = _fails
    main(sys.argv[1:])
