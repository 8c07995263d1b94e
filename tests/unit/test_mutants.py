"""Which mutants a source has, and that the list of equivalent ones is of the sources as they are."""

from __future__ import annotations

from pathlib import Path

from tests.equivalent_mutants import EQUIVALENT
from tests.mutants import ROOT, mutants
from tests.mutation_run import RISK, TESTS

SOURCE = '''
LIMITS = {"a": 1, "b": True}

def within(found, most: int = 2):
    """Say whether it is."""
    if found is None or not found:
        raise ValueError("none")
    log(found)
    return min(found) + 1 <= most
'''
FAULTS = [
    "module: {'a': 1, 'b': True} -> no row 'a'",
    "module: {'a': 1, 'b': True} -> no row 'b'",
    "module: 1 -> 2",
    "module: 1 -> 0",
    "module: True -> False",
    "within: 2 -> 3",
    "within: 2 -> 1",
    "within: if found is None or not found: raise ValueError('none') -> if not",
    "within: found is None or not found -> found is None and (not found)",
    "within: found is None or not found -> not found",
    "within: found is None or not found -> found is None",
    "within: found is None -> found is not None",
    "within: not found -> found",
    "within: raise ValueError('none') -> nothing",
    "within: log(found) -> nothing",
    "within: return min(found) + 1 <= most -> return None",
    "within: min(found) + 1 <= most -> min(found) + 1 < most",
    "within: min(found) + 1 <= most -> min(found) + 1 > most",
    "within: min(found) + 1 -> min(found) - 1",
    "within: min(found) -> max(found)",
    "within: 1 -> 2",
    "within: 1 -> 0",
]


def test_each_kind_of_fault_is_made_in_the_order_of_the_source(tmp_path: Path) -> None:
    path = tmp_path / "limits.py"
    path.write_text(SOURCE)
    made = list(mutants(path))
    assert sorted(mutant.name.removeprefix("limits.py ") for mutant in made) == sorted(FAULTS)
    assert [mutant.name for mutant in made] == [mutant.name for mutant in mutants(path)]
    assert {mutant.name.split()[-1] for mutant in made if mutant.imported} >= {"3", "False"}
    assert len({mutant.code.co_consts + mutant.code.co_names for mutant in made}) > 1


def test_every_equivalent_mutant_is_a_mutant_of_the_sources_as_they_are() -> None:
    names = [mutant.name for path in sorted(RISK.glob("*.py")) for mutant in mutants(path)]
    assert len(names) == len({*names}) > 1_000
    assert sorted(set(EQUIVALENT) - {*names}) == []
    assert all(len(reason) > 20 for reason in EQUIVALENT.values())


def test_every_test_file_of_the_run_is_there() -> None:
    assert [test for test in TESTS if not (ROOT / test.split("::")[0]).is_file()] == []
