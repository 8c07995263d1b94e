"""32 principals in 4 processes share one ledger; kills, reorgs and lying timestamps never take a wei past a cap."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine.journal.journal import Journal
from engine.risk.book import Claim
from engine.risk.limits import LimitLedger
from tests import limit_crowd
from tests.unit import journal_stubs as stub


def test_32_principals_in_4_processes_never_take_a_wei_past_a_cap(tmp_path: Path) -> None:
    crowd = limit_crowd.run(tmp_path, calls=5_000, processes=4, each=8, kills=8, seed=11)
    print(f"{crowd.calls} calls in {crowd.seconds:.1f} s, {crowd.approved} approved, {crowd.kills} kills, {crowd.ends}")
    assert [f"{f.seq} {f.what} {f.measured} {f.expected}" for f in crowd.report.findings] == []
    assert crowd.kills == 8
    assert crowd.approved > 200
    assert crowd.ends["principals"] == 32
    assert crowd.ends["days"] > 1
    assert min(crowd.ends[how] for how in ("filled", "reverted", "replaced", "unused", "reorged", "HALTED")) > 0


@pytest.mark.parametrize(
    ("claim", "found"),
    [
        (Claim(worst_wei=10**16), "gas"),
        (Claim(worst_wei=0, notional_wei=61 * 10**18), "notional"),
        (Claim(worst_wei=0, own_wei=5 * 10**18), "own"),
        (Claim(worst_wei=2 * 10**15, principal="mcp-1", agent=True), "agent gas mcp-1"),
    ],
)
def test_the_checker_finds_one_reservation_that_passes_a_cap(tmp_path: Path, claim: Claim, found: str) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal.open(path, genesis=limit_crowd.GENESIS) as journal:
        loose = limit_crowd.POLICY.model_copy(
            update={name: 10**30 for name in type(limit_crowd.POLICY).model_fields if name.endswith("_wei")}
        )
        told = LimitLedger(journal).reserve(replace(claim, token="0xt"), block=stub.block(), policy=loose)
        assert isinstance(told, str)
        (entry,) = journal.entries("reservation")
        forged = entry.body | {"reservation": "forged", "policy_hash": limit_crowd.POLICY.digest()}
        journal.append("reservation", forged)
    report, _ = limit_crowd.check(path)
    assert any(f.seq == 3 and f"passes a cap ({found}" in f.what for f in report.findings)
