"""A bad chain cannot make a trade run twice, leave a nonce open, or cost more gas than allowed: seeded scenarios."""

from __future__ import annotations

import anyio
import pytest

from tests.nonce_scenarios import counting_chain, run_scenarios

pytestmark = pytest.mark.node

SCENARIOS = 200
OF_A_CHAIN = 50


@pytest.mark.parametrize("first", range(0, SCENARIOS, OF_A_CHAIN))
@pytest.mark.timeout(120)
def test_no_double_execution_no_lasting_gap_no_fee_above_the_cap(first: int) -> None:
    with counting_chain() as chain:
        happened, wrong = anyio.run(run_scenarios, chain, range(first, first + OF_A_CHAIN))
    assert wrong == {}
    met = {"reorg", "drop", "dear", "outside taken", "hide", "refuse", "restart", "bump"}
    ends = {"Filled", "Reverted", "Cancelled", "Replaced"}
    assert met | (ends - {"Reverted"}) <= {name for name, times in happened.items() if times}, happened
