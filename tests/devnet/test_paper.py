"""On paper the whole engine runs, the next block decides, and nothing is ever sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.compose import composed
from engine.config import load
from engine.domain.errors import ChainError, ConfigError
from engine.journal.papered import paper_totals
from engine.verify.history import read_history
from engine.verify.lineage import trace
from engine.verify.papers import check_papers
from engine.verify.report import Report
from engine.verify.verify import verify_state
from tests.conftest import LocalChain
from tests.engine_on_chain import EngineOnChain, close_gap, engine_on, open_gap, pool_between, rival_swap, token_of
from tests.market_moves import swap
from tests.paper_on_chain import paper_folder, paper_on, stand_in_for_arbitrum
from tests.public_node import Weather, public_node

pytestmark = pytest.mark.node


@pytest.fixture
def rollup(chain: LocalChain) -> Iterator[LocalChain]:
    """The shared chain with an L1 fee oracle that charges nothing, undone at the end."""
    with chain.reverted():
        stand_in_for_arbitrum(chain.rpc)
        yield chain


def on_paper(chain: LocalChain, state: Path, act: Callable[[EngineOnChain], Awaitable[None]], **given: str) -> None:
    """Run a paper engine, and leave it with whole books that say what they are."""

    async def run() -> None:
        async with paper_on(chain, state, **given) as engine:
            await engine.block()
            await act(engine)

    asyncio.run(run())
    report = verify_state(state, chain.node.rpc_url)
    assert report.ok, report.findings
    assert report.paper


def test_a_trade_is_decided_by_the_next_block_and_nothing_reaches_the_node(rollup: LocalChain, tmp_path: Path) -> None:
    async def act(engine: EngineOnChain) -> None:
        open_gap(rollup)
        await engine.block(2)
        (trade,) = engine.trades()
        totals = paper_totals(engine.journal)
        assert trade.status == "filled"
        assert trade.realised > 0 and trade.gas_paid_wei > 0
        assert totals["optimistic"] == totals["pessimistic"]
        assert totals["pessimistic"]["ratio_ppm"] == 1_000_000
        assert rollup.rpc.call("eth_getTransactionCount", engine.operator, "latest") == "0x0"
        assert rollup.rpc.call("eth_getCode", engine.executor, "latest") == "0x"

    with public_node(rollup.node.rpc_url, Weather()) as node:
        on_paper(rollup, tmp_path / "paper", act, rpc=node.http)
        assert node.asked["eth_simulateV1"] > 0
        assert [method for method in node.asked if method.startswith(("eth_send", "anvil_", "evm_"))] == []


def test_what_a_rival_takes_in_that_block_is_a_fill_for_the_first_and_a_miss_for_the_last(
    rollup: LocalChain, tmp_path: Path
) -> None:
    async def act(engine: EngineOnChain) -> None:
        open_gap(rollup)
        await engine.block()
        close_gap(rollup)
        await engine.block()
        (trade,) = engine.trades()
        totals = paper_totals(engine.journal)
        assert (totals["optimistic"]["filled"], totals["pessimistic"]["missed"]) == (1, 1)
        assert totals["placed"] == totals["pessimistic"]  # the rival paid more
        assert trade.status == "reverted"
        assert totals["pessimistic"]["cost_of_misses_wei"] == trade.gas_paid_wei > 0
        assert totals["optimistic"]["cost_of_misses_wei"] == 0

    on_paper(rollup, tmp_path / "paper", act)


def test_what_a_rival_takes_who_pays_less_is_a_fill_where_places_are_sold(rollup: LocalChain, tmp_path: Path) -> None:
    pool, weth = pool_between(rollup, "uniswap_v2", "WETH", "USDC"), token_of(rollup, "WETH")

    async def act(engine: EngineOnChain) -> None:
        open_gap(rollup)
        await engine.block()
        rival_swap(rollup, pool, weth, 20 * 10**18, tip_wei=1)
        await engine.block()
        totals = paper_totals(engine.journal)
        assert totals["placed"] == totals["optimistic"]
        assert (totals["placed"]["filled"], totals["pessimistic"]["missed"]) == (1, 1)
        assert [trade.status for trade in engine.trades()] == ["filled"]

    on_paper(rollup, tmp_path / "paper", act, more='paper.counts = "placed"')


def test_where_arrival_decides_no_place_is_claimed(rollup: LocalChain, tmp_path: Path) -> None:
    async def act(engine: EngineOnChain) -> None:
        open_gap(rollup)
        await engine.block(2)
        assert paper_totals(engine.journal)["placed"]["ratio_ppm"] is None
        assert [trade.status for trade in engine.trades()] == ["filled"]  # the pessimistic end, in its place

    state = paper_folder(tmp_path / "paper", rollup.manifest_path, rpc=rollup.node.rpc_url)
    file = state / "ketch.toml"
    toml = file.read_text().replace('ordering = "priority_fee"', 'ordering = "first_come"\npaper.counts = "placed"')
    file.write_text(toml)
    on_paper(rollup, state, act)


def test_the_optimistic_end_is_the_outcome_where_that_is_wanted(rollup: LocalChain, tmp_path: Path) -> None:
    async def act(engine: EngineOnChain) -> None:
        open_gap(rollup)
        await engine.block()
        close_gap(rollup)
        await engine.block()
        assert [trade.status for trade in engine.trades()] == ["filled"]

    on_paper(rollup, tmp_path / "paper", act, more='paper.counts = "optimistic"')


def test_a_gap_that_nobody_closes_is_taken_once(rollup: LocalChain, tmp_path: Path) -> None:
    pool = pool_between(rollup, "uniswap_v2", "WETH", "USDC")

    async def act(engine: EngineOnChain) -> None:
        open_gap(rollup)
        await engine.block(2)
        first = engine.trades()
        for _ in range(3):  # the pool changes, the gap stays: it is looked at again, and there is nothing left
            swap(rollup, pool, amount_in=10**6, forward=pool.tokens[0] == token_of(rollup, "USDC"))
            await engine.block()
        assert engine.trades() == first
        assert engine.published("refused")
        close_gap(rollup)  # somebody takes it after all, and opens it anew
        await engine.block(2)
        open_gap(rollup)
        await engine.block(2)
        assert [trade.status for trade in engine.trades()] == ["filled", "filled"]

    on_paper(rollup, tmp_path / "paper", act)


def test_a_trade_left_open_is_decided_at_the_next_start(rollup: LocalChain, tmp_path: Path) -> None:
    async def leave_open(engine: EngineOnChain) -> None:
        open_gap(rollup)
        await engine.block()
        assert [trade.status for trade in engine.trades()] == ["open"]
        rollup.mine(3)

    async def go_on(engine: EngineOnChain) -> None:
        assert [trade.status for trade in engine.trades()] == ["filled"]
        close_gap(rollup)
        await engine.block(2)
        open_gap(rollup)
        await engine.block(2)
        assert [trade.nonce for trade in engine.trades()] == [0, 1]

    on_paper(rollup, tmp_path / "paper", leave_open)
    on_paper(rollup, tmp_path / "paper", go_on)


def test_without_simulate_the_same_trade_is_taken_by_plain_calls(rollup: LocalChain, tmp_path: Path) -> None:
    async def act(engine: EngineOnChain) -> None:
        open_gap(rollup)
        await engine.block(2)
        assert [trade.status for trade in engine.trades()] == ["filled"]

    with public_node(rollup.node.rpc_url, Weather(lacks=frozenset({"eth_simulateV1"}))) as node:
        on_paper(rollup, tmp_path / "paper", act, rpc=node.http)


def test_an_endpoint_without_state_overrides_is_refused_in_words(rollup: LocalChain, tmp_path: Path) -> None:
    async def act(engine: EngineOnChain) -> None:
        raise AssertionError("it must not start")

    lacks = frozenset({"eth_call"})
    with public_node(rollup.node.rpc_url, Weather(lacks=lacks)) as node, pytest.raises(ChainError, match="overrides"):
        on_paper(rollup, tmp_path / "paper", act, rpc=node.http)


def test_a_new_folder_remembers_that_it_is_paper_and_of_which_chain(rollup: LocalChain, tmp_path: Path) -> None:
    told = paper_folder(tmp_path / "told", rollup.manifest_path, rpc=rollup.node.rpc_url)
    fresh = tmp_path / "fresh"
    fresh.mkdir()

    async def start() -> None:
        settings = load(told, environ={})
        async with composed(settings, state=fresh, passphrase=str, publish=lambda _e: None, fills_wanted=None):
            pass

    asyncio.run(start())
    remembered = load(fresh, environ={})
    assert (remembered.profile, remembered.chain) == ("paper", "arbitrum")


def test_paper_and_money_never_share_a_folder(rollup: LocalChain, tmp_path: Path) -> None:
    async def nothing(engine: EngineOnChain) -> None:
        pass

    async def start(state: Path, profile: str) -> None:
        settings = load(state, environ={}, given={"profile": profile})
        async with composed(settings, state=state, passphrase=str, publish=lambda _e: None, fills_wanted=None):
            raise AssertionError("it must not start")

    async def begin_local(state: Path) -> None:
        async with engine_on(rollup, state):
            pass

    paper, local = tmp_path / "paper", tmp_path / "local"
    on_paper(rollup, paper, nothing)
    local.mkdir()
    asyncio.run(begin_local(local))
    for state, profile in ((paper, "live"), (local, "paper")):
        paper_folder(state, rollup.manifest_path, rpc=rollup.node.rpc_url)
        with pytest.raises(ConfigError, match="would mix them"):
            asyncio.run(start(state, profile))


def test_the_checker_finds_an_outcome_that_is_not_the_end_decided(rollup: LocalChain, tmp_path: Path) -> None:
    async def act(engine: EngineOnChain) -> None:
        open_gap(rollup)
        await engine.block(2)

    state = tmp_path / "paper"
    on_paper(rollup, state, act)
    history = read_history(state / "journal.sqlite", Report())

    def found(kind: str, **changed: object) -> list[str]:
        """Check the history with one kind of row rewritten, as if its hashes fitted."""
        rows = tuple(replace(r, body=r.body | changed) if r.kind == kind else r for r in history.rows)
        report, forged = Report(), replace(history, rows=rows)
        check_papers(forged, trace(forged, Report()), report)
        return [finding.what for finding in report.findings]

    assert found("outcome") == []
    assert found("outcome", realised="1") == ["the outcome on paper says another realised"]
    assert found("outcome", gas_paid_wei="1") == ["the outcome on paper says another gas_paid_wei"]
    assert found("outcome", type="Reverted") == ["the outcome is not the end that counts"]
    assert found("paper", intent_id="intent-1") == ["the outcome on paper was not decided"]
    assert found("genesis", paper=False) == ["a journal of real trades holds one decided on paper"]
