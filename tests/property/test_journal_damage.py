"""Whatever happens to a journal's bytes, it is read whole or refused in one line; and the checker always answers."""

import random
from pathlib import Path

from engine.domain.errors import JournalError
from engine.journal.journal import Journal
from engine.journal.records import open_submissions
from engine.journal.trades import totals
from engine.risk.halt import trading_state
from engine.risk.limits import LimitLedger
from engine.verify.verify import verify_state
from tests.unit import journal_stubs as stub
from tests.unit import verify_stubs as truth

ROUNDS = 120


def damaged(whole: bytes, dice: random.Random) -> bytes:
    """Change a few bytes, the schema's page a little more often, and now and then cut the file."""
    changed = bytearray(whole)
    for _ in range(dice.choice((1, 1, 2, 8, 64))):
        at = dice.randrange(len(changed)) if dice.random() < 0.7 else dice.randrange(3 * 4096)
        changed[at] ^= dice.randrange(1, 256)
    return bytes(changed[: dice.randrange(len(changed))] if dice.random() < 0.05 else changed)


def use(journal: Journal, state: Path) -> None:
    """Read all that the engine and its clients read."""
    ledger = LimitLedger(journal)
    _ = journal.head, journal.genesis, totals(journal), open_submissions(journal)
    _ = trading_state(journal, state), ledger.book(stub.block()), ledger.held()


def test_a_damaged_journal_is_refused_in_one_line_or_was_not_touched_where_it_counts(tmp_path: Path) -> None:
    truth.true_state(tmp_path)
    path, dice, refused = tmp_path / "journal.sqlite", random.Random(7), 0
    whole = path.read_bytes()
    for _ in range(ROUNDS):
        for file in tmp_path.iterdir():
            file.unlink()
        path.write_bytes(damaged(whole, dice))
        for opened in (Journal.read, Journal.open):
            try:
                with opened(path) as journal:
                    use(journal, tmp_path)
                    if opened == Journal.open:
                        journal.append("command", {"type": "Stop", "reason": "x"})
            except JournalError as fault:
                assert "\n" not in fault.line()
                refused += 1
    print(f"{ROUNDS} damaged files, opened twice each: refused {refused} times")
    assert refused > ROUNDS // 2


def test_no_damage_stops_the_checker_and_none_escapes_it(tmp_path: Path) -> None:
    truth.true_state(tmp_path)
    path, dice = tmp_path / "journal.sqlite", random.Random(8)
    whole = path.read_bytes()
    for _ in range(ROUNDS):
        path.write_bytes(damaged(whole, dice))
        assert [finding for finding in verify_state(tmp_path, None).findings if finding.what != "chain not reached"]
