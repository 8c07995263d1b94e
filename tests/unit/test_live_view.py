"""What people see of a running engine."""

import io
from typing import Any

import pytest
from rich.console import Console

from server.live import PLAIN_BLOCKS, Lines, View
from server.show import amount_text, event_line, facts, rounded_text, scaled, summary_text, table

TOKEN = "0x" + "ab" * 20
NAMES = {TOKEN: ("USDC", 6)}
STARTED: dict[str, Any] = {
    "event": "started",
    "chain_id": 42161,
    "block": 9,
    "pools": 32,
    "executor": "0x" + "cd" * 20,
    "state": "ACTIVE",
    "tokens": [{"address": TOKEN, "symbol": "USDC", "decimals": 6}],
}


def fill(realised: int, status: str = "filled") -> dict[str, Any]:
    return {
        "event": "trade",
        "status": status,
        "block": 11,
        "tx_hash": "0x" + "12" * 32,
        "token": TOKEN if status == "filled" else None,
        "realised": str(realised),
    }


def block(number: int, opportunities: int = 1) -> dict[str, Any]:
    return {"event": "block", "number": number, "pools": 32, "opportunities": opportunities}


def drawn(view: View) -> str:
    console = Console(file=io.StringIO(), width=100, color_system=None)
    console.print(view.panel())
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_panel_adds_up_what_it_was_told():
    view = View()
    assert "block –" in drawn(view)
    for event in (STARTED, block(10), block(11, 2), fill(1_500_000), fill(2_000_001), fill(0, "reverted")):
        view(event)
    text = drawn(view)
    assert "block 11" in text
    assert "opportunities 3" in text
    assert "filled 2" in text
    assert "reverted 1" in text
    assert "profit 3.500001 USDC" in text


def test_plain_lines_hold_every_trade_and_a_block_now_and_then(capsys: pytest.CaptureFixture[str]):
    lines = Lines()
    lines(STARTED)
    for number in range(2 * PLAIN_BLOCKS):
        lines(block(number))
    lines(fill(1_500_000))
    said = capsys.readouterr().err.splitlines()
    assert [line for line in said if "pools, 1 opp" in line] == [
        "block 0: 32 pools, 1 opportunities",
        f"block {PLAIN_BLOCKS}: 32 pools, 1 opportunities",
    ]
    assert said[0].startswith("started on chain 42161 at block 9: 32 pools, executor 0xcdcd")
    assert said[-1] == f"block 11: filled 1.5 USDC 0x{'12' * 32}"


def test_an_event_that_nobody_knows_is_still_said():
    assert event_line({"event": "chain lost", "why": "gone", "more": [1]}, {}) == "chain lost why=gone"


@pytest.mark.parametrize(
    ("raw", "decimals", "text"),
    [
        (0, 18, "0"),
        (1, 18, "0.000000000000000001"),
        (10**18, 18, "1"),
        (-15, 1, "-1.5"),
        (7, 0, "7"),
        (10**30, 6, "1" + "0" * 24),
    ],
)
def test_an_amount_is_written_in_full(raw: int, decimals: int, text: str):
    assert scaled(raw, decimals) == text


def test_an_amount_of_an_unknown_token_stays_raw():
    assert amount_text(5, TOKEN, {}) == "5 raw of 0xababab…abab"
    assert rounded_text(1_234_567, TOKEN, {TOKEN: ("T", 7)}) == "0.123456 T"
    assert rounded_text(1_234_567, TOKEN, NAMES) == "1.234567 USDC"


def test_a_symbol_cannot_move_the_cursor():
    assert amount_text(1, TOKEN, {TOKEN: ("\x1b[2J\nUSD" + "C" * 99, 0)}) == "1 [2JUSD" + "C" * 18
    assert "\x1b" not in facts({"tokens": [{"symbol": "\x1b[2J"}], "name": "\x1b"})


def test_a_summary_is_told_in_units():
    summary = {
        "seed": 7,
        "realised": {TOKEN: "1500000"},
        "onchain_delta": {},
        "by_hops": {"2": 3, "3": 1},
        "gas_paid_wei": str(10**15),
        "available_profit_wei": None,
        "verify": {"ok": False, "findings": [1, 2]},
    }
    assert summary_text(summary, STARTED["tokens"]).splitlines() == [
        "seed                  7",
        "realised              1.5 USDC",
        "onchain_delta         nothing",
        "by_hops               2 3, 3 1",
        "gas_paid              0.001 of the native coin",
        "available_profit_wei  –",
        "verify                2 findings",
    ]


def test_a_table_is_aligned():
    assert table(("a", "long"), [("xx", 1), ("y", 22)]) == "a   long\nxx  1\ny   22"
