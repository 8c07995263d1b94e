"""Each cap lets through what comes to its limit exactly, and refuses one wei, one trade or one loss more."""

from collections.abc import Callable
from typing import Any

import pytest

from engine.risk.book import Book, Claim, Spent
from engine.risk.caps import CAPS, first_over, halt_at_loss_wei, leap, over, room_to_burn, tripped
from engine.risk.chain_time import DAY_S, LEAP, MINUTE_S, SLACK_S, ChainTime, advanced, is_plausible
from engine.risk.policy import Policy
from tests.unit import journal_stubs as stub

AGENT = Claim(worst_wei=5, principal="mcp-1", agent=True, token="0xt", venues=("v2", "v3"), notional_wei=70, own_wei=30)
OTHER = Claim(worst_wei=11, principal="mcp-2", agent=True, token="0xu", venues=("v3",), notional_wei=1_000, own_wei=200)
ENGINES = Claim(worst_wei=100, token="0xt", venues=("v2",), notional_wei=10_000, own_wei=0)
SPENT: dict[tuple[Spent, str], int] = {
    ("gas", ""): 1,
    ("loss", ""): 2,
    ("notional", ""): 3,
    ("token", "0xt"): 4,
    ("token", "0xu"): 10**9,
    ("venue", "v2"): 5,
    ("venue", "v3"): 6,
    ("agent gas", "mcp-1"): 7,
    ("agent gas", "mcp-2"): 10**9,
    ("agents gas", ""): 8,
    ("agent notional", "mcp-1"): 9,
    ("agent notional", "mcp-2"): 10**9,
}
BOOK = Book(
    spent=SPENT,
    held=(OTHER, ENGINES, AGENT),
    open=3,
    lately={"engine": 5, "mcp-1": 2, "mcp-2": 4},
    losses_in_a_row=6,
)
COMES_TO: dict[str, tuple[str, int]] = {
    "open intents": ("max_open_intents", 4),
    "losses in a row": ("halt_at_losses_in_a_row", 7),
    "trades a minute": ("max_trades_per_minute", 12),
    "an agent's trades a minute": ("agent_trades_per_minute", 3),
    "gas budget a day": ("gas_budget_per_day_wei", 1 + 116 + 5),
    "loss a day": ("max_loss_per_day_wei", 2 + 116 + 5),
    "an agent's gas a day": ("agent_gas_per_day_wei", 7 + 5 + 5),
    "all agents' gas a day": ("agents_gas_per_day_wei", 8 + 16 + 5),
    "notional a day": ("max_notional_per_day_wei", 3 + 11_070 + 70),
    "notional of a token a day": ("max_notional_per_token_per_day_wei", 4 + 10_070 + 70),
    "notional at a venue a day": ("max_notional_per_venue_per_day_wei", 5 + 10_070 + 70),
    "an agent's notional a day": ("agent_notional_per_day_wei", 9 + 70 + 70),
    "exposure": ("max_exposure_wei", 230 + 30),
}
WIDE = {field: 10**6 for field, _ in COMES_TO.values()} | {"max_open_intents": 1_000}


def policy(**changes: Any) -> Policy:
    return Policy(**WIDE | changes)


@pytest.mark.parametrize("cap", CAPS, ids=lambda cap: cap.rule)
def test_takes_what_comes_to_the_limit_exactly_and_nothing_above_it(cap: Any) -> None:
    field, comes_to = COMES_TO[cap.rule]
    assert first_over(BOOK, AGENT, policy(**{field: comes_to})) is None
    breach = first_over(BOOK, AGENT, policy(**{field: comes_to - 1}))
    assert breach is not None
    assert breach == over(cap, BOOK, AGENT, policy(**{field: comes_to - 1}))
    assert breach.rule == cap.rule
    assert str(comes_to) in breach.measured
    assert breach.limit.startswith(str(comes_to - 1))
    assert breach.next_step


def test_every_cap_is_in_the_table_of_this_test() -> None:
    assert [cap.rule for cap in CAPS] == list(COMES_TO)


def test_a_breach_names_the_agent_token_or_venue_that_it_is_about() -> None:
    breach = first_over(BOOK, AGENT, policy(max_notional_per_venue_per_day_wei=10_144))
    assert breach is not None
    assert breach.measured == "10145 wei (v2)"
    assert breach.limit == "10144 wei"
    gas = first_over(BOOK, AGENT, policy(agent_gas_per_day_wei=0))
    assert gas is not None
    assert gas.measured.endswith(f"wei ({AGENT.principal})")


def test_caps_on_agents_and_own_capital_say_nothing_of_other_trades() -> None:
    tight = policy(
        agent_gas_per_day_wei=0,
        agents_gas_per_day_wei=0,
        agent_notional_per_day_wei=0,
        agent_trades_per_minute=1,
        max_exposure_wei=0,
    )
    assert first_over(BOOK, ENGINES, tight) is None


def test_room_to_burn_is_what_the_nearest_cap_leaves() -> None:
    assert room_to_burn(BOOK, AGENT, policy(gas_budget_per_day_wei=217)) == 100
    assert room_to_burn(BOOK, AGENT, policy(agent_gas_per_day_wei=20)) == 8
    assert room_to_burn(BOOK, AGENT, policy(agents_gas_per_day_wei=31)) == 7
    assert room_to_burn(BOOK, ENGINES, policy(agents_gas_per_day_wei=31, max_loss_per_day_wei=119)) == 1


def test_losses_trip_at_their_mark_and_not_before() -> None:
    marks = {"halt_at_loss_wei": 2, "halt_at_losses": 7}
    reason = tripped(BOOK, **marks)
    assert reason == "the day's losses: measured 2 wei, limit 2 wei"
    assert tripped(BOOK, **marks | {"halt_at_loss_wei": 3}) is None
    reason = tripped(BOOK, halt_at_loss_wei=3, halt_at_losses=6)
    assert reason == "losses in a row: measured 6, limit 6"
    assert halt_at_loss_wei(policy(max_loss_per_day_wei=999, halt_at_loss_share_ppm=500_000)) == 499


@pytest.mark.parametrize("wrong", [{"worst_wei": -1}, {"notional_wei": -1}, {"own_wei": -1}], ids=str)
def test_a_claim_is_never_negative(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="-1"):
        Claim(**{"worst_wei": 0} | wrong)  # type: ignore[arg-type]
    assert Claim(worst_wei=0).own_wei == 0


T0 = ChainTime(time_s=1_800_000_000, number=100)


@pytest.mark.parametrize(
    ("number", "later_s", "fits"),
    [
        (101, SLACK_S + LEAP, True),
        (101, SLACK_S + LEAP + 1, False),
        (100, SLACK_S, True),
        (100, SLACK_S + 1, False),
        (50, SLACK_S, True),
        (50, SLACK_S + 1, False),
        (100 + DAY_S // LEAP, DAY_S, True),
        (102, -DAY_S, True),
    ],
)
def test_a_leap_of_the_timestamp_must_be_borne_out_by_blocks(number: int, later_s: int, fits: bool) -> None:
    block = stub.block(number, T0.time_s + later_s)
    assert is_plausible(T0, block) is fits
    breach = leap(T0, block)
    assert (breach is None) is fits
    if breach:
        assert breach.rule == "chain time"
        assert breach.next_step
        assert str(T0.time_s) in breach.limit
    moved = ChainTime(time_s=block.timestamp_s, number=number)
    assert advanced(T0, block) == (moved if fits and later_s > 0 else T0)


def test_a_timestamp_has_an_hour_of_slack_and_a_minute_has_sixty_seconds() -> None:
    assert (SLACK_S, LEAP, DAY_S, MINUTE_S) == (3_600, 10, 86_400, 60)


def test_each_chain_has_its_own_pace_and_an_unknown_one_the_slowest() -> None:
    def bound(chain: int) -> int:
        block: Callable[[int], Any] = lambda s: type(stub.block())(  # noqa: E731
            chain=chain, number=101, hash="0x", timestamp_s=T0.time_s + s
        )
        return max(s for s in range(SLACK_S, SLACK_S + 200) if is_plausible(T0, block(s))) - SLACK_S

    assert [bound(chain) for chain in (1, 10, 8453, 42161, 99)] == [120, 20, 20, 10, 120]


def test_the_first_block_sets_the_time_and_a_day_is_86400_seconds() -> None:
    assert is_plausible(None, stub.block())
    assert leap(None, stub.block()) is None
    now = advanced(None, stub.block(7, 3 * DAY_S))
    assert now == ChainTime(time_s=3 * DAY_S, number=7)
    assert (now.day, ChainTime(time_s=3 * DAY_S - 1, number=0).day, DAY_S) == (3, 2, 86_400)
    same = stub.block(200, T0.time_s)
    assert advanced(T0, same) == T0
