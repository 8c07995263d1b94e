"""What an open trade holds may grow, for a replacement that pays more, and only under every cap on what is burnt."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from engine.domain.errors import JournalError
from engine.domain.outcome import Cancelled, Filled, Reverted
from engine.journal.journal import JOURNAL_FILE, Journal
from engine.journal.records import record_state
from engine.journal.schema import PROJECTIONS
from engine.risk.book import Breach, Claim, Worth
from engine.risk.halt import halt_reason
from engine.risk.limits import LimitLedger
from engine.risk.policy import Policy
from tests.unit import journal_stubs as stub

BLOCK = stub.block()
POLICY = Policy(
    gas_budget_per_day_wei=100, max_loss_per_day_wei=80, agent_gas_per_day_wei=40, halt_at_losses_in_a_row=2
)
AGENTS = Claim(worst_wei=10, principal="mcp-1", agent=True)


@pytest.fixture
def ledger(tmp_path: Path) -> Generator[LimitLedger]:
    with Journal.open(tmp_path / JOURNAL_FILE, genesis=stub.GENESIS) as journal:
        record_state(journal, "ACTIVE", principal="local", reason="test", block=BLOCK)
        yield LimitLedger(journal)


def reserved(ledger: LimitLedger, claim: Claim, worth: Worth | None = None) -> str:
    name = ledger.reserve(claim, block=BLOCK, policy=POLICY, worth=worth)
    assert isinstance(name, str), name
    return name


def raised(ledger: LimitLedger, name: str, worst_wei: int) -> Breach | None:
    return ledger.raise_worst(name, worst_wei, block=BLOCK, policy=POLICY)


def test_a_replacement_holds_more_up_to_the_nearest_cap_and_not_a_wei_above_it(ledger: LimitLedger) -> None:
    reserved(ledger, Claim(worst_wei=30))
    name = reserved(ledger, Claim(worst_wei=20))
    breach = raised(ledger, name, 51)
    assert breach == Breach(
        rule="gas or loss a day",
        measured="31 wei more for a replacement",
        limit="30 wei",
        next_step="wait for open transactions to end, or for the chain's next day",
    )
    assert (ledger.worst_of(name), ledger.book(BLOCK).held_wei) == (20, 50)
    assert raised(ledger, name, 50) is None
    assert (ledger.worst_of(name), ledger.book(BLOCK).held_wei) == (50, 80)
    refused = ledger.reserve(Claim(worst_wei=1), block=BLOCK, policy=POLICY)
    assert isinstance(refused, Breach)
    assert refused.rule == "loss a day"


def test_an_agents_replacement_is_held_to_the_agents_own_gas(ledger: LimitLedger) -> None:
    name = reserved(ledger, AGENTS)
    assert raised(ledger, name, 40) is None
    breach = raised(ledger, name, 41)
    assert breach is not None
    assert (breach.measured, breach.limit) == ("1 wei more for a replacement", "0 wei")


def test_where_a_reorg_left_less_than_nothing_the_room_is_said_to_be_nothing(ledger: LimitLedger) -> None:
    name = reserved(ledger, AGENTS)
    lower = POLICY.model_copy(update={"agent_gas_per_day_wei": 5})
    breach = ledger.raise_worst(name, 11, block=BLOCK, policy=lower)
    assert breach is not None
    assert breach.limit == "0 wei"


@pytest.mark.parametrize("worst_wei", [19, 20])
def test_what_is_held_already_is_neither_asked_for_again_nor_lowered(ledger: LimitLedger, worst_wei: int) -> None:
    name = reserved(ledger, Claim(worst_wei=20))
    before = ledger.journal.head
    assert raised(ledger, name, worst_wei) is None
    assert (ledger.worst_of(name), ledger.journal.head) == (20, before)


def test_only_what_is_held_can_be_raised(ledger: LimitLedger) -> None:
    name = reserved(ledger, Claim(worst_wei=20))
    ledger.release_unused(name, block=BLOCK)
    for gone in (name, "reservation-99"):
        with pytest.raises(JournalError, match="not held") as refused:
            raised(ledger, gone, 30)
        assert (refused.value.measured, refused.value.next_step) == (gone, "run ketch verify")


def test_a_cancelled_trade_costs_its_gas_and_counts_as_a_loss(ledger: LimitLedger) -> None:
    names = [reserved(ledger, Claim(worst_wei=20)) for _ in range(2)]
    ledger.release(names[0], Cancelled(intent_id="i", block=BLOCK, gas_used=1, gas_paid_wei=7))
    book = ledger.book(BLOCK)
    assert (book.gas_wei, book.loss_wei, book.held_wei, book.losses_in_a_row) == (7, 7, 20, 1)
    assert halt_reason(ledger.journal.path.parent) is None
    ledger.release(names[1], Cancelled(intent_id="i", block=BLOCK, gas_used=1, gas_paid_wei=1))
    assert halt_reason(ledger.journal.path.parent) == "losses in a row: measured 2, limit 2 (by limits)"


def test_a_fill_that_loses_a_single_wei_halts_as_any_other_loss_does(ledger: LimitLedger) -> None:
    names = [reserved(ledger, Claim(worst_wei=20), Worth(wei=1, raw=1)) for _ in range(2)]
    for name in names:
        assert halt_reason(ledger.journal.path.parent) is None
        ledger.release(
            name,
            Filled(intent_id="i", block=BLOCK, token=stub.WETH, realised=9, gas_used=1, gas_paid_wei=10),
        )
    assert halt_reason(ledger.journal.path.parent) == "losses in a row: measured 2, limit 2 (by limits)"


def test_an_entry_of_the_journal_says_what_a_trade_earned_and_cost(ledger: LimitLedger) -> None:
    name = reserved(ledger, Claim(worst_wei=20), Worth(wei=50, raw=10))
    outcome = Filled(intent_id="i", block=BLOCK, token=stub.WETH, realised=3, gas_used=1, gas_paid_wei=20)
    ledger.release(name, outcome)
    last = ledger.journal.last("release")
    assert last is not None
    said = {field: last.body[field] for field in ("reservation", "how", "gas_wei", "profit_wei", "loss_wei")}
    assert said == {"reservation": name, "how": "filled", "gas_wei": "20", "profit_wei": "15", "loss_wei": "5"}


def test_a_profit_is_valued_as_its_reservation_says_and_at_nothing_without_a_price(ledger: LimitLedger) -> None:
    priced = reserved(ledger, Claim(worst_wei=20), Worth(wei=50, raw=10))
    assert ledger.worth_of(priced) == Worth(wei=50, raw=10)
    unpriced = reserved(ledger, Claim(worst_wei=20))
    assert ledger.worth_of(unpriced) == Worth(wei=0, raw=0)
    assert ledger.worth_of(unpriced).of(10**18) == 0
    with pytest.raises(JournalError, match="no such reservation"):
        ledger.worth_of("reservation-99")


def test_tables_that_were_emptied_are_filled_again_from_the_entries(ledger: LimitLedger) -> None:
    name = reserved(ledger, AGENTS)
    assert raised(ledger, name, 15) is None
    lost = Reverted(intent_id="i", block=BLOCK, reason="floor", gas_used=1, gas_paid_wei=9)
    ledger.release(reserved(ledger, AGENTS), lost)
    before = ledger.book(BLOCK)
    for table in PROJECTIONS:
        ledger.journal.db.execute(f"DELETE FROM {table}")
    assert ledger.book(BLOCK) != before
    ledger.rebuild()
    assert ledger.book(BLOCK) == before
    assert ledger.worst_of(name) == 15
