"""The order within a block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from engine.devnet import accounts
from engine.devnet.mining import head, mine
from engine.devnet.ordering import by_priority

if TYPE_CHECKING:
    from tests.conftest import LocalChain

pytestmark = pytest.mark.node

GWEI = 10**9


def _send(chain: LocalChain, sender: str, nonce: int, tip: int, max_fee: int) -> str:
    body = {"from": sender, "to": sender, "gas": hex(21_000), "nonce": hex(nonce)}
    fees = {"maxFeePerGas": hex(max_fee), "maxPriorityFeePerGas": hex(tip)}
    return chain.rpc.call("eth_sendTransaction", {**body, **fees})


def _mined(chain: LocalChain) -> list[str]:
    chain.mine()
    return chain.rpc.call("eth_getBlockByNumber", "latest", False)["transactions"]


def _senders(chain: LocalChain) -> list[tuple[str, int]]:
    holders = chain.rpc.call("eth_accounts")[accounts.RIVALS.start : accounts.RIVALS.start + 3]
    return [(holder, int(chain.rpc.call("eth_getTransactionCount", holder, "latest"), 16)) for holder in holders]


def test_blocks_are_ordered_by_priority_fee_whatever_the_fee_cap(chain: LocalChain) -> None:
    with chain.reverted():
        (a, n), (b, m), (c, k) = _senders(chain)
        little = _send(chain, a, n, tip=10, max_fee=GWEI)
        much = _send(chain, b, m, tip=1_000, max_fee=GWEI // 10)
        some = _send(chain, c, k, tip=500, max_fee=10 * GWEI)
        assert _mined(chain) == [much, some, little]


def test_where_the_first_to_come_is_the_first_no_fee_buys_a_place(chain: LocalChain) -> None:
    with chain.reverted():
        (a, n), (b, m), (c, k) = _senders(chain)
        little = _send(chain, a, n, tip=10, max_fee=GWEI)
        much = _send(chain, b, m, tip=1_000, max_fee=GWEI // 10)
        some = _send(chain, c, k, tip=500, max_fee=10 * GWEI)
        newest = head(chain.rpc)
        fees = {"base_fee_wei": chain.profile.base_fee_wei, "timestamp_s": newest.timestamp_s + 1}
        mine(chain.rpc, ordering="first_come", **fees)
        mined = chain.rpc.call("eth_getBlockByNumber", "latest", False)["transactions"]
        assert mined == [little, much, some]


def test_a_later_nonce_that_pays_more_waits_for_the_earlier_and_is_not_lost(chain: LocalChain) -> None:
    with chain.reverted():
        (a, n), (b, m), _ = _senders(chain)
        second = _send(chain, a, n + 1, tip=5_000, max_fee=GWEI)
        first = _send(chain, a, n, tip=10, max_fee=GWEI)
        other = _send(chain, b, m, tip=100, max_fee=GWEI)
        assert _mined(chain) == [other, first, second]


def test_transactions_of_impersonated_accounts_are_not_lost(chain: LocalChain) -> None:
    with chain.reverted():
        (a, n), _, _ = _senders(chain)
        chain.rpc.call("anvil_impersonateAccount", accounts.FAUCET)
        unsigned = [_send(chain, accounts.FAUCET, nonce, tip=1, max_fee=GWEI) for nonce in range(3)]
        signed = _send(chain, a, n, tip=100, max_fee=GWEI)
        chain.rpc.call("anvil_stopImpersonatingAccount", accounts.FAUCET)
        assert _mined(chain) == [*unsigned, signed]


def test_a_fee_cap_limits_what_is_paid() -> None:
    def transaction(name: str, cap: int, tip: int | None) -> dict[str, Any]:
        fees = {"gasPrice": hex(cap)} if tip is None else {"maxFeePerGas": hex(cap), "maxPriorityFeePerGas": hex(tip)}
        return {"hash": name, **fees}

    pending = {
        "capped": {"0": transaction("capped", 110, 1_000)},
        "legacy": {"7": transaction("legacy", 120, None)},
        "plain": {"3": transaction("plain", 1_000, 15)},
    }
    assert by_priority(pending, base_fee_wei=100) == ["legacy", "plain", "capped"]
