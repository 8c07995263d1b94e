"""What Balancer's logs do to pools, and whose logs count."""

from dataclasses import replace
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from engine.domain.errors import ChainError, QuoteError
from engine.domain.hops import HopKind, unpack_hop
from engine.domain.pools import Log, StablePool, WeightedPool
from engine.domain.units import Address, PoolId
from engine.venues import stable, weighted

VAULT = Address("0x" + "ba" * 20)
POOL = PoolId("0x" + "d3" * 20)
POOL_ID = bytes.fromhex("d3" * 20 + "0002" + "00" * 9 + "2a")
A, B, C = (Address("0x" + digit * 40) for digit in "123")
E18 = 10**18
SHARED: dict[str, Any] = {
    "id": POOL,
    "deployment": "balancer_v2",
    "balancer_id": "0x" + POOL_ID.hex(),
    "fee": 3 * 10**15,
    "vault": VAULT,
}
WEIGHTED = WeightedPool(
    **SHARED, tokens=(A, B), balances=(100 * E18, 300 * 10**6), weights=(8 * 10**17, 2 * 10**17), scaling=(1, 10**12)
)
STABLE = StablePool(**SHARED, tokens=(A, B, C), balances=(10**24, 10**12, 10**24), amp=200_000, scaling=(1, 10**12, 1))


def log(signature: str, *topics: bytes, data: bytes = b"", emitter: Address = VAULT) -> Log:
    return Log(
        address=emitter,
        topics=(keccak(text=signature), *topics),
        data=data,
        block_number=1,
        tx_hash="0x" + "00" * 32,
        log_index=0,
    )


def word(address: Address) -> bytes:
    return bytes.fromhex(address[2:]).rjust(32, b"\0")


def swap_log(pool_id: bytes = POOL_ID, emitter: Address = VAULT, token_out: Address = B) -> Log:
    amounts = encode(["uint256", "uint256"], [5 * E18, 3 * 10**6])
    return log(
        "Swap(bytes32,address,address,uint256,uint256)",
        pool_id,
        word(A),
        word(token_out),
        data=amounts,
        emitter=emitter,
    )


def own_log(signature: str, *values: int) -> Log:
    return log(signature, data=encode(["uint256"] * len(values), values), emitter=Address(POOL))


def test_a_swap_moves_both_balances() -> None:
    assert weighted.apply(WEIGHTED, swap_log()).balances == (105 * E18, 297 * 10**6)
    assert stable.apply(STABLE, swap_log()).balances == (10**24 + 5 * E18, 10**12 - 3 * 10**6, 10**24)


def test_joins_and_exits_move_every_balance_and_pay_the_protocol() -> None:
    signature = "PoolBalanceChanged(bytes32,address,address[],int256[],uint256[])"
    types = ["address[]", "int256[]", "uint256[]"]
    joined = log(signature, POOL_ID, word(C), data=encode(types, [[A, B], [10 * E18, 7 * 10**6], [E18, 1]]))
    assert weighted.apply(WEIGHTED, joined).balances == (109 * E18, 307 * 10**6 - 1)
    left = log(signature, POOL_ID, word(C), data=encode(types, [[A, B], [-10 * E18, -7 * 10**6], [0, 2]]))
    assert weighted.apply(WEIGHTED, left).balances == (90 * E18, 293 * 10**6 - 2)


@pytest.mark.parametrize(("cash", "managed", "after"), [(-40, 40, 300), (40, -40, 300), (0, 9, 309), (0, -9, 291)])
def test_what_an_asset_manager_takes_out_still_counts_and_its_gain_or_loss_shows(
    cash: int, managed: int, after: int
) -> None:
    deltas = encode(["int256", "int256"], [cash * 10**6, managed * 10**6])
    moved = log("PoolBalanceManaged(bytes32,address,address,int256,int256)", POOL_ID, word(C), word(B), data=deltas)
    assert weighted.apply(WEIGHTED, moved).balances == (100 * E18, after * 10**6)


def test_a_changed_fee_counts_from_the_pool_only() -> None:
    changed = own_log("SwapFeePercentageChanged(uint256)", 10**16)
    assert weighted.apply(WEIGHTED, changed).fee == 10**16
    assert stable.apply(STABLE, changed).fee == 10**16
    assert weighted.apply(WEIGHTED, replace(changed, address=C)) == WEIGHTED


@pytest.mark.parametrize(
    "foreign",
    [swap_log(emitter=C), swap_log(emitter=Address(POOL)), swap_log(pool_id=POOL_ID[:-1] + b"\x07")],
    ids=["a stranger", "the pool itself", "another pool id of this address"],
)
def test_a_swap_that_this_pool_s_vault_did_not_log_changes_nothing(foreign: Log) -> None:
    assert weighted.apply(WEIGHTED, foreign) == WEIGHTED
    assert stable.apply(STABLE, foreign) == STABLE


def test_a_pool_without_a_known_vault_believes_no_balance_log() -> None:
    unknown = replace(WEIGHTED, vault=Address("0x" + "00" * 20))
    assert weighted.apply(unknown, swap_log()) == unknown


def test_logs_of_other_kinds_leave_the_pool_as_it_is() -> None:
    other = log("FlashLoan(address,address,uint256,uint256)", word(A), word(B), data=bytes(64))
    assert weighted.apply(WEIGHTED, other) == WEIGHTED
    assert stable.apply(STABLE, other) == STABLE


def test_a_log_that_names_a_token_the_pool_does_not_have_says_read_again() -> None:
    with pytest.raises(ChainError, match="read pool"):
        weighted.apply(WEIGHTED, swap_log(token_out=C))


def test_a_vault_log_names_the_pool_inside_and_a_pool_log_its_emitter() -> None:
    assert weighted.pool_of(swap_log()) == POOL
    assert stable.pool_of(own_log("AmpUpdateStopped(uint256)", 1)) == POOL


def test_every_topic_that_a_venue_names_is_one_it_understands() -> None:
    assert len(set(weighted.topics)) == len(weighted.topics) == 4
    assert set(stable.topics) - set(weighted.topics) == {stable.AMP_UPDATE_STARTED, stable.AMP_UPDATE_STOPPED}


def test_while_the_amplification_moves_nothing_is_quoted() -> None:
    moving = stable.apply(STABLE, own_log("AmpUpdateStarted(uint256,uint256,uint256,uint256)", 1, 2, 3, 4))
    for refuses in (stable.quote_out, stable.quote_in, stable.swap):
        with pytest.raises(QuoteError, match="amplification"):
            refuses(moving, A, B, 10**6)
    assert stable.marginal_rate(moving, A, B) == 0.0
    stopped = stable.apply(moving, own_log("AmpUpdateStopped(uint256)", 250_000))
    assert stopped == replace(STABLE, amp=250_000)
    assert stable.quote_out(stopped, A, B, E18) > 0


def test_joins_and_exits_by_swap_are_refused_and_the_own_token_does_not_count() -> None:
    own = StablePool(
        **SHARED, tokens=(A, B, C), balances=(10**24, 2**111, 10**24), amp=200_000, scaling=(1, 1, 1), bpt_index=1
    )
    plain = replace(own, tokens=(A, C), balances=(10**24, 10**24), scaling=(1, 1), bpt_index=None)
    assert stable.quote_out(own, A, C, E18) == stable.quote_out(plain, A, C, E18)
    assert stable.quote_in(own, C, A, E18) == stable.quote_in(plain, C, A, E18)
    for pair in ((A, B), (B, C)):
        with pytest.raises(QuoteError, match="join"):
            stable.quote_out(own, *pair, E18)


def test_a_rate_scales_what_a_token_is_worth() -> None:
    grown = StablePool(
        **SHARED,
        tokens=(A, B),
        balances=(8 * 10**23, 10**24),
        amp=200_000,
        scaling=(1, 1),
        rates=(E18 * 5 // 4, E18),
    )
    received = stable.quote_out(grown, A, B, E18)
    assert E18 * 124 // 100 < received < E18 * 125 // 100
    assert stable.marginal_rate(grown, A, B) == pytest.approx(1.25 * 0.997, rel=1e-9)


def test_a_hop_carries_the_whole_pool_id() -> None:
    for venue, pool in ((weighted, WEIGHTED), (stable, STABLE)):
        hop = unpack_hop(venue.encode(pool, A, B))
        assert (hop.kind, hop.pool, hop.token_out) == (HopKind.BALANCER, POOL, B)
        assert hop.balancer_id == pool.balancer_id


def test_a_venue_refuses_the_other_family_s_pools() -> None:
    with pytest.raises(TypeError):
        weighted.quote_out(STABLE, A, B, E18)
    with pytest.raises(TypeError):
        stable.quote_out(WEIGHTED, A, B, E18)
