"""Small faults in engine/risk, one at a time: the fast tests of the rules must see at least 95 % of them.

Run as a program it says which survive: python -m tests.soak.test_risk_mutants [share of them] [file names].
"""

import random
import subprocess
import sys

import pytest

from tests.mutants import ROOT, is_killed, mutants, untouched

TESTS = (
    *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "tests" / "unit").glob("test_risk_*.py"))),
    *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "tests" / "unit").glob("test_policy_*.py"))),
    "tests/property/test_limit_ledger.py",
    "--deselect",
    "tests/unit/test_risk_limits.py::test_processes_that_spend_one_cap_at_once_spend_it_once",
)
LEAST = 0.95

pytestmark = [pytest.mark.soak, pytest.mark.timeout(14_400)]


def score(share: float, files: list[str], seed: int = 3) -> tuple[int, list[str]]:
    """Run a share of the mutants; return how many there were and the names of those that survived."""
    import eth_account  # noqa: F401 - heavy, and imported once for all mutants
    import hypothesis.stateful  # noqa: F401
    import pydantic  # noqa: F401

    rules = sorted((ROOT / "engine" / "risk").glob("*.py"))
    assert not is_killed(untouched(rules[-1]), TESTS), "the tests fail on what has no fault"
    dice, survived, ran = random.Random(seed), list[str](), 0
    for path in rules:
        for mutant in mutants(path):
            if dice.random() >= share or (files and path.name not in files):
                continue
            ran += 1
            if not is_killed(mutant, TESTS):
                survived.append(mutant.name)
                print(f"survived: {mutant.name}", flush=True)
    return ran, survived


def test_the_tests_see_nearly_every_small_fault_in_the_rules() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.soak.test_risk_mutants"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    print(done.stdout)
    killed, ran = (int(word) for word in done.stdout.splitlines()[-1].split()[1:4:2])
    assert ran > 300
    assert killed >= LEAST * ran


if __name__ == "__main__":
    ran, survived = score(float((sys.argv[1:] or ["1"])[0]), sys.argv[2:])
    print(f"killed {ran - len(survived)} of {ran}")
