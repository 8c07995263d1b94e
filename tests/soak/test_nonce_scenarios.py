"""10,000 seeded scenarios of a bad chain, in shards of 100; a broken run goes on where it was."""

from __future__ import annotations

import anyio
import pytest

from tests.nonce_scenarios import counting_chain, run_scenarios
from tests.soak.finished import Finished

pytestmark = [pytest.mark.soak, pytest.mark.node]

SHARDS, SCENARIOS = 100, 100


@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.timeout(600)
def test_a_shard_of_scenarios_holds(shard: int) -> None:
    finished = Finished("nonce-scenarios")
    if shard in finished.shards():
        return
    with counting_chain() as chain:
        happened, wrong = anyio.run(run_scenarios, chain, range(shard * SCENARIOS, (shard + 1) * SCENARIOS))
    assert wrong == {}
    finished.add(shard, dict(happened))


def test_ten_thousand_scenarios_held() -> None:
    assert len(Finished("nonce-scenarios").shards()) == SHARDS
