"""`ketch bench mcp`: what it reports, and that MCP's own part stays small beside a bare server in the same run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenario.ketch_processes import result

pytestmark = pytest.mark.node

OWN_MS = 10.0
"""The target is 1 ms on a quiet machine; this only says that nothing is badly wrong on a busy one."""


def test_every_door_is_measured_beside_a_bare_server_and_the_facade(tmp_path: Path) -> None:
    told = result("bench", "mcp", "--calls", "32", "--state", tmp_path / "s")
    assert set(told["doors"]) == {"facade", "memory", "stdio", "http"}
    for door, calls in told["doors"].items():
        wanted = {"engine_status", "simulate_trade"} | (set() if door == "facade" else {"bare_trivial"})
        assert set(calls) == wanted
        for figures in calls.values():
            assert set(figures) == {"1", "16"}
            for row in figures.values():
                assert 0 < row["p50_ms"] <= row["p99_ms"] * 1.01
                assert row["calls_per_s"] > 0
    for door, added in told["added_ms"].items():
        assert added["simulate_over_facade_and_bare"] < OWN_MS, (door, added)
        assert added["engine_status_over_bare"] < OWN_MS, (door, added)
