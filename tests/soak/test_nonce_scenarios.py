"""10,000 seeded scenarios of a bad chain, in shards; a shard that is done is not run again until the code changes.

`KETCH_NONCE_SHARDS` says how many shards of 100 to run, all of them by default.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import anyio
import pytest

from engine.chains.compiled import cache_dir
from tests.nonce_scenarios import counting_chain, run_scenarios

pytestmark = [pytest.mark.soak, pytest.mark.node]

SHARD = 100
SHARDS = int(os.environ.get("KETCH_NONCE_SHARDS", "100"))
ROOT = Path(__file__).parents[2]


def done_file() -> Path:
    """Name the file that remembers which shards of this very code have passed."""
    digest = hashlib.sha256()
    for path in (*sorted((ROOT / "engine").rglob("*.py")), ROOT / "tests" / "nonce_scenarios.py"):
        digest.update(path.read_bytes())
    return cache_dir() / f"nonce-scenarios-{digest.hexdigest()[:16]}.done"


@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.timeout(600)
def test_a_shard_of_scenarios_holds(shard: int) -> None:
    done = done_file()
    done.parent.mkdir(parents=True, exist_ok=True)
    if done.is_file() and str(shard) in done.read_text(encoding="ascii").split():
        pytest.skip(f"shard {shard} has passed before: {done}")
    with counting_chain() as chain:
        _, wrong = anyio.run(run_scenarios, chain, range(shard * SHARD, (shard + 1) * SHARD))
    assert wrong == {}
    with done.open("a", encoding="ascii") as file:
        file.write(f"{shard}\n")
