"""Half a minute on paper beside a live engine and rivals: nothing missed, no drift, and fills worth what was earned."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.paper_beside_live import Beside, most_off_ppm, run_beside

pytestmark = pytest.mark.node

MOST_OFF_PPM = 20_000


def held(run: Beside) -> None:
    """Hold a run to what paper promises: every block in its turn, whole books, fills worth what was earned."""
    assert all(run.weather[kind] for kind in ("limited", "dropped", "behind", "short range")), run.weather
    assert run.blocks == list(range(run.blocks[0], run.blocks[0] + len(run.blocks)))
    assert run.reorgs == 0
    assert run.drift["ok"] is True, run.drift
    assert run.verify["ok"] is True, run.verify["findings"]
    assert run.paper["on_paper"]["undecided"] == 0
    assert most_off_ppm(run.on_paper["placed"], run.earned) <= MOST_OFF_PPM
    for token, raw in run.earned.items():
        assert run.on_paper["pessimistic"][token] <= raw
    assert run.both > 0
    assert most_off_ppm(run.both_on_paper, run.both_earned) <= MOST_OFF_PPM


def test_fills_on_paper_are_worth_what_a_live_engine_earned(tmp_path: Path) -> None:
    run = run_beside(tmp_path, seconds=15, seed=7, rivals=2, block_ms=1_000)
    held(run)
    assert run.mined > 10
