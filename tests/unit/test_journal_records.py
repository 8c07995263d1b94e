"""Domain values go into the journal and come back the same; money survives at any size."""

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.commands import Halt, Resume
from engine.domain.errors import JournalError
from engine.domain.opportunity import Opportunity, TradeRequest
from engine.domain.outcome import Cancelled, Filled, Outcome, Reorged, Replaced, Reverted
from engine.journal.canonical import decode, dumps, loads, plain
from engine.journal.journal import Journal
from engine.journal.records import (
    open_submissions,
    read_outcome,
    read_submission,
    record_command,
    record_decision,
    record_intent,
    record_opportunity,
    record_outcome,
    record_proof,
    record_request,
    record_state,
)
from engine.journal.trades import totals, trades
from tests.unit import journal_stubs as stub

FILLED = Filled(intent_id="i1", block=stub.block(101), token=stub.WETH, realised=10**16, gas_used=9, gas_paid_wei=90)
REVERTED = Reverted(intent_id="i2", block=stub.block(102), reason="floor", gas_used=7, gas_paid_wei=70)
CANCELLED = Cancelled(intent_id="i", block=stub.block(103), gas_used=21_000, gas_paid_wei=5, tx_hash="0xc")


@pytest.fixture
def journal(tmp_path: Path) -> Generator[Journal]:
    with Journal.open(tmp_path / "journal.sqlite", genesis=stub.GENESIS) as opened:
        yield opened


def trade(journal: Journal, number: int, *outcomes: Outcome) -> None:
    record_opportunity(journal, stub.opportunity(number))
    record_request(journal, stub.request(number))
    record_proof(journal, stub.proof(number))
    record_decision(journal, stub.approved(number))
    record_intent(journal, stub.submission(number), **stub.TERMS)
    for outcome in outcomes:
        record_outcome(journal, outcome)


def test_no_json_number_is_ever_written(journal: Journal) -> None:
    trade(journal, 1, FILLED)

    def leaves(value: Any) -> list[object]:
        if isinstance(value, dict):
            return [leaf for item in value.values() for leaf in leaves(item)]
        return [leaf for item in value for leaf in leaves(item)] if isinstance(value, list) else [value]

    assert {type(leaf) for entry in journal.entries() for leaf in leaves(entry.body)} <= {str, bool, type(None)}


def test_opportunities_and_requests_come_back_the_same(journal: Journal) -> None:
    assert decode(Opportunity, record_opportunity(journal, stub.opportunity()).body) == stub.opportunity()
    huge = replace(stub.request(), amount_in=2**255 + 1)
    assert decode(TradeRequest, record_request(journal, huge).body) == huge


def test_a_proof_names_its_request_and_holds_the_hash_of_its_calldata(journal: Journal) -> None:
    plan = record_proof(journal, stub.proof()).body["plan"]
    assert plan["request"] == "q1"
    assert plan["calldata_hash"] == "0x" + keccak(stub.proof().plan.calldata).hex()
    assert "calldata" not in plan


def test_a_decision_holds_its_verdict_and_names_what_it_is_about(journal: Journal) -> None:
    body = record_decision(journal, stub.approved()).body
    assert (body["verdict"], body["proof"], body["request"]) == ("approved", "p1", "q1")
    body = record_decision(journal, stub.refused(2)).body
    assert (body["verdict"], body["request"], body["rule"]) == ("refused", "q2", "notional")
    assert (body["measured"], body["limit"]) == ("2", "1")


def test_signed_bytes_come_back_to_be_sent_again(journal: Journal) -> None:
    entry = record_intent(journal, stub.submission(), **stub.TERMS)
    assert read_submission(entry) == stub.submission()
    assert open_submissions(journal) == [stub.submission()]
    record_outcome(journal, FILLED)
    assert open_submissions(journal) == []


@pytest.mark.parametrize(
    "outcome",
    [
        FILLED,
        REVERTED,
        CANCELLED,
        Replaced(intent_id="i", by="0x1", block=stub.block()),
        Reorged(intent_id="i", block=stub.block()),
    ],
    ids=lambda outcome: type(outcome).__name__,
)
def test_every_outcome_comes_back_the_same(journal: Journal, outcome: Outcome) -> None:
    assert read_outcome(record_outcome(journal, outcome)) == outcome


def test_commands_and_states_are_written_with_who_and_why(journal: Journal) -> None:
    resume = Resume(principal="cli", policy_hash="0x1", expires_s=5, nonce="n", signature="0x2")
    assert record_command(journal, Halt(principal="agent", reason="odd")).body["type"] == "Halt"
    assert record_command(journal, resume).body["nonce"] == "n"
    state = record_state(journal, "HALTED", principal="agent", reason="odd", block=stub.block())
    assert state.body["state"] == "HALTED"


def test_trades_list_every_submission_with_how_it_ended(journal: Journal) -> None:
    trade(journal, 1, FILLED)
    trade(journal, 2, REVERTED)
    trade(journal, 3)
    trade(journal, 4, replace(FILLED, intent_id="i4"), Reorged(intent_id="i4", block=stub.block(101)))
    trade(journal, 5, Replaced(intent_id="i5", by="0x1"))
    listed = trades(journal)
    assert [row.status for row in listed] == ["filled", "reverted", "open", "open", "replaced"]
    first, second, *_ = listed
    assert (first.realised, first.gas_paid_wei, first.block, first.token) == (10**16, 90, 101, stub.WETH)
    assert (first.capital, first.families, first.hops) == ("balancer", ("constant_product", "concentrated"), 2)
    assert first.route[0] == ("0x" + "01" * 20, stub.WETH, stub.USDC)
    assert (second.realised, second.gas_paid_wei, second.reason, second.block) == (0, 70, "floor", 102)
    assert [row.block for row in listed[2:]] == [None, None, None]


def test_totals_add_up_what_the_trades_list(journal: Journal) -> None:
    trade(journal, 1, FILLED)
    trade(journal, 2, REVERTED)
    record_decision(journal, stub.refused(3))
    found = totals(journal)
    assert (found.submitted, found.filled, found.reverted, found.refused, found.opportunities) == (2, 1, 1, 1, 2)
    assert found.by_family == {"concentrated": 1, "constant_product": 1}
    assert (found.by_hops, found.by_capital) == ({"2": 1}, {"balancer": 1})
    assert (found.realised, found.gas_paid_wei) == ({stub.WETH: 10**16}, 160)


def test_a_sweep_is_a_submission_without_a_route(journal: Journal) -> None:
    record_intent(journal, replace(stub.submission(), decision_id=""), **stub.TERMS | {"calldata_anchor": None})
    record_outcome(journal, replace(FILLED, realised=0))
    (row,) = trades(journal)
    assert (row.status, row.token, row.hops, row.capital) == ("filled", None, 0, None)
    assert totals(journal).realised == {}


def test_projections_rebuilt_from_the_entries_are_the_same(journal: Journal) -> None:
    trade(journal, 1, FILLED, Reorged(intent_id="i1", block=stub.block(101)))
    trade(journal, 2, REVERTED)
    before = journal.db.execute("SELECT * FROM intents ORDER BY seq").fetchall()
    with journal.transaction():
        journal.db.execute("DELETE FROM intents")
    journal.rebuild()
    assert journal.db.execute("SELECT * FROM intents ORDER BY seq").fetchall() == before
    assert len(before) == 2


def test_a_record_of_another_shape_is_refused() -> None:
    with pytest.raises(JournalError, match="not a Opportunity"):
        decode(Opportunity, {"stamp": {}})
    with pytest.raises(JournalError, match="not JSON"):
        loads(b"\xff")
    with pytest.raises(JournalError, match="not a JSON object"):
        loads(b"[]")


@given(st.integers(), st.binary(), st.text(), st.booleans())
def test_every_int_byte_and_letter_survives_canonical_json(number: int, data: bytes, text: str, yes: bool) -> None:
    tree = loads(dumps({"n": number, "b": data, "t": text, "y": yes}))
    assert decode(int, tree["n"]) == number
    assert decode(bytes, tree["b"]) == data
    assert (decode(str, tree["t"]), decode(bool, tree["y"])) == (text, yes)
    assert dumps(tree) == dumps(plain(tree))


def test_an_intent_of_the_first_format_has_one_door_and_no_deadline(journal: Journal) -> None:
    record_intent(journal, stub.submission(), **stub.TERMS)
    entry = journal.last("intent")
    assert entry is not None
    body = {name: value for name, value in entry.body.items() if name not in ("door", "deadline_s")}
    assert read_submission(replace(entry, body=body)) == stub.submission()
