"""`ketch bench capture`: real processes on fresh chains, and figures that can be so. How good they are is no test's."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.bench_prior import summed
from server.capture import BIDS, LATENCIES_MS, USUAL_BID, above_plain, matrix
from tests.scenario.ketch_processes import ketch, result

BLOCKS = 12


@pytest.mark.node
def test_the_engine_and_the_plain_bot_trade_against_rivals_and_the_chain_says_what_they_took(tmp_path: Path) -> None:
    told = result("bench", "capture", "--quick", "--blocks", BLOCKS, "--state", tmp_path / "s")
    assert (told["rivals"], told["rivals_latency_ms"], told["blocks"]) == (3, 100, BLOCKS)
    assert [(run["who"], run["ordering"], run["added_ms"], run["bid"]) for run in told["runs"]] == [
        ("engine", "priority_fee", 0, "half"),
        ("plain", "priority_fee", 0, None),
    ]
    for run in told["runs"]:
        taken, rivals, available = (int(run[name]) for name in ("taken_wei", "rivals_taken_wei", "available_wei"))
        assert 0 <= run["fills"] <= run["submissions"]
        assert taken >= 0, "a fill pays for its own gas"
        assert (taken > 0) == (run["fills"] > 0)
        assert int(run["kept_wei"]) == taken - int(run["bids_wei"]) - int(run["missed_wei"])
        assert int(run["stood_wei"]) <= available
        assert (int(run["missed_wei"]) > 0) == (run["fills"] < run["submissions"])
        assert taken + rivals + int(run["left_wei"]) <= available * 1.1, "nobody takes what was not there"
        if available:
            assert run["capture_ratio"] == round(taken / available, 4)
    engine, plain = told["runs"]
    assert engine["submissions"] > 0
    assert int(plain["bids_wei"]) < 10**15, "the plain bot does not bid"


def test_every_latency_has_both_bots_under_both_orderings_and_every_bid_is_tried() -> None:
    cells = matrix(quick=False)
    for ordering in ("priority_fee", "first_come"):
        for added_ms in LATENCIES_MS:
            pair = {(c.who, c.bid) for c in cells if (c.ordering, c.added_ms) == (ordering, added_ms)}
            assert pair >= {("engine", USUAL_BID), ("plain", None)}
    assert {cell.bid for cell in cells if cell.bid is not None} == set(BIDS)


def test_above_the_plain_bot_means_at_every_latency_and_under_every_bid() -> None:
    def run(who: str, added_ms: int, ratio: float | None) -> dict[str, object]:
        return {"who": who, "ordering": "first_come", "added_ms": added_ms, "capture_ratio": ratio}

    plain = [run("plain", 0, 0.3), run("plain", 250, 0.2)]
    assert above_plain([*plain, run("engine", 0, 0.9), run("engine", 250, 0.3)])
    assert not above_plain([*plain, run("engine", 0, 0.9), run("engine", 250, 0.2)])
    assert not above_plain([*plain, run("engine", 0, None), run("engine", 250, 0.9)])


def test_the_seeds_of_one_way_are_added_up_apart_from_the_others() -> None:
    def run(prior: bool, taken_wei: int, fills: int) -> dict[str, object]:
        amounts = {"available_wei": "100", "taken_wei": str(taken_wei), "kept_wei": "-5", "missed_wei": "7"}
        return amounts | {"prior": prior, "submissions": 9, "fills": fills}

    rows = [run(False, 10, 1), run(True, 40, 2), run(False, 20, 3)]
    assert summed(rows, prior=False) == {
        "prior": False,
        "capture_ratio": 0.15,
        "kept_ratio": -0.05,
        "available_wei": "200",
        "taken_wei": "30",
        "kept_wei": "-10",
        "missed_wei": "14",
        "submissions": 18,
        "fills": 4,
    }


def test_an_option_of_the_other_measurement_is_not_understood() -> None:
    refused = ketch("bench", "mcp", "--blocks", "20")
    assert refused.returncode == 2
    assert "--blocks is an option of ketch bench capture" in refused.stderr
