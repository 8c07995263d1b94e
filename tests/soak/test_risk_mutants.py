"""Small faults in engine/risk, one at a time: the fast tests see at least 95 % of those that change anything."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutants import ROOT

LEAST = 0.95

pytestmark = [pytest.mark.soak, pytest.mark.timeout(7_200)]


def test_the_tests_see_nearly_every_small_fault_in_the_rules_of_money() -> None:
    argv = [sys.executable, "-m", "tests.mutation_run"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    print(done.stdout, done.stderr)
    assert done.returncode == 0
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["mutants"] > 1_000
    assert found["killed"] >= LEAST * (found["killed"] + found["out of time"] + found["survived"])
    assert "no equivalent:" not in done.stdout


def ran(*tests: str, share: float) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "tests.mutation_run", "caps.py", "--share", str(share), "--tests", *tests]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)


def test_mutants_die_of_the_tests_that_are_about_them_and_of_no_others() -> None:
    seen, unseen = (
        json.loads(ran(f"tests/unit/{tests}.py", share=0.04).stdout.splitlines()[-1])
        for tests in ("test_risk_caps", "test_hops")
    )
    assert seen["mutants"] == unseen["mutants"] == unseen["survived"] + unseen["equivalent"]
    assert seen["killed"] > seen["survived"]


def test_a_run_whose_tests_fail_on_the_sources_as_they_are_measures_nothing(tmp_path: Path) -> None:
    fails = tmp_path / "test_fails.py"
    fails.write_text("def test_fails():\n    assert 1 == 2, 'on purpose'\n")
    done = ran(str(fails), share=0.03)
    assert done.returncode != 0
    assert "Broken: sources as they are, imported: ended with 1" in done.stderr
    assert "on purpose" in done.stderr
    assert "killed" not in done.stdout
