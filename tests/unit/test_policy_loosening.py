"""The table of which way each limit loosens: complete, the checker's too, and each row the right way round."""

from __future__ import annotations

from typing import Any

import pytest

from engine.risk.loosening import CHANGED, LOOSENS, changes, loosenings, said, tightened
from engine.risk.policy import Policy
from engine.risk.terms import Terms
from engine.verify.policies import LOOSENS as CHECKED

WETH, USDC = "0x" + "aa" * 20, "0x" + "bb" * 20
TIGHTER_AND_LOOSER: dict[str, tuple[Any, Any]] = {
    "risk.allowed_chains": ((1,), (1, 10)),
    "risk.allowed_tokens": ((WETH,), (WETH, USDC)),
    "risk.allowed_deployments": (("uniswap_v2",), ("curve", "uniswap_v2")),
    "agents.trading": (False, True),
    "agents.live_trading": (False, True),
    "risk.min_net_profit_wei": (10, 9),
    "risk.floor_share_ppm": (10, 9),
}
"""Where it is not a cap, for which a smaller value is tighter."""


def terms(name: str, value: object) -> Terms:
    return Terms.of(Terms().flat() | {name: value})


def test_every_setting_of_the_terms_has_a_row_and_no_row_is_of_another() -> None:
    assert set(LOOSENS) == set(Terms().flat())
    assert {f"risk.{name}" for name in Policy.model_fields} <= set(LOOSENS)


def test_the_checkers_own_table_says_the_same() -> None:
    assert {name: row.when for name, row in LOOSENS.items()} == dict(CHECKED)


@pytest.mark.parametrize("name", sorted(LOOSENS))
def test_each_limit_loosens_in_one_direction_only(name: str) -> None:
    tight, loose = (terms(name, value) for value in TIGHTER_AND_LOOSER.get(name, (9, 10)))
    assert [change.name for change in loosenings(tight, loose)] == [name]
    assert loosenings(loose, tight) == ()
    assert [change.name for change in changes(loose, tight)] == [name]
    assert tightened(tight, loose) == tightened(loose, tight) == tight


@pytest.mark.parametrize("name", ["risk.allowed_tokens", "risk.allowed_deployments"])
def test_no_list_is_a_list_of_everything(name: str) -> None:
    listed, everything = terms(name, TIGHTER_AND_LOOSER[name][0]), terms(name, None)
    assert [change.name for change in loosenings(listed, everything)] == [name]
    assert loosenings(everything, listed) == ()


def test_lists_that_only_overlap_come_to_what_both_hold_and_the_rest_waits() -> None:
    held, wanted = terms("risk.allowed_chains", (1, 10)), terms("risk.allowed_chains", (10, 8453))
    taken = tightened(held, wanted)
    assert taken.risk.allowed_chains == (10,)
    assert [change.new for change in loosenings(taken, wanted)] == [(10, 8453)]


def test_a_limit_without_a_row_changes_with_the_signature_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.risk.loosening.LOOSENS", {})
    tight, loose = terms("risk.max_gas_wei", 9), terms("risk.max_gas_wei", 10)
    assert CHANGED.when == "changed"
    assert loosenings(tight, loose)
    assert loosenings(loose, tight)
    assert tightened(loose, tight) == loose


def test_values_are_said_in_words() -> None:
    assert [said(value) for value in (None, True, False, (), (1, 10), 7)] == [
        "anything",
        "on",
        "off",
        "nothing",
        "1, 10",
        "7",
    ]
