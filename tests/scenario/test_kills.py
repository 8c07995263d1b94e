"""kill -9 at points drawn by lot beside a living chain: nothing is lost, nothing done twice. `make soak` does 1,000."""

from pathlib import Path

import pytest

from tests import kill_points

pytestmark = [pytest.mark.node, pytest.mark.timeout(600)]


def test_sixty_kills_lose_double_and_hide_no_trade(tmp_path: Path) -> None:
    run = kill_points.run(tmp_path, kills=60, seed=7)
    print(run.figures())
    assert run.findings == []
    assert len(run.kills) == 60
    assert run.mid_intent >= 0.3 * 60
    assert run.accounted is not None
    assert run.accounted.open == 0
    assert run.accounted.filled > 0
