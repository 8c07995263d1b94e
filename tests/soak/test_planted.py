"""Every planted fault, one at a time: the test it names fails, and no test that is named for another fault does.

A fault that was found is not planted again until the code, its patch or its test's file changes.
"""

from __future__ import annotations

import hashlib

import pytest

from tests.planted.faults import FAULTS, ROOT, Fault, ends, plant, project_copy
from tests.soak.finished import FOLDER, Finished

pytestmark = [pytest.mark.soak, pytest.mark.node, pytest.mark.timeout(1_800)]

ON_A_CHAIN = "tests/devnet/"
TREE = FOLDER / "planted"
"""Always the same folder: compiled code is kept by where its source is."""


def named_for(fault: Fault | None) -> list[str]:
    """List the tests that are run with a fault: those without a chain always, those with one beside one of theirs."""
    chain = fault is None or fault.test.startswith(ON_A_CHAIN)
    return [one.test for one in FAULTS if chain or not one.test.startswith(ON_A_CHAIN)]


def shard_of(fault: Fault) -> int:
    """Number a patch by what it and the file of its test hold."""
    test = ROOT / fault.test.partition("::")[0]
    return int(hashlib.sha256(fault.patch.read_bytes() + test.read_bytes()).hexdigest()[:12], 16)


def test_without_any_fault_every_named_test_passes() -> None:
    found = ends(project_copy(TREE), named_for(None))
    assert {*found} == {*named_for(None)}
    assert {test: end for test, end in found.items() if end.failed} == {}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_the_named_test_fails_for_this_fault_and_for_no_other(fault: Fault) -> None:
    finished = Finished("planted")
    if shard_of(fault) in finished.shards():
        return
    tree = project_copy(TREE)
    plant(fault, tree)
    found = ends(tree, named_for(fault))
    assert {*found} == {*named_for(fault)}, "a named test did not run"
    print(fault.name, found[fault.test])
    assert found[fault.test].found_it, found[fault.test]
    others = {test: end for test, end in found.items() if end.failed and test != fault.test}
    assert bool(others) is bool(fault.also), (fault.also, others)
    finished.add(shard_of(fault), {"fault": fault.name, "test": fault.test, "seconds": found[fault.test].seconds})
