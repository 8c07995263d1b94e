"""What each limit takes at least and at most, and how lists are written: one policy has one form, and keeps it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from engine.domain.hops import PPM
from engine.risk.policy import KNOWN_CHAINS, Policy
from engine.risk.terms import AgentSwitches, Terms

AMOUNT = (0, 2**256 - 1)
SHARE = (0, 1_000_000)
COUNT = (1, 1_000_000)
RANGE: dict[str, tuple[int, int]] = {
    "min_net_profit_wei": (1, 2**256 - 1),
    "max_open_intents": (1, 1_000),
    "halt_at_loss_share_ppm": SHARE,
    "bid_share_ppm": SHARE,
    "floor_share_ppm": SHARE,
    "halt_at_losses_in_a_row": COUNT,
    "max_trades_per_minute": COUNT,
    "agent_trades_per_minute": COUNT,
}
"""Where it is not an amount in wei, which fits the chain's 256 bits."""
NUMBERS = [name for name in Policy.model_fields if not name.startswith("allowed_")]
UPPER, LOWER = "0x" + "AB" * 20, "0x" + "ab" * 20


@pytest.mark.parametrize("name", NUMBERS)
def test_a_limit_takes_its_range_whole_and_nothing_beyond_it(name: str) -> None:
    least, most = RANGE.get(name, AMOUNT)
    for value in (least, most):
        assert getattr(Policy(**{name: value}), name) == value
    for value in (least - 1, most + 1):
        with pytest.raises(ValidationError):
            Policy(**{name: value})


def test_a_share_is_of_a_million() -> None:
    assert SHARE == (0, PPM)


@pytest.mark.parametrize(("text", "value"), [("7", 7), ("007", 7), ("1_000", 1_000)])
def test_whole_numbers_come_as_text_too(text: str, value: int) -> None:
    assert Policy(max_gas_wei=text, bid_share_ppm=text).max_gas_wei == value  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [1.0, True, False, None, "", "1.0", "_1", "-1", "0x1", "1 wei", b"1", [1]], ids=repr)
def test_what_is_no_whole_number_is_never_made_one(wrong: Any) -> None:
    for name in ("max_gas_wei", "bid_share_ppm", "max_trades_per_minute", "min_net_profit_wei", "max_open_intents"):
        with pytest.raises(ValidationError, match="whole number"):
            Policy(**{name: wrong})
    with pytest.raises(ValidationError):
        Policy(allowed_chains=(wrong,))


def test_a_list_is_kept_sorted_once_and_addresses_in_lower_case() -> None:
    policy = Policy(
        allowed_chains=(10, 1, 10),  # type: ignore[arg-type]
        allowed_tokens=("0x" + "cd" * 20, UPPER, LOWER),  # type: ignore[arg-type]
        allowed_deployments=("uniswap_v3", "curve", "curve"),
    )
    assert policy.allowed_chains == (1, 10)
    assert policy.allowed_tokens == (LOWER, "0x" + "cd" * 20)
    assert policy.allowed_deployments == ("curve", "uniswap_v3")


@pytest.mark.parametrize("wrong", ["", "WETH", "0x", LOWER + "0", LOWER[:-1], LOWER[2:], " " + LOWER], ids=repr)
def test_a_token_is_an_address_of_40_hex_digits(wrong: str) -> None:
    with pytest.raises(ValidationError, match="must be an address"):
        Policy(allowed_tokens=(wrong,))  # type: ignore[arg-type]


def test_without_a_list_the_four_chains_that_ketch_knows_are_allowed() -> None:
    assert Policy().allowed_chains == KNOWN_CHAINS == (1, 10, 8453, 42161)


def test_agents_do_not_trade_until_somebody_says_so() -> None:
    assert Terms().agents == AgentSwitches(trading=False, live_trading=False)


@pytest.mark.parametrize(
    ("held", "name", "value"),
    [(Policy(), "max_gas_wei", 1), (Terms(), "risk", Policy(max_gas_wei=1)), (AgentSwitches(), "trading", True)],
    ids=["a limit", "the policy", "a switch"],
)
def test_nobody_changes_the_terms_in_force_in_their_place(held: Any, name: str, value: object) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(held, name, value)
