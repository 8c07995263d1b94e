"""The gas that a candidate is ranked and floored with, held against receipts of real protocols."""

from __future__ import annotations

import pytest

from benchmarks.gas_table import gas_table
from engine.domain.hops import FlashKind
from engine.domain.pools import Family
from engine.planning.capital import EXTRA_GAS, FLASH_KINDS
from engine.scanning.ranking import gas_units
from tests.devnet.executor.trades import ROUTES, Route

pytestmark = pytest.mark.node

TOLERANCE_PPM = 150_000


@pytest.fixture(scope="module")
def receipts() -> dict[str, dict[str, int | str]]:
    return gas_table()


def families(route: Route) -> list[Family]:
    named: dict[str, Family] = {"uni": "constant_product", "sushi": "constant_product", "v3": "concentrated"}
    return [named.get(pool.split()[0]) or ("weighted" if pool == "weighted" else "stable") for pool in route[1::2]]


@pytest.mark.parametrize("capital", EXTRA_GAS)
def test_ranks_with_gas_within_fifteen_percent_of_receipts(
    receipts: dict[str, dict[str, int | str]], capital: str
) -> None:
    kind: FlashKind = FLASH_KINDS[capital]  # type: ignore[index]
    measured = {route: used for route, cells in receipts.items() if isinstance(used := cells[kind.name], int)}
    assert len(measured) >= 8
    for route, used in measured.items():
        estimate = gas_units(families(ROUTES[route])) + EXTRA_GAS[capital]  # type: ignore[index]
        assert abs(estimate - used) * 1_000_000 <= used * TOLERANCE_PPM, (route, capital, estimate, used)


def test_sources_that_cost_more_gas_are_estimated_to(receipts: dict[str, dict[str, int | str]]) -> None:
    order = sorted(EXTRA_GAS, key=lambda capital: EXTRA_GAS[capital])
    for route, cells in receipts.items():
        used = [cells[FLASH_KINDS[capital].name] for capital in order]
        known = [gas for gas in used if isinstance(gas, int)]
        assert known == sorted(known), route
