"""Losses halt by themselves, once; the operator's resume clears the streak; a reorg takes a loss back."""

import json
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.domain.commands import Resume
from engine.domain.outcome import Filled, Reorged, Replaced, Reverted
from engine.journal.journal import Journal
from engine.journal.records import record_command, record_state
from engine.risk.book import Breach, Claim, Worth
from engine.risk.chain_time import DAY_S, ChainTime
from engine.risk.halt import HALT_FILE, halt_reason, lift_halt
from engine.risk.limits import LimitLedger
from engine.risk.policy import Policy
from engine.verify.history import read_history
from engine.verify.intents import check_tables
from engine.verify.limits import check_limits
from engine.verify.lineage import trace
from engine.verify.report import Report
from tests.unit import journal_stubs as stub

POLICY = Policy(
    max_open_intents=10,
    max_loss_per_day_wei=1_000,
    gas_budget_per_day_wei=10_000,
    halt_at_loss_share_ppm=500_000,
    halt_at_losses_in_a_row=3,
    max_trades_per_minute=100,
)
BLOCK = stub.block()
LOSS = Reverted(intent_id="i", block=BLOCK, reason="floor", gas_used=1, gas_paid_wei=10)
WIN = Filled(intent_id="i", block=BLOCK, token=stub.WETH, realised=20, gas_used=1, gas_paid_wei=20)
EVEN = Worth(wei=1, raw=1)


@pytest.fixture
def ledger(tmp_path: Path) -> Generator[LimitLedger]:
    genesis = stub.GENESIS | {"policy": POLICY.model_dump(), "policy_hash": POLICY.digest()}
    with Journal.open(tmp_path / "journal.sqlite", genesis=genesis) as journal:
        record_state(journal, "ACTIVE", principal="local", reason="test", block=BLOCK)
        yield LimitLedger(journal)
        assert checked(journal.path) == []


def checked(path: Path) -> list[str]:
    """Ask the checker, which has code of its own, for the tables and the caps."""
    report = Report()
    history = read_history(path, report)
    lineage = trace(history, Report())  # these reservations have no intents
    check_tables(history, lineage, report)
    check_limits(history, lineage.genesis, report)
    return [f"{finding.seq} {finding.what} {finding.measured}" for finding in report.findings]


def reserved(ledger: LimitLedger, worst: int = 10) -> str:
    name = ledger.reserve(Claim(worst_wei=worst), block=BLOCK, policy=POLICY, worth=EVEN)
    assert isinstance(name, str), name
    return name


def halted(ledger: LimitLedger) -> str | None:
    last = ledger.journal.last("state")
    assert last is not None
    assert (halt_reason(ledger.journal.path.parent) is not None) is (last.body["state"] == "HALTED")
    return last.body["reason"] if last.body["state"] == "HALTED" else None


def resume(ledger: LimitLedger) -> None:
    record_command(ledger.journal, Resume(principal="cli", policy_hash="", expires_s=0, nonce="n", signature=""))
    record_state(ledger.journal, "ACTIVE", principal="cli", reason="the operator resumed", block=BLOCK)
    lift_halt(ledger.journal.path.parent)


def test_losses_in_a_row_halt_by_themselves_with_file_row_and_reason(ledger: LimitLedger) -> None:
    names = [reserved(ledger) for _ in range(4)]
    for name in names[:2]:
        ledger.release(name, LOSS)
    assert halted(ledger) is None
    ledger.release(names[2], LOSS)
    assert halted(ledger) == "losses in a row: measured 3, limit 3"
    file = json.loads((ledger.journal.path.parent / HALT_FILE).read_bytes())
    assert file == {"principal": "limits", "reason": "losses in a row: measured 3, limit 3"}
    commands = ledger.journal.count("command")
    ledger.release(names[3], LOSS)
    assert ledger.journal.count("command") == commands == 1
    breach = ledger.reserve(Claim(worst_wei=1), block=BLOCK, policy=POLICY)
    assert isinstance(breach, Breach)
    assert breach.rule == "losses in a row"


def test_a_fill_that_does_not_lose_ends_the_streak_and_one_that_loses_does_not(ledger: LimitLedger) -> None:
    ledger.release(reserved(ledger), LOSS)
    ledger.release(reserved(ledger), replace(WIN, realised=19))
    assert ledger.book(BLOCK).losses_in_a_row == 2
    ledger.release(reserved(ledger), WIN)
    assert ledger.book(BLOCK).losses_in_a_row == 0
    ledger.release(reserved(ledger), replace(LOSS, gas_paid_wei=0))
    assert ledger.book(BLOCK).losses_in_a_row == 1


def test_trades_that_never_were_neither_end_nor_lengthen_the_streak(ledger: LimitLedger) -> None:
    ledger.release(reserved(ledger), LOSS)
    ledger.release(reserved(ledger), Replaced(intent_id="i", by=None))
    ledger.release_unused(reserved(ledger), block=BLOCK)
    assert ledger.book(BLOCK).losses_in_a_row == 1


def test_the_operators_resume_clears_the_streak_and_the_next_one_halts_again(ledger: LimitLedger) -> None:
    for name in [reserved(ledger) for _ in range(3)]:
        ledger.release(name, LOSS)
    assert halted(ledger)
    resume(ledger)
    assert ledger.book(BLOCK).losses_in_a_row == 0
    for name in [reserved(ledger) for _ in range(2)]:
        ledger.release(name, LOSS)
    assert halted(ledger) is None
    ledger.release(reserved(ledger), LOSS)
    assert halted(ledger)


def test_a_loss_of_the_day_at_its_mark_halts_and_one_wei_below_does_not(ledger: LimitLedger) -> None:
    ledger.release(reserved(ledger, 499), replace(LOSS, gas_paid_wei=499))
    ledger.release(reserved(ledger), WIN)
    assert halted(ledger) is None
    ledger.release(reserved(ledger, 1), replace(LOSS, gas_paid_wei=1))
    assert halted(ledger) == "the day's losses: measured 500 wei, limit 500 wei"


def test_a_win_never_halts_even_where_the_mark_is_passed(ledger: LimitLedger) -> None:
    name = reserved(ledger)
    ledger.release(reserved(ledger, 500), replace(LOSS, gas_paid_wei=500))
    resume(ledger)
    ledger.release(name, WIN)
    assert halted(ledger) is None


def test_a_crash_between_the_halt_file_and_its_row_is_made_good(ledger: LimitLedger) -> None:
    names = [reserved(ledger) for _ in range(3)]
    for name in names[:2]:
        ledger.release(name, LOSS)
    (ledger.journal.path.parent / HALT_FILE).write_text("left by a crash")
    ledger.release(names[2], LOSS)
    assert halted(ledger) == "losses in a row: measured 3, limit 3"


def test_a_reorg_takes_a_loss_out_of_the_streak_and_off_the_day(ledger: LimitLedger) -> None:
    names = [reserved(ledger) for _ in range(3)]
    for name in names[:2]:
        ledger.release(name, LOSS)
    ledger.release(names[0], Reorged(intent_id="i", block=BLOCK))
    assert ledger.book(BLOCK).losses_in_a_row == 1
    assert ledger.book(BLOCK).loss_wei == 10
    ledger.release(names[2], LOSS)
    assert halted(ledger) is None
    ledger.release(names[0], WIN)
    assert ledger.book(BLOCK).losses_in_a_row == 0


def at(later_s: int, blocks: int = 1) -> object:
    return stub.block(BLOCK.number + blocks, BLOCK.timestamp_s + later_s)


def test_no_timestamp_reopens_a_day_or_opens_one_before_its_blocks(ledger: LimitLedger) -> None:
    ledger.release(reserved(ledger, 400), replace(LOSS, gas_paid_wei=400))
    for block in (at(-1), at(-DAY_S), at(-10 * DAY_S, 2)):
        assert ledger.book(block).loss_wei == 400  # type: ignore[arg-type]
        refused = ledger.reserve(Claim(worst_wei=601), block=block, policy=POLICY)  # type: ignore[arg-type]
        assert isinstance(refused, Breach)
        assert refused.rule == "loss a day"
    leapt = ledger.reserve(Claim(worst_wei=1), block=at(DAY_S), policy=POLICY)  # type: ignore[arg-type]
    assert isinstance(leapt, Breach)
    assert leapt.rule == "chain time"
    late = at(DAY_S, DAY_S // 10)
    name = ledger.reserve(Claim(worst_wei=900), block=late, policy=POLICY)  # type: ignore[arg-type]
    assert isinstance(name, str)
    ledger.release(name, replace(LOSS, gas_paid_wei=450))  # its block says yesterday: it is charged today
    assert ledger.book(BLOCK).loss_wei == 450
    again = ledger.book(BLOCK)
    assert again.day == (BLOCK.timestamp_s + DAY_S) // DAY_S
    assert again.last == ChainTime(time_s=BLOCK.timestamp_s + DAY_S, number=BLOCK.number + DAY_S // 10)


def test_an_outcome_in_a_block_whose_time_leaps_is_charged_and_moves_no_time(ledger: LimitLedger) -> None:
    name = reserved(ledger)
    ledger.release(name, replace(LOSS, block=at(30 * DAY_S)))  # type: ignore[arg-type]
    book = ledger.book(BLOCK)
    assert (book.day, book.loss_wei) == (BLOCK.timestamp_s // DAY_S, 10)


def test_the_rate_counts_a_minute_of_the_chain_and_no_jump_back_empties_it(ledger: LimitLedger) -> None:
    limits = POLICY.model_copy(update={"max_trades_per_minute": 2, "agent_trades_per_minute": 1})
    agent = Claim(worst_wei=1, principal="mcp-1", agent=True)

    def asked(claim: Claim, later_s: int) -> str:
        answer = ledger.reserve(claim, block=at(later_s), policy=limits)  # type: ignore[arg-type]
        return answer.rule if isinstance(answer, Breach) else "reserved"

    assert asked(agent, 0) == "reserved"
    assert asked(agent, 59) == "an agent's trades a minute"
    assert asked(Claim(worst_wei=1), 59) == "reserved"
    assert asked(Claim(worst_wei=1), -3600) == "trades a minute"
    assert asked(agent, 60) == "reserved"
    ledger.release_unused(ledger.held()[-1], block=BLOCK)
    assert asked(agent, 60) == "reserved"


def test_a_spent_day_is_told_by_what_and_name_and_only_what_filled_was_put_in(ledger: LimitLedger) -> None:
    claim = Claim(
        worst_wei=50, principal="mcp-1", agent=True, token="0xt", venues=("v2", "v3"), notional_wei=7, own_wei=7
    )
    names = [ledger.reserve(claim, block=BLOCK, policy=POLICY, worth=EVEN) for _ in range(3)]
    assert ledger.book(BLOCK).held == (claim,) * 3
    ledger.release(str(names[0]), WIN)
    ledger.release(str(names[1]), LOSS)
    ledger.release(str(names[2]), Replaced(intent_id="i", by=None))
    assert ledger.book(BLOCK).spent == {
        ("gas", ""): 30,
        ("loss", ""): 10,
        ("notional", ""): 7,
        ("token", "0xt"): 7,
        ("venue", "v2"): 7,
        ("venue", "v3"): 7,
        ("agent gas", "mcp-1"): 30,
        ("agents gas", ""): 30,
        ("agent notional", "mcp-1"): 7,
    }
    ledger.release(str(names[0]), Reorged(intent_id="i", block=BLOCK))
    assert ledger.book(BLOCK).spent["notional", ""] == 0
    before = ledger.book(BLOCK)
    ledger.rebuild()
    assert ledger.book(BLOCK) == before
