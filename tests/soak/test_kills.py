"""kill -9 at 1,000 points drawn by lot, 50 a shard on a chain of its own; a broken run goes on where it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import kill_points
from tests.soak.finished import Finished

pytestmark = [pytest.mark.soak, pytest.mark.node, pytest.mark.timeout(1_800)]

SHARDS, KILLS = 20, 50


@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_shard_of_kills_loses_doubles_and_hides_no_trade(tmp_path: Path, shard: int) -> None:
    finished = Finished("kills")
    if shard in finished.shards():
        return
    run = kill_points.run(tmp_path, kills=KILLS, seed=1_000 + shard)
    print(run.figures())
    assert run.findings == []
    assert run.accounted is not None
    assert run.accounted.open == 0
    assert run.mid_intent >= 0.3 * KILLS
    finished.add(shard, run.figures())


def test_a_thousand_kills_were_survived_and_a_third_of_them_were_mid_intent() -> None:
    shards = Finished("kills").shards().values()
    total = {name: sum(one[name] for one in shards) for name in ("kills", "mid_intent", "unsent", "filled", "findings")}
    print(total)
    assert total["kills"] == SHARDS * KILLS
    assert total["mid_intent"] >= 0.3 * SHARDS * KILLS
    assert total["unsent"] > 0
    assert total["findings"] == 0
