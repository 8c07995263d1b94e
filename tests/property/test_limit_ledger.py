"""Whatever is reserved, released, reorganised, restarted or said of the time, in any order: never a wei over a cap."""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule
from pydantic import ValidationError

from engine.domain.outcome import Filled, Outcome, Reorged, Replaced, Reverted
from engine.journal.journal import Journal
from engine.journal.records import record_state
from engine.journal.schema import PROJECTIONS
from engine.risk.book import Breach, Claim, Worth
from engine.risk.halt import HALT_FILE, halt_reason, lift_halt
from engine.risk.limits import LimitLedger
from engine.risk.policy import Policy
from tests.unit import journal_stubs as stub

POLICY = Policy(
    gas_budget_per_day_wei=1_000,
    max_loss_per_day_wei=700,
    max_open_intents=4,
    max_notional_per_day_wei=1_500,
    max_notional_per_token_per_day_wei=900,
    max_notional_per_venue_per_day_wei=800,
    max_exposure_wei=250,
    halt_at_loss_share_ppm=600_000,
    halt_at_losses_in_a_row=3,
    max_trades_per_minute=5,
    agent_trades_per_minute=2,
    agent_notional_per_day_wei=500,
    agent_gas_per_day_wei=300,
    agents_gas_per_day_wei=450,
)
SHARES = st.integers(0, 100)
CLAIMS = st.builds(
    lambda who, worst, notional, own, token, venues: Claim(
        worst_wei=worst,
        principal=who,
        agent=who != "engine",
        token=token,
        venues=tuple(sorted(venues)),
        notional_wei=notional,
        own_wei=notional if own else 0,
    ),
    st.sampled_from(["engine", "mcp-1", "mcp-2"]),
    st.integers(0, 250),
    st.integers(0, 300),
    st.booleans(),
    st.sampled_from(["0xa", "0xb"]),
    st.sets(st.sampled_from(["v2", "v3", "balancer"]), min_size=1),
)


@dataclass
class Trade:
    """One reservation as the model remembers it: `how` is None while it is open."""

    claim: Claim
    time_s: int
    how: str | None = None
    day: int = 0
    gas: int = 0
    loss: int = 0
    ended: int = 0


def opened(path: Path, genesis: dict[str, Any] | None = None) -> LimitLedger:
    """Open the ledger without waiting for the disk: no power is cut here."""
    journal = Journal.open(path, genesis=genesis)
    journal.db.execute("PRAGMA synchronous = OFF")
    return LimitLedger(journal)


class Ledger(RuleBasedStateMachine):
    """Drives the ledger as the loop does, and keeps its own books beside it: a list of trades, added up each time."""

    open_trades = Bundle("open_trades")
    ended_trades = Bundle("ended_trades")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "journal.sqlite"
        self.ledger = opened(self.path, stub.GENESIS)
        self.block = stub.block(1_000_000)
        self.time: tuple[int, int] | None = None
        self.trades: dict[str, Trade] = {}
        self.turn = 0
        self.resumed = 0
        self.halted = False
        self.over: set[str] = set()

    def teardown(self) -> None:
        self.ledger.journal.close()
        self.folder.cleanup()

    # the model ----------------------------------------------------------------------------------------------------

    def leaps(self) -> bool:
        if self.time is None:
            return False
        time_s, number = self.time
        return self.block.timestamp_s > time_s + 3600 + 10 * max(self.block.number - number, 0)

    def now(self) -> tuple[int, int]:
        if self.time is not None and (self.leaps() or self.block.timestamp_s <= self.time[0]):
            return self.time
        return self.block.timestamp_s, self.block.number

    def sums(self, extra: Claim | None = None) -> dict[str, int]:
        """Add every trade up, from nothing, on the ledger's day: with `extra` as if it were open too."""
        day = self.now()[0] // 86_400
        found: dict[str, int] = {"max_open_intents": 0, "max_exposure_wei": 0}

        def add(name: str, wei: int) -> None:
            found[name] = found.get(name, 0) + wei

        def count(claim: Claim, gas: int, loss: int, notional: int) -> None:
            add("gas_budget_per_day_wei", gas)
            add("max_loss_per_day_wei", loss)
            add("max_notional_per_day_wei", notional)
            add(f"max_notional_per_token_per_day_wei {claim.token}", notional)
            for venue in claim.venues:
                add(f"max_notional_per_venue_per_day_wei {venue}", notional)
            if claim.agent:
                add(f"agent_gas_per_day_wei {claim.principal}", gas)
                add("agents_gas_per_day_wei", gas)
                add(f"agent_notional_per_day_wei {claim.principal}", notional)

        held = [trade.claim for trade in self.trades.values() if trade.how is None]
        for claim in [*held, extra] if extra else held:
            count(claim, claim.worst_wei, claim.worst_wei, claim.notional_wei)
            add("max_open_intents", 1)
            add("max_exposure_wei", claim.own_wei)
        for trade in self.trades.values():
            if trade.how is not None and trade.day == day:
                count(trade.claim, trade.gas, trade.loss, trade.claim.notional_wei if trade.how == "f" else 0)
        return found

    def fits(self, claim: Claim) -> bool:
        with_it = self.sums(claim)
        about = {name for name in with_it if with_it[name] != self.sums().get(name, 0) or " " not in name}
        about |= {f"max_notional_per_token_per_day_wei {claim.token}"}
        about |= {f"max_notional_per_venue_per_day_wei {venue}" for venue in claim.venues}
        if claim.agent:
            about |= {f"agent_gas_per_day_wei {claim.principal}", f"agent_notional_per_day_wei {claim.principal}"}
        else:
            about -= {"agents_gas_per_day_wei"}
        if not claim.own_wei:
            about -= {"max_exposure_wei"}
        lately = [t for t in self.trades.values() if t.how != "unused" and t.time_s > self.now()[0] - 60]
        mine = [t for t in lately if t.claim.principal == claim.principal]
        return (
            not self.leaps()
            and all(with_it[name] <= getattr(POLICY, name.split()[0]) for name in about)
            and len(lately) < 5
            and (not claim.agent or len(mine) < 2)
            and self.streak() < 3
        )

    def streak(self) -> int:
        ends = sorted((t for t in self.trades.values() if t.how in {"f", "r"}), key=lambda t: t.ended)
        count = 0
        for trade in ends:
            lost = trade.how == "r" or trade.loss > 0
            count = count + 1 if lost and trade.ended > self.resumed else 0
        return count

    # what can happen ----------------------------------------------------------------------------------------------

    @rule(target=open_trades, claim=CLAIMS)
    def reserve(self, claim: Claim) -> object:
        fits = self.fits(claim)
        name = self.ledger.reserve(claim, block=self.block, policy=POLICY, worth=Worth(wei=200, raw=100))
        assert fits is not isinstance(name, Breach), name
        if isinstance(name, Breach):
            return multiple()
        self.time = self.now()
        self.trades[name] = Trade(claim=claim, time_s=self.time[0])
        self.over = {n for n in self.over if self.sums().get(n, 0) > getattr(POLICY, n.split()[0])}
        return name

    @rule(target=ended_trades, name=consumes(open_trades), how=st.sampled_from("frrxu"), share=SHARES)
    def release(self, name: str, how: str, share: int) -> object:
        trade = self.trades[name]
        gas = trade.claim.worst_wei * share // 100
        self.turn += 1
        if how != "x":
            self.time = self.now()
        assert self.time is not None
        trade.ended, trade.day, trade.gas, trade.loss, trade.how = self.turn, self.time[0] // 86_400, 0, 0, how
        if how == "u":
            self.ledger.release_unused(name, block=self.block)
            trade.how = "unused"
            return multiple()
        outcome: Outcome = Replaced(intent_id="i", by=None)
        if how == "f":
            trade.gas, trade.loss = gas, max(gas - share * 2, 0)
            outcome = Filled(
                intent_id="i", block=self.block, token=stub.WETH, realised=share, gas_used=1, gas_paid_wei=gas
            )
        elif how == "r":
            trade.gas = trade.loss = gas
            outcome = Reverted(intent_id="i", block=self.block, reason="", gas_used=1, gas_paid_wei=gas)
        self.ledger.release(name, outcome)
        lost = how == "r" or trade.loss > 0
        if lost and (self.sums()["max_loss_per_day_wei"] - self.held() >= 420 or self.streak() >= 3):
            self.halted = True
        return name

    def held(self) -> int:
        return sum(trade.claim.worst_wei for trade in self.trades.values() if trade.how is None)

    @rule(target=open_trades, name=consumes(ended_trades))
    def reorganise(self, name: str) -> str:
        self.ledger.release(name, Reorged(intent_id="i", block=self.block))
        self.trades[name].how = None
        self.over = {n for n, total in self.sums().items() if total > getattr(POLICY, n.split()[0])}
        return name

    @rule(seconds=st.sampled_from([1, 30, 61, 3_700, 50_000, 90_000]))
    def the_chain_goes_on(self, seconds: int) -> None:
        base = max(self.block.timestamp_s, self.time[0] if self.time else 0)
        self.block = stub.block(self.block.number + seconds, base + seconds)

    @rule(seconds=st.sampled_from([-400 * 86_400, -86_400, -100, 3_590, 86_400, 400 * 86_400]))
    def the_timestamp_jumps(self, seconds: int) -> None:
        self.block = replace(self.block, timestamp_s=self.block.timestamp_s + seconds)

    @rule()
    def the_operator_resumes(self) -> None:
        record_state(self.ledger.journal, "ACTIVE", principal="cli", reason="test", block=self.block)
        lift_halt(self.path.parent)
        self.halted, self.resumed = False, self.turn

    @rule()
    def restart(self) -> None:
        self.ledger.journal.close()
        self.ledger = opened(self.path)

    @rule()
    def die(self) -> None:
        self.ledger.journal.db.close()
        self.ledger = opened(self.path)

    @rule()
    def rebuild(self) -> None:
        before = self.tables()
        self.ledger.rebuild()
        assert self.tables() == before

    # what must hold -----------------------------------------------------------------------------------------------

    @invariant()
    def the_books_agree(self) -> None:
        sums, book = self.sums(), self.ledger.book(self.block)
        held = self.held()
        assert book.held_wei == held
        assert book.gas_wei + held == sums.get("gas_budget_per_day_wei", 0)
        assert book.loss_wei + held == sums.get("max_loss_per_day_wei", 0)
        assert book.losses_in_a_row == self.streak()
        assert sum(claim.own_wei for claim in book.held) == sums["max_exposure_wei"]

    @invariant()
    def nothing_is_over_a_cap_but_what_a_reorg_brought_back(self) -> None:
        for name, total in self.sums().items():
            assert total <= getattr(POLICY, name.split()[0]) or name in self.over, name

    @invariant()
    def a_loss_that_trips_has_halted(self) -> None:
        assert (halt_reason(self.path.parent) is not None) is self.halted
        last = self.ledger.journal.last("state")
        assert (last is not None and last.body["state"] == "HALTED") is self.halted
        assert (self.path.parent / HALT_FILE).exists() is self.halted

    def tables(self) -> list[list[tuple[object, ...]]]:
        db = self.ledger.journal.db
        return [sorted(db.execute(f"SELECT * FROM {table}").fetchall()) for table in PROJECTIONS]


TestLedger = Ledger.TestCase
TestLedger.settings = settings(stateful_step_count=40)

AMOUNTS = [name for name in Policy.model_fields if not name.startswith("allowed_")]
NO_AMOUNT = st.one_of(
    st.floats(),
    st.booleans(),
    st.none(),
    st.integers(max_value=-1),
    st.integers(min_value=2**256),
    st.from_regex(r"\A([0-9]+\.[0-9]+|0x[0-9a-f]+|[0-9]+e[0-9]+|-[0-9]+| [0-9]+|[0-9]+ (eth|gwei|wei))\Z"),
    st.text(alphabet="٠١٢٣½²Ⅷ", min_size=1),
)


@given(field=st.sampled_from(AMOUNTS), amount=NO_AMOUNT)
def test_no_limit_takes_what_is_not_a_whole_number_of_its_smallest_unit(field: str, amount: Any) -> None:
    with pytest.raises(ValidationError):
        Policy(**{field: amount})
