"""The deployed routers and the quoter against the venues: a thousand and more amounts a family, no wei of error."""

import random
from collections.abc import Iterator
from dataclasses import replace

import pytest

from engine.devnet.calldata import call, returned
from engine.domain.errors import QuoteError
from engine.domain.pools import ConcentratedPool, ConstantProductPool
from engine.venues.table import venue_of
from engine.venues.tick_math import sqrt_ratio_at
from tests.devnet.uniswap_chain import (
    UniswapChain,
    after_logs,
    ask_contracts,
    ask_quoter,
    ask_routers,
    logs_since,
    send_swap,
    uniswap_chain,
)
from tests.devnet.uniswap_questions import our_answer, questions, sides

pytestmark = pytest.mark.node

RANDOM_EACH = 400  # amounts a pool: some 3,000 a family, and the edges
ENOUGH = 1_000
BURN = "decreaseLiquidity((uint256,uint128,uint256,uint256,uint256))"
FOREVER_S = 2**40


@pytest.fixture
def chain() -> Iterator[UniswapChain]:
    with uniswap_chain() as running:
        yield running


def state_on_chain(chain: UniswapChain, pool: ConstantProductPool | ConcentratedPool) -> object:
    """Read back by views what the logs should have told."""
    if isinstance(pool, ConstantProductPool):
        (reserves,) = ask_contracts(chain, [(pool.id, call("getReserves()"))])
        reserve0, reserve1, _ = returned(["uint112", "uint112", "uint32"], reserves or b"")
        return replace(pool, reserve0=reserve0, reserve1=reserve1)
    views = [(pool.id, call("slot0()")), (pool.id, call("liquidity()"))]
    views += [(pool.id, call("ticks(int24)", tick)) for tick in pool.tick_index]
    slot0, liquidity, *ticks = (answer or b"" for answer in ask_contracts(chain, views))
    price, tick, *_ = returned(["uint160", "int24", "uint16", "uint16", "uint16", "uint8", "bool"], slot0)
    found = {}
    for place, answer in zip(pool.tick_index, ticks, strict=True):
        gross, net = returned(["uint128", "int128"], answer[:64])
        found[place] = (net, gross)
    (inside,) = returned(["uint128"], liquidity)
    return replace(pool, sqrt_price_x96=price, tick=tick, liquidity=inside, ticks=found)


def test_logs_alone_give_the_state_that_the_contracts_hold(chain: UniswapChain) -> None:
    for pool in (*chain.pairs, *chain.concentrated):
        assert pool == state_on_chain(chain, pool)


def test_pairs_are_quoted_as_their_routers_answer(chain: UniswapChain) -> None:
    rng = random.Random(7)
    asked = [question for pool in chain.pairs for question in questions(pool, rng, RANDOM_EACH)]
    answers = ask_routers(chain, asked)
    assert len(asked) >= ENOUGH
    assert sum(answer is None for answer in answers) < len(asked) / 3
    for question, answer in zip(asked, answers, strict=True):
        assert our_answer(question) == answer, question


def test_ranges_are_quoted_as_the_quoter_answers(chain: UniswapChain) -> None:
    rng = random.Random(7)
    asked = [question for pool in chain.concentrated for question in questions(pool, rng, RANDOM_EACH)]
    answers = ask_quoter(chain, asked)
    assert len(asked) >= ENOUGH
    assert sum(answer is None for answer in answers) < len(asked) / 3
    for question, answer in zip(asked, answers, strict=True):
        assert our_answer(question) == answer, question


def test_swaps_leave_the_state_that_was_foretold_and_are_quoted_from_there(chain: UniswapChain) -> None:
    rng = random.Random(11)
    pools = {pool.id: pool for pool in (*chain.pairs, *chain.concentrated)}
    for _ in range(4):
        before = chain.rpc.block_number()
        foretold = {}
        for pool in pools.values():
            token_in, token_out = sides(pool, rng.random() < 0.5)
            amount = int(2 ** rng.uniform(10, 90))
            try:
                _, foretold[pool.id] = venue_of(pool).swap(pool, token_in, token_out, amount)
            except QuoteError:
                continue
            send_swap(chain, pool, token_in, token_out, amount)
        assert len(foretold) >= 5
        chain.sending.mine()
        logs = logs_since(chain.rpc, before)
        for pool in list(pools.values()):
            pools[pool.id] = after_logs(pool, logs)
            assert pools[pool.id] == foretold.get(pool.id, pool) == state_on_chain(chain, pools[pool.id])
    pairs = [q for p in pools.values() if isinstance(p, ConstantProductPool) for q in questions(p, rng, 20)]
    ranges = [q for p in pools.values() if isinstance(p, ConcentratedPool) for q in questions(p, rng, 20)]
    assert [our_answer(question) for question in pairs] == ask_routers(chain, pairs)
    assert [our_answer(question) for question in ranges] == ask_quoter(chain, ranges)


@pytest.mark.parametrize("down", [True, False])
def test_a_price_left_exactly_on_a_tick_is_quoted_both_ways(chain: UniswapChain, down: bool) -> None:
    pool = after_logs(replace(chain.concentrated[0], ticks={}, tick_index=(), liquidity=0), logs_since(chain.rpc, 0))
    ahead = [t for t in pool.tick_index if (t < pool.tick if down else t > pool.tick)]
    edge = ahead[-1] if down else ahead[0]
    before = chain.rpc.block_number()
    send_swap(chain, pool, *sides(pool, down), 2**120, limit=sqrt_ratio_at(edge))
    chain.sending.mine()
    pool = after_logs(pool, logs_since(chain.rpc, before))
    assert pool.sqrt_price_x96 == sqrt_ratio_at(edge)
    assert pool.tick == (edge - 1 if down else edge)
    asked = list(questions(pool, random.Random(3), 50))
    assert [our_answer(question) for question in asked] == ask_quoter(chain, asked)


def test_a_position_taken_back_frees_its_ticks(chain: UniswapChain) -> None:
    before = chain.rpc.block_number()
    (held,) = ask_contracts(chain, [(chain.v3.positions, call("positions(uint256)", 1))])
    position = returned(["uint96"] + ["address"] * 3 + ["uint24", "int24", "int24", "uint128"], (held or b"")[:256])
    (_, _, token0, token1, _, lower, _, liquidity) = position
    pool = after_logs(replace(chain.concentrated[0], ticks={}, tick_index=(), liquidity=0), logs_since(chain.rpc, 0))
    assert pool.tokens == (token0, token1)
    assert lower in pool.ticks
    chain.sending.call(chain.v3.positions, BURN, (1, liquidity, 0, 0, FOREVER_S))
    chain.sending.mine()
    pool = after_logs(pool, logs_since(chain.rpc, before))
    assert lower not in pool.ticks
    assert pool == state_on_chain(chain, pool)
    asked = list(questions(pool, random.Random(5), 30))
    assert [our_answer(question) for question in asked] == ask_quoter(chain, asked)
