"""Replays, without a node, what deployed contracts answered when `make golden` recorded them: no wei of error."""

import gzip
import json
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from engine.domain.errors import QuoteError
from engine.domain.pools import AnyPool, ConcentratedPool, ConstantProductPool, StablePool, WeightedPool
from engine.venues.table import BY_FAMILY, venue_of

FILES = sorted(Path(__file__).parent.glob("*.json.gz"))
KINDS: dict[str, type[AnyPool]] = {
    "constant_product": ConstantProductPool,
    "concentrated": ConcentratedPool,
    "weighted": WeightedPool,
    "stable": StablePool,
}
ENOUGH = 1_000


def read(path: Path) -> dict[str, Any]:
    return json.loads(gzip.decompress(path.read_bytes()))


def pool_of(plain: dict[str, Any]) -> AnyPool:
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()}
    if "ticks" in values:
        values["ticks"] = MappingProxyType({tick: tuple(liquidity) for tick, liquidity in values["ticks"]})
    return KINDS[values["family"]](**values)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_recorded_answer_is_quoted_to_the_wei(path: Path) -> None:
    content = read(path)
    pools = [pool_of(plain) for plain in content["pools"]]
    assert len(content["answers"]) >= ENOUGH
    for place, token_in, token_out, exact_in, amount, answer in content["answers"]:
        pool = pools[place]
        venue = venue_of(pool)
        quote = venue.quote_out if exact_in else venue.quote_in
        try:
            quoted = quote(pool, pool.tokens[token_in], pool.tokens[token_out], amount)
        except QuoteError:
            quoted = None
        assert quoted == answer, (pool, token_in, exact_in, amount)


def test_every_family_has_recorded_answers() -> None:
    recorded = {plain["family"] for path in FILES for plain in read(path)["pools"]}
    assert recorded == set(BY_FAMILY)


def test_the_golden_files_stay_small() -> None:
    assert sum(path.stat().st_size for path in FILES) < 300_000
