"""Tokens of every bad kind in pools that tempt: set aside before a first trade, each with its reason, nothing lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from engine.devnet.rpc import Rpc
from engine.domain.opportunity import Hop, Route
from engine.domain.token_verdicts import TokenVerdict
from engine.domain.units import Address, PoolId
from engine.journal.records import tokens_in
from engine.market.token_strikes import MOST_OWN, REASON
from engine.market.tokens import TokenBook
from engine.verify.verify import verify_state
from tests.bait import HARMLESS, KINDS, Bait, lay_bait
from tests.conftest import LocalChain, local_chain
from tests.engine_on_chain import EngineOnChain, engine_on, token_of

pytestmark = pytest.mark.node

REASONS = {
    "tax": "the receiver's balance does not rise by what is sent as the pool pays us",
    "tax us": "the receiver's balance does not rise by what is sent as the pool pays us",
    "tax sells": "the receiver's balance does not rise by what is sent as we pay the pool",
    "tax odd blocks": "the receiver's balance does not rise by what is sent",
    "tax dear gas": "does not rise by what is sent as the pool pays us (dear gas)",
    "tax producer": "does not rise by what is sent as the pool pays us (another producer)",
    "tax origin": "the receiver's balance does not rise by what is sent as the pool pays us",
    "tax later": "does not rise by what is sent as the pool pays us (in a day)",
    "surcharge": "the sender's balance does not fall by what is sent as the pool pays us",
    "shrinks": "balances change by themselves (in a day)",
    "refuses": "the token does not leave its pool",
    "paused": "the token does not leave its pool",
    "largest": "the token does not leave its pool",
    "hooks": "the token calls those it moves between",
    "false": "the token does not leave its pool",
    "silent": "the sender's balance does not fall by what is sent",
    "no balance": "the token does not tell a balance",
    "lies": "the sender's balance does not fall by what is sent",
    "burns gas": "a transfer burns gas",
    "no sale": "the token reverts as we pay the pool",
    "pools only": "the token reverts as we pass it on",
    "decimals change": "its decimals change",
    "approve hooks": "the token calls those it moves between as we allow a pull",
    "approve false": "the token answers false as we allow a pull",
    "allowance stays": "an allowance is left after the pull",
    "false but moves": "the token does not leave its pool",
    "tax small": "the receiver's balance does not rise by what is sent as a lender pulls it",
}
"""What is said of each kind."""


def limits_of(kind: str, engine: EngineOnChain, rpc: Rpc) -> dict[str, object]:
    """Say whom a kind treats apart, and its number."""
    miner = rpc.call("eth_getBlockByNumber", "latest", False)["miner"]
    marked = {
        "tax us": engine.executor,
        "refuses": engine.executor,
        "tax origin": engine.operator,
        "tax producer": miner,
    }
    limit = {"tax dear gas": 10**9, "largest": 10**18, "tax later": 40_000, "tax small": 2 * 10**20}
    return {"marked": marked.get(kind, "0x" + "00" * 20), "limit": limit.get(kind, 0)}


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalChain]:
    """Provide a chain for these tests: the node forgets a block that it mined once more after 500 others."""
    yield from local_chain(42161, tmp_path_factory.mktemp("chain"))


def verdict_on(engine: EngineOnChain, token: Address) -> TokenVerdict:
    """Read the newest verdict from the journal."""
    return next(verdict for verdict in tokens_in(engine.journal) if verdict.token == token)


def assert_whole(engine: EngineOnChain, before: int) -> None:
    """Hold the executor's WETH against what it was, and the books against the chain."""
    assert engine.balance(token_of(engine.chain, "WETH")) >= before
    report = verify_state(engine.state, engine.chain.node.rpc_url, at_block=engine.parts.loop.market.head.number)
    assert report.ok, report.findings


def traded(engine: EngineOnChain, bait: Bait) -> list[str]:
    """List how the trades through a bait's pairs ended."""
    return [t.status for t in engine.trades() if {pool for pool, _, _ in t.route} & {*bait.pairs}]


def test_every_kind_of_hostile_token_is_set_aside_before_it_is_traded(chain: LocalChain, tmp_path: Path) -> None:
    assert {*REASONS} == {*KINDS} - HARMLESS

    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            weth = token_of(chain, "WETH")
            before = engine.balance(weth)
            baits = {kind: lay_bait(chain, kind, **limits_of(kind, engine, chain.rpc)) for kind in KINDS}
        async with engine_on(chain, tmp_path) as engine:
            await engine.block(3)
            for kind, bait in baits.items():
                verdict = verdict_on(engine, bait.token)
                if kind in HARMLESS:
                    assert verdict.standing == "sound", verdict
                    assert "filled" in traded(engine, bait)
                    continue
                assert (kind, verdict.standing) == (kind, "set_aside"), verdict
                assert REASONS[kind] in verdict.reason, (kind, verdict)
                assert traded(engine, bait) == [], kind
            assert [t.status for t in engine.trades() if t.status == "reverted"] == []
            assert_whole(engine, before)

    with chain.reverted():
        anyio.run(check)


def test_a_token_that_comes_with_its_pools_waits_for_its_check(chain: LocalChain, tmp_path: Path) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            before = engine.balance(token_of(chain, "WETH"))
            bait = lay_bait(chain, "tax us", marked=engine.executor, early=True)
            honest = lay_bait(chain)
            await engine.block(3)
            assert verdict_on(engine, bait.token).standing == "set_aside"
            assert traded(engine, bait) == []
            weth, token = token_of(chain, "WETH"), bait.token
            there = Hop(pool=PoolId(bait.pairs[0]), token_in=weth, token_out=token)
            back = Hop(pool=PoolId(bait.pairs[1]), token_in=token, token_out=weth)
            view = engine.parts.loop.view()
            asked = ("mcp-1", Route(hops=(there, back)), 10**16, 0, view, "ACTIVE")
            proof, breaches = await engine.parts.agents.prove(*asked)
            assert proof is None
            assert [breach.rule for breach in breaches] == ["token safety"]
            assert f"{token}: the receiver's balance does not rise" in breaches[0].measured
            assert verdict_on(engine, honest.token).standing == "sound"
            assert "filled" in traded(engine, honest)
            assert_whole(engine, before)

    with chain.reverted():
        anyio.run(check)


@pytest.mark.parametrize("kind", ["paused", "refuses", "tax", "silent"])
def test_a_token_that_turns_after_it_was_traded_costs_a_reverts_gas_and_is_set_aside(
    chain: LocalChain, tmp_path: Path, kind: str
) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            before = engine.balance(token_of(chain, "WETH"))
            bait = lay_bait(chain)
            await engine.block(3)
            assert set(traded(engine, bait)) == {"filled"}
            done = len(traded(engine, bait))
            bait.widen()
            await engine.block()  # the trade is on its way
            assert len(traded(engine, bait)) == done + 1
            bait.turn(kind, **limits_of(kind, engine, chain.rpc))  # ahead of it in the same block
            await engine.block()
            ended = traded(engine, bait)[-1]
            assert ended == "reverted"
            bait.widen()
            await engine.block(4)
            verdict = verdict_on(engine, bait.token)
            assert verdict.standing == "set_aside", verdict
            bait.widen()
            await engine.block(2)
            assert traded(engine, bait).count("reverted") <= 1
            gas = sum(t.gas_paid_wei for t in engine.trades() if t.status == "reverted")
            assert gas < 10**16
            assert_whole(engine, before)

    with chain.reverted():
        anyio.run(check)


def checked_every(engine: EngineOnChain, blocks: int, *, valid: int = 20_000) -> TokenBook:
    """Have code looked at, and traded tokens checked again, each so many blocks; return the book."""
    book = engine.parts.tokens
    book._terms = replace(book._terms, watch_blocks=blocks, valid_blocks=valid)
    return book


def test_a_proxy_that_flips_after_it_was_traded_is_found_by_its_code_alone(chain: LocalChain, tmp_path: Path) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            checked_every(engine, 5)
            before = engine.balance(token_of(chain, "WETH"))
            bait = lay_bait(chain, proxied=True)
            await engine.block(3)
            assert set(traded(engine, bait)) == {"filled"}
            first = verdict_on(engine, bait.token)
            assert (first.standing, int(first.implementation, 16) > 0) == ("sound", True)
            done = len(traded(engine, bait))
            bait.turn("tax us", marked=engine.executor)
            bait.upgrade()
            await engine.block(6)  # nothing to trade: neither a fill nor a revert casts doubt
            verdict = verdict_on(engine, bait.token)
            assert (verdict.standing, verdict.implementation != first.implementation) == ("set_aside", True), verdict
            bait.widen()
            await engine.block(3)
            assert len(traded(engine, bait)) == done
            assert_whole(engine, before)

    with chain.reverted():
        anyio.run(check)


@pytest.mark.parametrize("kind", ["hooks", "shrinks"])
def test_a_token_that_turns_while_its_trades_fill_is_checked_again_and_set_aside(
    chain: LocalChain, tmp_path: Path, kind: str
) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            checked_every(engine, 4)
            before = engine.balance(token_of(chain, "WETH"))
            bait = lay_bait(chain)
            await engine.block(3)
            bait.turn(kind)
            for _ in range(5):
                bait.widen()
                await engine.block()
            await engine.block(2)
            assert set(traded(engine, bait)) == {"filled"}
            verdict = verdict_on(engine, bait.token)
            assert (verdict.standing, REASONS[kind] in verdict.reason) == ("set_aside", True), verdict
            done = len(traded(engine, bait))
            bait.widen()
            await engine.block(3)
            assert len(traded(engine, bait)) == done
            assert_whole(engine, before)

    with chain.reverted():
        anyio.run(check)


def test_a_token_that_is_sound_at_each_check_and_fails_each_trade_is_set_aside_over_restarts(
    chain: LocalChain, tmp_path: Path
) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            before = engine.balance(token_of(chain, "WETH"))
            bait = lay_bait(chain)
            await engine.block(3)
            assert set(traded(engine, bait)) == {"filled"}
            for _ in range(6):
                bait.widen()
                await engine.block()  # a trade is on its way, while the token is traded
                bait.turn("paused")  # ahead of it
                bait.turn("honest", last=True)  # and behind it: the check of this block finds nothing
                await engine.block(2)
            assert traded(engine, bait).count("reverted") == MOST_OWN + 1
            verdict = verdict_on(engine, bait.token)
            assert (verdict.standing, verdict.reason) == ("set_aside", REASON)
            assert engine.parts.tokens.fault(token_of(chain, "WETH")) is None
            assert_whole(engine, before)
        async with engine_on(chain, tmp_path) as engine:
            bait.widen()
            await engine.block(3)
            assert traded(engine, bait).count("reverted") == MOST_OWN + 1
            assert engine.parts.tokens.fault(bait.token) == verdict.line
            checked_every(engine, 50, valid=3)  # its time is over
            await engine.block(2)
            bait.widen()
            await engine.block(3)
            assert verdict_on(engine, bait.token).standing == "sound"
            assert traded(engine, bait)[-1] == "filled"
            assert_whole(engine, before)

    with chain.reverted():
        anyio.run(check)
