"""The signer's own gas a day: counted from the signed bytes, kept over restarts, never signed uncounted."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.domain.errors import ConfigError, SigningRefused
from engine.domain.units import Address
from engine.execution.gas_day import GasDay
from tests.unit.execution.signer_sockets import DAY_NS, WORST_WEI, capped
from tests.unit.execution.test_signer import (
    MAX_FEE_WEI,
    approved,
)


def test_the_days_gas_is_counted_by_what_was_signed_and_survives_a_restart(tmp_path: Path) -> None:
    first = capped(tmp_path, limit_wei=2 * WORST_WEI)
    first.sign_trade(approved(), intent_id="a", nonce=0)
    first.sign_trade(approved(), intent_id="b", nonce=0)  # one nonce can be mined once
    first.sign_trade(approved(), intent_id="c", nonce=1)
    for again in (first, capped(tmp_path, limit_wei=2 * WORST_WEI)):
        with pytest.raises(SigningRefused, match="the day is used up"):
            again.sign_trade(approved(), intent_id="d", nonce=2)
        with pytest.raises(SigningRefused, match="the day is used up"):
            again.sign_cancel(2, max_fee_wei=MAX_FEE_WEI, priority_fee_wei=1)
    capped(tmp_path, limit_wei=2 * WORST_WEI, now_ns=2 * DAY_NS).sign_trade(approved(), intent_id="e", nonce=2)
    back = capped(tmp_path, limit_wei=2 * WORST_WEI, now_ns=DAY_NS)
    back.sign_trade(approved(), intent_id="f", nonce=3)
    with pytest.raises(SigningRefused, match="the day is used up"):
        back.sign_trade(approved(), intent_id="g", nonce=4)  # a clock set back begins no new day


KEY, NEXT_KEY = Address("0x" + "01" * 20), Address("0x" + "02" * 20)


def test_another_keys_nonces_count_beside_the_earlier_ones(tmp_path: Path) -> None:
    for key in (KEY, NEXT_KEY):
        GasDay(tmp_path / "g", limit_wei=30, now_ns=lambda: DAY_NS).take(0, 15, key)
    with pytest.raises(SigningRefused, match="the day is used up"):
        GasDay(tmp_path / "g", limit_wei=30, now_ns=lambda: DAY_NS).take(1, 1, NEXT_KEY)


def test_what_is_counted_stays_small_and_whole(tmp_path: Path) -> None:
    day = GasDay(tmp_path / "g", limit_wei=10**9, now_ns=lambda: DAY_NS)
    for nonce in range(600):
        day.take(nonce, 10**6, KEY)
    assert (tmp_path / "g").stat().st_size < 8_000
    GasDay(tmp_path / "g", limit_wei=600 * 10**6 + 1, now_ns=lambda: DAY_NS).take(600, 1, KEY)
    with pytest.raises(SigningRefused):
        GasDay(tmp_path / "g", limit_wei=600 * 10**6 + 1, now_ns=lambda: DAY_NS).take(601, 1, KEY)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"day": 1, "older_wei": "x", "nonces": {}}', b"\xff"])
def test_a_count_that_cannot_be_read_starts_no_signer(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "signer-gas.json").write_bytes(content)
    with pytest.raises(ConfigError, match="what was signed today"):
        capped(tmp_path)


def test_nothing_is_signed_that_cannot_be_counted(tmp_path: Path) -> None:
    holder = capped(tmp_path)
    (tmp_path / "signer-gas.new").mkdir()
    with pytest.raises(SigningRefused, match="cannot be written"):
        holder.sign_trade(approved(), intent_id="a", nonce=0)
