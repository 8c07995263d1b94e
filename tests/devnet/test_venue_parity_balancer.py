"""Weighted and stable pools against the deployed bytecode: quotes to the wei, and state kept by logs alone."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations
from random import Random

import pytest
from eth_abi.abi import encode

from engine.devnet.calldata import call, returned
from engine.domain.errors import QuoteError
from engine.domain.pools import StablePool
from engine.domain.units import Address
from engine.venues import stable
from engine.venues.balancer_vault import POOL_BALANCE_CHANGED
from engine.venues.table import venue_of
from tests.devnet.balancer_chain import (
    DAY_S,
    E18,
    JOIN,
    Asked,
    BalancerChain,
    Pool,
    ask_vault,
    balancer_chain,
    balances_in_vault,
    number,
)
from tests.devnet.balancer_questions import edge_amounts, random_amounts
from tests.devnet.uniswap_chain import after_logs, logs_since

pytestmark = pytest.mark.node

RANDOM_A_POOL = 300
SWAP = "swap((bytes32,uint8,address,address,uint256,bytes),(address,bool,address,bool),uint256,uint256)"
EXIT = "exitPool(bytes32,address,address,(address[],uint256[],bytes,bool))"
FAMILIES = ("weighted", "stable")


@pytest.fixture(scope="module")
def balancer() -> Iterator[BalancerChain]:
    with balancer_chain() as chain:
        yield chain


def ours(asked: Asked) -> int | None:
    """The venue's quote, None where it refuses."""
    pool, token_in, token_out, amount, exact_in = asked
    venue = venue_of(pool)
    try:
        return (venue.quote_out if exact_in else venue.quote_in)(pool, token_in, token_out, amount)
    except QuoteError:
        return None


def differences(chain: BalancerChain, asked: list[Asked]) -> list[tuple[Asked, int | None, int | None]]:
    answers = ask_vault(chain, asked)
    found = [(one, ours(one), answer) for one, answer in zip(asked, answers, strict=True)]
    return [(one, mine, answer) for one, mine, answer in found if mine != answer]


@pytest.mark.parametrize("family", FAMILIES)
def test_quotes_what_the_vault_answers_for_random_amounts(balancer: BalancerChain, family: str) -> None:
    asked = random_amounts(balancer.of_family(family), Random(7), RANDOM_A_POOL)
    answers = ask_vault(balancer, asked)
    assert [ours(one) for one in asked] == answers
    swaps = len([answer for answer in answers if answer is not None])
    print(f"{family}: {len(asked)} amounts, {swaps} answers and {len(asked) - swaps} reverts equal to the wei")
    assert swaps >= 1000


@pytest.mark.parametrize("family", FAMILIES)
def test_quotes_and_refuses_as_the_vault_does_at_the_edges(balancer: BalancerChain, family: str) -> None:
    assert differences(balancer, edge_amounts(balancer.of_family(family))) == []


def test_refuses_what_does_not_converge_on_the_chain_either(balancer: BalancerChain) -> None:
    pool = balancer.of_family("stable")[0]
    assert isinstance(pool, StablePool)
    lopsided = replace(pool, amp=50_000, scaling=(1, 1, 1), balances=(10**21, 2 * 10**24, 3 * 10**22))
    with pytest.raises(QuoteError, match="converge"):  # a first join of these amounts reverts with BAL#322
        stable.quote_out(lopsided, *pool.tokens[:2], 10**18)


def swap_on_chain(chain: BalancerChain, pool: Pool, token_in: Address, token_out: Address, amount: int) -> None:
    me = chain.sending.sender
    one = (bytes.fromhex(pool.balancer_id[2:]), 0, token_in, token_out, amount, b"")
    chain.sending.call(chain.vault, SWAP, one, (me, False, me, False), 0, 2**40)


def join_and_leave(chain: BalancerChain, pool: Pool) -> None:
    me, pool_id = chain.sending.sender, bytes.fromhex(pool.balancer_id[2:])
    amounts = [balance // 50 for balance in pool.balances]
    exact_tokens_in = encode(["uint256", "uint256[]", "uint256"], [1, amounts, 0])
    chain.sending.call(chain.vault, JOIN, pool_id, me, me, (pool.tokens, amounts, exact_tokens_in, False))
    chain.sending.mine()
    shares = number(chain, Address(pool.id), "balanceOf(address)", me) // 3
    exact_shares_in = encode(["uint256", "uint256"], [1, shares])
    nothing = [0] * len(pool.tokens)
    chain.sending.call(chain.vault, EXIT, pool_id, me, me, (pool.tokens, nothing, exact_shares_in, False))
    chain.sending.mine()


def let_the_protocol_take_half_the_fees(chain: BalancerChain) -> None:
    """Joins and exits then pay the vault's collector out of the pool."""
    answer = chain.rpc.eth_call(chain.vault, call("getProtocolFeesCollector()"))
    collector = Address("0x" + answer[12:].hex())
    question = call("getActionId(bytes4)", call("setSwapFeePercentage(uint256)", 0)[:4])
    action = chain.rpc.eth_call(collector, question)
    chain.sending.call(chain.authorizer, "grantRole(bytes32,address)", action, chain.sending.sender)
    chain.sending.call(collector, "setSwapFeePercentage(uint256)", E18 // 2)


def test_logs_alone_keep_every_pool_as_the_vault_has_it() -> None:
    random = Random(11)
    with balancer_chain() as chain:
        block = chain.rpc.block_number()
        let_the_protocol_take_half_the_fees(chain)
        swapped: list[Pool] = []
        for pool in chain.pools:
            after = pool
            for _ in range(6):
                token_in, token_out = random.sample(pool.tokens, 2)
                amount = after.balances[after.tokens.index(token_in)] // random.randrange(10, 90)
                swap_on_chain(chain, pool, token_in, token_out, amount)
                after = venue_of(pool).swap(after, token_in, token_out, amount)[1]
            swapped.append(after)
        chain.sending.mine()
        logs = logs_since(chain.rpc, block)
        for pool, after in zip(chain.pools, swapped, strict=True):
            assert after_logs(pool, logs) == after
            assert balances_in_vault(chain, pool) == after.balances
        for pool in chain.pools:
            join_and_leave(chain, pool)
        logs = logs_since(chain.rpc, block)
        for pool in chain.pools:
            assert after_logs(pool, logs).balances == balances_in_vault(chain, pool)
        changes = [log for log in logs if log.topics[0] == POOL_BALANCE_CHANGED]
        assert len(changes) == 2 * len(chain.pools)
        paying = [log for log in changes if any(returned(["address[]", "int256[]", "uint256[]"], log.data)[2])]
        assert paying, "no join or exit paid the protocol"


def test_follows_a_changed_fee_and_waits_out_a_moving_amplification() -> None:
    with balancer_chain() as chain:
        fixed = chain.of_family("weighted")[0]
        moving = chain.of_family("stable")[0]
        block = chain.rpc.block_number()
        for pool in (fixed, moving):
            chain.sending.call(Address(pool.id), "setSwapFeePercentage(uint256)", 7 * 10**15)
        until = chain.sending.timestamp_s + 3 * DAY_S
        start = "startAmplificationParameterUpdate(uint256,uint256)"
        chain.sending.call(Address(moving.id), start, 350, until)
        chain.sending.mine()

        fixed, started = (after_logs(pool, logs_since(chain.rpc, block)) for pool in (fixed, moving))
        tokens = moving.tokens
        assert ask_vault(chain, [(fixed, *fixed.tokens, 10**6, True)]) == [ours((fixed, *fixed.tokens, 10**6, True))]
        assert (fixed.fee, started.fee) == (7 * 10**15, 7 * 10**15)
        assert ours((started, *tokens[:2], 10**9, True)) is None
        assert venue_of(started).marginal_rate(started, *tokens[:2]) == 0.0

        chain.sending.timestamp_s += DAY_S  # a third of the way
        chain.sending.call(Address(moving.id), "stopAmplificationParameterUpdate()")
        chain.sending.mine()
        stopped = after_logs(moving, logs_since(chain.rpc, block))
        assert isinstance(stopped, StablePool)
        assert 200_000 < stopped.amp < 350_000
        asked = [(stopped, *pair, 10**n, True) for pair in permutations(tokens, 2) for n in (7, 9, 11)]
        assert differences(chain, asked) == []
