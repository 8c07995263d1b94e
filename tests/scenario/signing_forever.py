"""A process that signs trades as fast as it can: `python -m tests.scenario.signing_forever STATE STAMPS [SOCKET]`.

With SOCKET it serves a signer there and another thread asks it; without, the signer is asked in this process.
"""

from __future__ import annotations

import sys
from pathlib import Path

from engine.domain.errors import SigningRefused
from engine.domain.ports import Signs
from engine.journal.journal import JOURNAL_FILE, Journal
from engine.risk.halt import signing_halted
from engine.signer_process import halted_now
from tests.scenario.stamping_engine import stamp_signatures
from tests.unit.execution.test_signer import approved, signer


def sign_until_killed(holder: Signs) -> None:
    """Sign, and try again after a refusal: a signer that forgot a halt would be seen."""
    given, nonce = approved(), 0
    while True:
        try:
            holder.sign_trade(given, intent_id="i", nonce=nonce)
            nonce += 1
        except SigningRefused:
            continue


if __name__ == "__main__":
    state = Path(sys.argv[1])
    stamp_signatures(sys.argv[2])
    if len(sys.argv) > 3:
        from tests.unit.execution.signer_sockets import remote, served

        with served(state, signer(lambda: halted_now(state))) as path:
            sign_until_killed(remote(path))
    else:
        with Journal.open(state / JOURNAL_FILE) as journal:
            sign_until_killed(signer(lambda: signing_halted(journal, state)))
