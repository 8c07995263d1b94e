"""Whatever is reserved, released, reorganised or restarted, in any order: never a wei over a cap."""

import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, precondition, rule

from engine.domain.outcome import Filled, Outcome, Reorged, Replaced, Reverted
from engine.journal.journal import Journal
from engine.journal.schema import PROJECTIONS
from engine.risk.limits import DAY_S, Breach, LimitLedger, Worth, day_of
from engine.risk.policy import Policy
from tests.unit import journal_stubs as stub

POLICY = Policy(gas_budget_per_day_wei=10**18, max_loss_per_day_wei=7 * 10**17, max_open_intents=4)
SHARES = st.integers(0, 100)


class Ledger(RuleBasedStateMachine):
    """Drives the ledger as the loop does, and keeps its own books beside it."""

    open_trades = Bundle("open_trades")
    ended_trades = Bundle("ended_trades")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "journal.sqlite"
        self.ledger = LimitLedger(Journal.open(self.path, genesis=stub.GENESIS))
        self.block = stub.block()
        self.held: dict[str, int] = {}
        self.spent: dict[str, tuple[int, int, int]] = {}
        self.reorged = False

    def teardown(self) -> None:
        self.ledger.journal.close()
        self.folder.cleanup()

    @rule(target=open_trades, worst=st.integers(0, 4 * 10**17))
    def reserve(self, worst: int) -> object:
        day = day_of(self.block)
        gas = sum(g for d, g, _ in self.spent.values() if d == day) + sum(self.held.values()) + worst
        loss = sum(x for d, _, x in self.spent.values() if d == day) + sum(self.held.values()) + worst
        fits = gas <= 10**18 and loss <= 7 * 10**17 and len(self.held) < 4
        name = self.ledger.reserve(worst, block=self.block, policy=POLICY, worth=Worth(wei=10**17, raw=1000))
        assert fits is not isinstance(name, Breach)
        if isinstance(name, Breach):
            return multiple()
        self.held[name] = worst
        return name

    @rule(target=ended_trades, name=consumes(open_trades), how=st.sampled_from(["f", "r", "x"]), share=SHARES)
    def release(self, name: str, how: str, share: int) -> str:
        worst = self.held.pop(name)
        gas = worst * share // 100
        outcome: Outcome = Replaced(intent_id="i", by=None)
        self.spent[name] = (day_of(self.block), 0, 0)
        if how == "f":
            outcome = Filled(
                intent_id="i", block=self.block, token=stub.WETH, realised=share, gas_used=1, gas_paid_wei=gas
            )
            self.spent[name] = (day_of(self.block), gas, max(gas - share * 10**14, 0))
        elif how == "r":
            outcome = Reverted(intent_id="i", block=self.block, reason="", gas_used=1, gas_paid_wei=gas)
            self.spent[name] = (day_of(self.block), gas, gas)
        self.ledger.release(name, outcome)
        return name

    @rule(target=open_trades, name=consumes(ended_trades))
    def reorganise(self, name: str) -> str:
        entry = next(e for e in self.ledger.journal.entries("reservation") if e.body["reservation"] == name)
        self.ledger.release(name, Reorged(intent_id="i", block=self.block))
        self.held[name] = int(entry.body["worst_wei"])
        del self.spent[name]
        self.reorged = True
        return name

    @rule()
    def next_day(self) -> None:
        self.block = replace(
            self.block, number=self.block.number + 1, timestamp_s=self.block.timestamp_s + DAY_S // 2 + 1
        )

    @rule()
    def restart(self) -> None:
        self.ledger.journal.close()
        self.ledger = LimitLedger(Journal.open(self.path))

    @rule()
    def die(self) -> None:
        self.ledger.journal.db.close()
        self.ledger = LimitLedger(Journal.open(self.path))

    @invariant()
    def the_books_agree(self) -> None:
        day = day_of(self.block)
        book = self.ledger.book(day)
        assert book.held_wei == sum(self.held.values())
        assert book.gas_wei == sum(g for d, g, _ in self.spent.values() if d == day)
        assert book.loss_wei == sum(x for d, _, x in self.spent.values() if d == day)

    @precondition(lambda self: not self.reorged)
    @invariant()
    def nothing_is_over_a_cap(self) -> None:
        book = self.ledger.book(day_of(self.block))
        assert book.gas_wei + book.held_wei <= POLICY.gas_budget_per_day_wei
        assert book.loss_wei + book.held_wei <= POLICY.max_loss_per_day_wei
        assert book.open <= POLICY.max_open_intents

    @rule()
    def rebuild(self) -> None:
        before = self.tables()
        self.ledger.rebuild()
        assert self.tables() == before

    def tables(self) -> list[list[tuple[object, ...]]]:
        db = self.ledger.journal.db
        return [sorted(db.execute(f"SELECT * FROM {table}").fetchall()) for table in PROJECTIONS]


TestLedger = Ledger.TestCase
TestLedger.settings = settings(stateful_step_count=30)
