"""The simulated market: seeded, alive, and never absurd."""

from __future__ import annotations

from collections.abc import Callable
from math import log
from typing import TYPE_CHECKING

import pytest

from engine.devnet import accounts
from engine.devnet.deployment import DeployedPool
from engine.devnet.fair_prices import FairPrices
from engine.devnet.mining import head, mine
from engine.devnet.swaps import Swap, quote_call, quoted
from engine.devnet.traders import Traders
from engine.domain.units import Address

if TYPE_CHECKING:
    from tests.conftest import LocalChain

pytestmark = pytest.mark.node

BLOCKS = 400
FURTHEST = 0.12
"""Log distance that no pool's price may reach from the start, arbitrage or not."""


def _prices(chain: LocalChain) -> dict[DeployedPool, float]:
    """Rate of each pool's first two tokens, in dollars at the start's prices, fee taken off."""
    usd = {token.address: token.usd_cents / 100 / 10**token.decimals for token in chain.deployment.tokens}
    swaps = [
        Swap(pool=pool, token_in=pool.tokens[0], token_out=pool.tokens[1], amount_in=int(10 / usd[pool.tokens[0]]))
        for pool in chain.deployment.pools
    ]
    answers = chain.rpc.eth_calls([quote_call(chain.deployment.contracts, swap) for swap in swaps])
    return {
        swap.pool: quoted(swap, answer) * usd[swap.token_out] / 10 / (1 - swap.pool.fee_ppm / 1e6)
        for swap, answer in zip(swaps, answers, strict=True)
    }


def test_every_pool_moves_and_none_runs_away_though_nobody_arbitrages(
    own_chain: Callable[[int], LocalChain],
) -> None:
    chain = own_chain(42161)
    holders = [Address(address) for address in chain.rpc.call("eth_accounts")]
    traders = Traders(
        chain.rpc,
        chain.deployment,
        [holders[index] for index in accounts.TRADERS],
        seed=7,
        block_time_ms=250,
        base_fee_wei=chain.profile.base_fee_wei,
    )
    before, newest = _prices(chain), head(chain.rpc)
    for _ in range(BLOCKS):
        traders.act(newest)
        newest = mine(chain.rpc, base_fee_wei=chain.profile.base_fee_wei, timestamp_s=newest.timestamp_s + 1)
    moved = {pool: abs(log(price / before[pool])) for pool, price in _prices(chain).items()}
    assert max(moved.values()) < FURTHEST
    assert sum(distance > 0 for distance in moved.values()) == len(moved)
    assert BLOCKS / 2 < traders.sent < BLOCKS * 2
    receipts = [r for n in range(5, newest.number + 1) for r in chain.rpc.call("eth_getBlockReceipts", hex(n))]
    assert len(receipts) == traders.sent
    assert sum(receipt["status"] == "0x1" for receipt in receipts) >= 0.9 * len(receipts)
    assert len({receipt["to"] for receipt in receipts}) == 4  # every family's router


def test_fair_prices_repeat_with_the_seed_and_return(chain: LocalChain) -> None:
    tokens = chain.deployment.tokens
    one, same, other = (FairPrices(tokens, seed) for seed in (7, 7, 8))
    for _ in range(20_000):
        one.step(0.25)
        same.step(0.25)
        other.step(0.25)
    assert [one.usd(t.address) for t in tokens] == [same.usd(t.address) for t in tokens]
    assert [one.usd(t.address) for t in tokens] != [other.usd(t.address) for t in tokens]
    for token in tokens:
        start = token.usd_cents / 100 / 10**token.decimals
        assert abs(log(one.usd(token.address) / start)) < FURTHEST
