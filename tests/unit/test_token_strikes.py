"""When failing trades weigh more than a check that finds nothing: few of the kind that no rival makes, many of any."""

import pytest

from engine.domain.units import Address
from engine.market.token_strikes import MOST, MOST_OWN, Strikes

TOKEN, OTHER, BASE = (Address("0x" + pair * 20) for pair in ("aa", "bb", "cc"))


def strikes() -> Strikes:
    return Strikes(trusted=[BASE], window=100)


def limit_reached_after(reason: str | None, of: Strikes, *, step: int = 1) -> int | None:
    """Fail trades until the token is at its limit; say after how many."""
    for count in range(1, 3 * MOST):
        if TOKEN in of.failed([TOKEN, BASE], count * step, reason):
            return count
    return None


@pytest.mark.parametrize("reason", ["UniswapV2: K", "UniswapV2: TRANSFER_FAILED", "short output", "transfer"])
def test_reverts_that_no_rival_makes_reach_the_limit_soon(reason: str) -> None:
    assert limit_reached_after(reason, strikes()) == MOST_OWN + 1


LATE = [
    None,
    "",
    "below floor",
    "below minimum",
    "asks more",
    "late",
    "reason not known: no trace",
    "execution reverted",
]


@pytest.mark.parametrize("reason", LATE)
def test_what_a_rival_may_have_caused_or_a_simulation_refused_takes_many(reason: str | None) -> None:
    assert limit_reached_after(reason, strikes()) == MOST + 1


def test_what_simulations_refuse_on_one_block_counts_once() -> None:
    of = strikes()
    assert all(of.failed([TOKEN], 7, None) == {} for _ in range(3 * MOST))
    assert limit_reached_after(None, of, step=8) == MOST


def test_a_trade_that_fills_clears_its_tokens_and_no_other() -> None:
    of = strikes()
    for block in range(MOST_OWN):
        assert of.failed([TOKEN, OTHER], block, "transfer") == {}
    of.filled([TOKEN])
    assert of.failed([TOKEN, OTHER], 9, "transfer").keys() == {OTHER}


def test_what_is_longer_ago_than_the_window_does_not_count() -> None:
    assert limit_reached_after("transfer", strikes(), step=60) is None


def test_a_token_that_every_cycle_begins_in_is_not_blamed() -> None:
    of = strikes()
    assert all(BASE not in of.failed([BASE], block, "transfer") for block in range(3 * MOST))


def test_what_was_measured_is_said() -> None:
    of = strikes()
    of.failed([TOKEN], 1, None)
    for block in range(MOST_OWN):
        of.failed([TOKEN], block, "transfer")
    assert of.failed([TOKEN], 9, "transfer")[TOKEN] == "4 in a row, 3 of them as no rival makes them"
