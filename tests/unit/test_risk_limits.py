"""The ledger never lets more out than a cap, whatever the order, the day, the process or the crash."""

import subprocess
import sys
from collections.abc import Generator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from engine.domain.errors import JournalError
from engine.domain.outcome import Filled, Reorged, Replaced, Reverted
from engine.domain.units import BlockRef
from engine.journal.journal import Journal
from engine.risk.book import Book, Breach, Claim, Worth
from engine.risk.chain_time import DAY_S
from engine.risk.limits import LimitLedger
from engine.risk.policy import Policy
from tests.unit import journal_stubs as stub

POLICY = Policy(gas_budget_per_day_wei=100, max_loss_per_day_wei=80, max_open_intents=3)
TODAY = stub.block()
TOMORROW = stub.block(10_000, TODAY.timestamp_s + DAY_S)
FILLED = Filled(intent_id="i", block=TODAY, token=stub.WETH, realised=10, gas_used=1, gas_paid_wei=30)
REVERTED = Reverted(intent_id="i", block=TODAY, reason="floor", gas_used=1, gas_paid_wei=20)


@pytest.fixture
def ledger(tmp_path: Path) -> Generator[LimitLedger]:
    with Journal.open(tmp_path / "journal.sqlite", genesis=stub.GENESIS) as journal:
        yield LimitLedger(journal)


def reserved(ledger: LimitLedger, worst: int, **given: object) -> str:
    name = ledger.reserve(Claim(worst_wei=worst), block=TODAY, policy=POLICY, **given)  # type: ignore[arg-type]
    assert isinstance(name, str)
    return name


def breach(ledger: LimitLedger, worst: int) -> Breach:
    found = ledger.reserve(Claim(worst_wei=worst), block=TODAY, policy=POLICY)
    assert isinstance(found, Breach)
    return found


def test_holds_the_worst_until_the_outcome_and_then_what_it_cost(ledger: LimitLedger) -> None:
    name = reserved(ledger, 80)
    assert breach(ledger, 1).rule == "loss a day"
    ledger.release(name, REVERTED)
    book = ledger.book(TODAY)
    assert (book.gas_wei, book.loss_wei, book.held_wei, book.open) == (20, 20, 0, 0)
    assert breach(ledger, 61).rule == "loss a day"
    reserved(ledger, 60)


def test_gas_of_winning_trades_counts_against_the_gas_budget_and_is_no_loss(ledger: LimitLedger) -> None:
    ledger.release(reserved(ledger, 40, worth=Worth(wei=100, raw=10)), FILLED)
    book = ledger.book(TODAY)
    assert (book.gas_wei, book.loss_wei) == (30, 0)
    assert breach(ledger, 71).rule == "gas budget a day"


def test_a_fill_that_earned_less_than_its_gas_is_a_loss(ledger: LimitLedger) -> None:
    ledger.release(reserved(ledger, 40, worth=Worth(wei=100, raw=10)), replace(FILLED, realised=1))
    assert ledger.book(TODAY).loss_wei == 20


def test_winning_trades_buy_no_room_to_lose(ledger: LimitLedger) -> None:
    ledger.release(reserved(ledger, 40, worth=Worth(wei=1000, raw=10)), replace(FILLED, gas_paid_wei=1))
    assert breach(ledger, 81).rule == "loss a day"


def test_the_number_of_open_trades_is_capped(ledger: LimitLedger) -> None:
    for _ in range(3):
        reserved(ledger, 1)
    assert breach(ledger, 1).rule == "open intents"


def test_a_replaced_or_unsigned_trade_costs_nothing(ledger: LimitLedger) -> None:
    ledger.release(reserved(ledger, 80), Replaced(intent_id="i", by=None))
    ledger.release_unused(reserved(ledger, 80), block=TODAY)
    assert ledger.book(TODAY).loss_wei == 0
    reserved(ledger, 80)


def test_a_new_day_of_the_chain_begins_with_nothing_spent_but_all_that_is_open(ledger: LimitLedger) -> None:
    ledger.release(reserved(ledger, 40), REVERTED)
    name = reserved(ledger, 60)
    assert isinstance(ledger.reserve(Claim(worst_wei=21), block=TOMORROW, policy=POLICY), Breach)
    assert isinstance(ledger.reserve(Claim(worst_wei=20), block=TOMORROW, policy=POLICY), str)
    ledger.release(name, replace(REVERTED, block=TOMORROW))
    assert ledger.book(TODAY).gas_wei == 20
    assert ledger.book(TOMORROW).gas_wei == 20


def test_a_reorg_takes_the_outcome_back_and_holds_the_worst_again(ledger: LimitLedger) -> None:
    name = reserved(ledger, 80)
    ledger.release(name, REVERTED)
    ledger.release(name, Reorged(intent_id="i", block=TODAY))
    book = ledger.book(TODAY)
    assert (book.gas_wei, book.loss_wei, book.held_wei, book.open) == (0, 0, 80, 1)
    ledger.release(name, FILLED)
    assert ledger.held() == []


def test_nothing_is_released_twice_or_without_a_reservation(ledger: LimitLedger) -> None:
    name = reserved(ledger, 10)
    with pytest.raises(JournalError, match="not in that state"):
        ledger.release(name, Reorged(intent_id="i", block=TODAY))
    ledger.release(name, REVERTED)
    with pytest.raises(JournalError, match="not in that state"):
        ledger.release(name, REVERTED)
    with pytest.raises(JournalError, match="released already"):
        ledger.release_unused(name, block=TODAY)
    with pytest.raises(JournalError, match="no such reservation"):
        ledger.release("reservation-99", REVERTED)


def test_a_restart_forgets_nothing(ledger: LimitLedger) -> None:
    reserved(ledger, 50)
    ledger.release(reserved(ledger, 30), REVERTED)
    before = ledger.book(TODAY)
    with Journal.open(ledger.journal.path) as again:
        assert LimitLedger(again).book(TODAY) == before
        LimitLedger(again).rebuild()
        assert LimitLedger(again).book(TODAY) == before


def test_nothing_is_reserved_between_the_check_and_the_write(
    ledger: LimitLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.journal.journal.BUSY_MS", 20)
    read, tried = ledger.book, []
    with Journal.open(ledger.journal.path) as other:

        def book_while_another_reserves(block: BlockRef) -> Book:
            found = read(block)
            with suppress(JournalError):  # locked: the other one has to wait
                tried.append(None)
                LimitLedger(other).reserve(Claim(worst_wei=80), block=TODAY, policy=POLICY)
            return found

        monkeypatch.setattr(ledger, "book", book_while_another_reserves)
        reserved(ledger, 80)
    assert tried
    assert read(TODAY).held_wei == 80


def test_a_raise_takes_what_the_nearest_cap_leaves_and_not_a_wei_more(ledger: LimitLedger) -> None:
    name = reserved(ledger, 30)
    reserved(ledger, 20)
    assert ledger.raise_worst(name, 60, block=TODAY, policy=POLICY) is None
    over = ledger.raise_worst(name, 61, block=TODAY, policy=POLICY)
    assert isinstance(over, Breach)
    assert (over.measured, over.limit) == ("1 wei more for a replacement", "0 wei")
    over = ledger.raise_worst(name, 61, block=TODAY, policy=POLICY.model_copy(update={"max_loss_per_day_wei": 90}))
    assert over is None
    assert ledger.worst_of(name) == 61
    assert isinstance(ledger.raise_worst(name, 72, block=TODAY, policy=POLICY), Breach)
    assert ledger.worst_of(name) == 61


RACE = """
import sys
from pathlib import Path
from engine.journal.journal import Journal
from engine.risk.book import Claim
from engine.risk.limits import LimitLedger
from engine.risk.policy import Policy
from tests.unit import journal_stubs as stub

ledger = LimitLedger(Journal.open(Path(sys.argv[1])))
print("ready", flush=True)
sys.stdin.readline()
policy = Policy(
    gas_budget_per_day_wei=1000, max_loss_per_day_wei=1000, max_open_intents=1000, max_trades_per_minute=1000
)
won = sum(isinstance(ledger.reserve(Claim(worst_wei=10), block=stub.block(), policy=policy), str) for _ in range(100))
print(won, flush=True)
sys.stdin.readline()
"""


def test_processes_that_spend_one_cap_at_once_spend_it_once(ledger: LimitLedger) -> None:
    root = Path(__file__).parents[2]
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, str(ledger.journal.path)],
            cwd=root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    try:
        assert [racer.stdout.readline() for racer in racers if racer.stdout] == ["ready\n"] * 3
        for racer in racers:
            assert racer.stdin
            racer.stdin.write("go\n")
            racer.stdin.flush()
        won = [int(racer.stdout.readline()) for racer in racers if racer.stdout]
    finally:
        for racer in racers:
            racer.communicate("done\n")
    assert sum(won) == 100
    assert ledger.book(TODAY).held_wei == 1000
    assert [entry.seq for entry in ledger.journal.entries()] == list(range(1, 102))
    ledger.journal.check_head()
