"""Checking tokens where a node refuses, has lost the block, or there are many: untraded with the reason, no stop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from engine.chains.endpoints import open_endpoint
from engine.domain.units import Address, BlockHash
from engine.market import tokens as tokens_module
from engine.market.tokens import TokenBook, TokenTerms
from tests.conftest import LocalChain
from tests.engine_on_chain import EngineOnChain, engine_on, head_ref, token_of
from tests.refusing_node import Request, refusing_node

pytestmark = pytest.mark.node

TERMS = TokenTerms(valid_blocks=20_000, watch_blocks=50, trusted=frozenset())


def nothing(request: Request) -> bool:
    return False


def takes_block_overrides(request: Request) -> bool:
    return request["method"] == "eth_call" and len(request["params"]) == 4


@asynccontextmanager
async def book_on(
    engine: EngineOnChain,
    refuses: Callable[[Request], bool] = nothing,
    *,
    code: int = -32000,
    terms: TokenTerms = TERMS,
) -> AsyncIterator[TokenBook]:
    """Open a book of its own behind a node that refuses what `refuses` says."""
    async with (
        refusing_node(engine.chain.node.ws_url, refuses, code=code) as url,
        open_endpoint(url) as endpoint,
    ):
        yield TokenBook(
            endpoint=endpoint, journal=engine.journal, executor=engine.executor, operator=engine.operator, terms=terms
        )


@pytest.mark.parametrize("code", [-32602, -32601, -32000, 3])
def test_an_endpoint_without_overrides_has_no_token_traded_and_the_reason_said(
    chain: LocalChain, tmp_path: Path, code: int
) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path, fills=0) as engine:
            pools = engine.parts.loop.market.pools
            async with book_on(engine, takes_block_overrides, code=code) as book:
                await book.begin(pools, head_ref(chain))
                assert book.verdicts
                assert {v.standing for v in book.verdicts.values()} == {"unknown"}
                assert {v.reason for v in book.verdicts.values()} == {"the endpoint refuses the check: not here"}
                assert book.tradable(pools) == {}

    with chain.reverted():
        anyio.run(check)


def test_a_token_that_a_node_chokes_on_keeps_no_other_from_its_check(chain: LocalChain, tmp_path: Path) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path, fills=0) as engine:
            pools = engine.parts.loop.market.pools
            bad = token_of(chain, "DAI")

            def chokes(request: Request) -> bool:
                return takes_block_overrides(request) and bad[2:] in request["params"][0]["data"]

            async with book_on(engine, chokes) as book:
                await book.begin(pools, head_ref(chain))
                unknown = {token for token, verdict in book.verdicts.items() if verdict.standing == "unknown"}
                assert unknown == {bad}
                traded = book.tradable(pools).values()
                assert traded
                assert not any(bad in pool.tokens for pool in traded)

    with chain.reverted():
        anyio.run(check)


def test_a_start_on_a_block_that_left_the_chain_waits_for_the_next_and_stops_nothing(
    chain: LocalChain, tmp_path: Path
) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path, fills=0) as engine:
            pools = engine.parts.loop.market.pools
            async with book_on(engine) as book:
                await book.begin(pools, replace(head_ref(chain), hash=BlockHash("0x" + "ab" * 32)))
                assert book.verdicts == {}
                fault = book.fault(token_of(chain, "WETH"))
                assert fault is not None
                assert fault.startswith("the token has not been checked yet: ")
                await book.check_due(pools, head_ref(chain))
                assert book.fault(token_of(chain, "WETH")) is None

    with chain.reverted():
        anyio.run(check)


def test_tokens_beyond_what_is_checked_at_once_wait_their_turn_and_old_ones_go_first(
    chain: LocalChain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens_module, "AT_START", 2)
    monkeypatch.setattr(tokens_module, "A_BLOCK", 2)

    async def check() -> None:
        async with engine_on(chain, tmp_path, fills=0) as engine:
            pools = engine.parts.loop.market.pools
            present = {token for pool in pools.values() for token in pool.tokens}
            trusted = frozenset({token_of(chain, "WETH"), token_of(chain, "USDC")})
            async with book_on(engine, terms=replace(TERMS, valid_blocks=100, trusted=trusted)) as book:
                start = head_ref(chain)
                await book.begin(pools, start)
                assert book.verdicts.keys() == trusted
                assert all(book.fault(token) is not None for token in present - trusted)
                await book.check_due(pools, start)
                assert len(book.verdicts) == 4
                chain.mine()
                later = head_ref(chain)
                book._terms = replace(book._terms, valid_blocks=later.number - start.number)
                oldest: set[Address] = {*sorted(book.verdicts)[:2]}
                await book.check_due(pools, later)  # what is traded goes before what waits
                assert len(book.verdicts) == 4
                assert {t for t, v in book.verdicts.items() if v.block == later} == oldest
                book._terms = replace(book._terms, valid_blocks=100)
                for _ in range(len(present)):
                    await book.check_due(pools, later)
                assert book.verdicts.keys() == present

    with chain.reverted():
        anyio.run(check)
