"""32 principals, 100,000 mixed calls with kills, reorgs and lying timestamps: 0 wei over any cap."""

from pathlib import Path

import pytest

from tests import limit_crowd

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3_600)]


def test_100_000_calls_of_32_principals_never_take_a_wei_past_a_cap(tmp_path: Path) -> None:
    crowd = limit_crowd.run(tmp_path, calls=100_000, processes=4, each=8, kills=100, seed=7)
    print(f"{crowd.calls} calls in {crowd.seconds:.0f} s, {crowd.approved} approved, {crowd.kills} kills, {crowd.ends}")
    assert [f"{f.seq} {f.what} {f.measured} {f.expected}" for f in crowd.report.findings] == []
    assert crowd.kills == 100
    assert crowd.ends["principals"] == 32
