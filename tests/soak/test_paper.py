"""Ten minutes on paper beside a live engine and rivals, in foul weather."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.paper_beside_live import run_beside
from tests.scenario.test_paper_beside import held

pytestmark = [pytest.mark.soak, pytest.mark.node]

SECONDS = 600
BLOCK_MS = 1_500
"""The node keeps the state of 500 blocks, and each trade is decided on that of its own."""


def test_ten_minutes_on_paper_are_worth_what_a_live_engine_earned(tmp_path: Path) -> None:
    run = run_beside(tmp_path, seconds=SECONDS, seed=7, rivals=3, block_ms=BLOCK_MS)
    print(json.dumps(run.figures()))
    held(run)
    assert len(run.blocks) > 350
    assert run.mined > 100
