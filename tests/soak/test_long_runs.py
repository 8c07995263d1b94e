"""Long runs: what a short demo cannot show. `make soak` runs them; a few minutes in all."""

from __future__ import annotations

import json
from pathlib import Path

import psutil
import pytest

from engine.control import SOCKET_NAME
from engine.control_client import call
from engine.domain.errors import ControlError
from engine.venues.table import BY_FAMILY
from tests.devnet.processes import eventually
from tests.scenario.ketch_processes import family, member, result, started, wait_for_engine

pytestmark = [pytest.mark.soak, pytest.mark.node]

MIXED = 60
LONG = 300
SETTLED = 60
END_S = 900.0
MOST_GROWTH_BYTES = 100 << 20
MOST_MORE_FILES = 8


def fills(state: Path) -> int:
    """Ask the engine how many trades it has filled; 0 while it does not answer."""
    try:
        return int(call(state / SOCKET_NAME, "status", timeout_s=30)["totals"]["filled"])
    except ControlError:
        return 0


@pytest.mark.parametrize("seed", [7, 8])
def test_every_family_and_length_is_filled_with_more_than_one_source_of_capital(tmp_path: Path, seed: int) -> None:
    with started(
        *("demo", "--trades", str(MIXED), "--rivals", "2", "--seed", str(seed), "--json", "--state", tmp_path)
    ) as process:
        out, said = process.communicate(timeout=END_S)
    assert process.returncode == 0, said
    summary = json.loads(out.splitlines()[-1])
    print(json.dumps(summary))
    assert summary["filled"] >= MIXED
    assert [name for name in BY_FAMILY if summary["by_family"].get(name, 0) < 3] == []
    assert [hops for hops in ("2", "3", "4") if summary["by_hops"].get(hops, 0) < 3] == []
    assert len(summary["by_capital"]) >= 2
    assert summary["realised"] == summary["onchain_delta"]
    assert int(summary["net_profit_wei"]) > 0
    assert summary["verify"]["ok"] is True


def test_hundreds_of_trades_take_no_more_memory_or_files_and_leave_no_drift(tmp_path: Path) -> None:
    with started("demo", "--rivals", "2", "--seed", "7", "--json", "--state", tmp_path) as process:
        wait_for_engine(tmp_path, process)
        engine = psutil.Process(member(family(process.pid), "up"))
        assert eventually(lambda: fills(tmp_path) >= SETTLED, END_S)
        memory, files = engine.memory_info().rss, engine.num_fds()
        assert eventually(lambda: fills(tmp_path) >= LONG, END_S)
        grown, more = engine.memory_info().rss - memory, engine.num_fds() - files
        drift = result("doctor", "--drift", "--state", tmp_path)
        process.terminate()
        out, said = process.communicate(timeout=END_S)
    assert process.returncode == 0, said
    summary = json.loads(out.splitlines()[-1])
    print(f"{summary['filled']} fills in {summary['blocks']} blocks: {grown >> 20} MiB and {more} files more")
    assert summary["verify"]["ok"] is True
    assert summary["realised"] == summary["onchain_delta"]
    assert drift["ok"] is True, drift
    assert grown < MOST_GROWTH_BYTES
    assert more < MOST_MORE_FILES
