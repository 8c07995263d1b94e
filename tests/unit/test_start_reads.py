"""A start after a month takes no longer than one after a minute: what it reads of the journal does not grow with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from engine.chains.heads import HISTORY_BLOCKS
from engine.domain.outcome import Filled
from engine.gas_seen import GasSeen
from engine.journal.journal import JOURNAL_FILE, Journal
from engine.journal.records import record_decision, record_intent, record_outcome, record_proof, record_request
from engine.knowledge.prior import Experience
from engine.replacing import cancel_asked
from engine.settling import left_open, mined_lately
from tests.unit import journal_stubs as stub


def trade(journal: Journal, number: int, *, ends: bool = True) -> None:
    """Write a whole trade, mined in the block of its number."""
    record_request(journal, stub.request(number))
    record_proof(journal, stub.proof(number))
    record_decision(journal, stub.approved(number))
    sent = replace(stub.submission(number), nonce=number)
    record_intent(journal, sent, calldata_anchor=None, to=sent.tx_hash, gas_limit=1, max_fee_wei=1, priority_fee_wei=1)
    if ends:
        record_outcome(
            journal,
            Filled(
                intent_id=sent.intent_id,
                block=stub.block(number),
                tx_hash=sent.tx_hash,
                gas_used=1,
                gas_paid_wei=1,
                token=stub.request(number).route.token,
                realised=1,
            ),
        )


def statements_of_a_start(folder: Path, trades: int) -> tuple[int, int, int]:
    """Count what a start asks of the journal when the last of so many trades is open, and what it finds."""
    folder.mkdir()
    asked: list[str] = []
    with Journal.open(folder / JOURNAL_FILE, genesis=stub.GENESIS) as journal:
        with journal.transaction():
            for number in range(1, trades + 1):
                trade(journal, number, ends=number < trades)
        journal.db.set_trace_callback(asked.append)
        (still_open,) = left_open(journal)
        lately = mined_lately(journal, stub.block(trades))
        assert not cancel_asked(journal)
        GasSeen(journal).read({})
        Experience(journal).learn({})
        journal.db.set_trace_callback(None)
    assert still_open.pools == stub.request(trades).route.pools
    return len(asked), len(lately), len(still_open.attempts)


def test_a_start_reads_as_much_of_a_journal_of_1400_trades_as_of_one_of_700(tmp_path: Path) -> None:
    short, long = statements_of_a_start(tmp_path / "a", 700), statements_of_a_start(tmp_path / "b", 1_400)
    assert short == long
    assert long[1] == HISTORY_BLOCKS - 1
