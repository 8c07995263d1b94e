"""Each planted fault is found by the test that its patch names: a few of them here, all of them in `make soak`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.planted.faults import FAULTS, ROOT, Fault, ends, plant, project_copy

AT_LEAST = 20
HERE = tuple(fault for fault in FAULTS if fault.runs == "default")


def test_there_are_faults_enough_and_each_has_a_test_of_its_own() -> None:
    assert len(FAULTS) >= AT_LEAST
    assert len({fault.test for fault in FAULTS}) == len(FAULTS)
    assert {fault.runs for fault in FAULTS} == {"default", "soak"}
    assert all(fault.what and fault.cost for fault in FAULTS)
    assert sorted({fault.name[:2] for fault in FAULTS}) == [fault.name[:2] for fault in FAULTS], "a number twice"


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_fault_can_still_be_planted_and_its_test_is_there(fault: Fault) -> None:
    plant(fault, ROOT, check=True)
    path, _, name = fault.test.partition("::")
    assert f"def {name.split('[')[0]}(" in (ROOT / path).read_text("utf-8"), fault.test


@pytest.mark.parametrize("fault", HERE, ids=lambda fault: fault.name)
def test_the_named_test_finds_the_fault(tmp_path: Path, fault: Fault) -> None:
    tree = project_copy(tmp_path / "tree")
    plant(fault, tree)
    found = ends(tree, [fault.test])
    assert fault.test in found, f"{fault.name}: the named test did not run"
    assert found[fault.test].found_it, f"{fault.name} is in the code and {fault.test} says {found[fault.test]}"
