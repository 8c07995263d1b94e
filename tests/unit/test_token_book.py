"""Which tokens are traded follows from their verdicts: sound ones, for as long as a verdict holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import anyio
import pytest

from engine.domain.pools import AnyPool
from engine.domain.token_verdicts import Standing, TokenVerdict
from engine.domain.units import Address, BlockRef, PoolId
from engine.journal.journal import Journal
from engine.market.tokens import TokenBook, TokenTerms
from tests.unit import journal_stubs as stub

TERMS = TokenTerms(valid_blocks=50, watch_blocks=1_000, trusted=frozenset())


class JudgedBook(TokenBook):
    """A book whose node finds what the test says, and counts how often it is asked."""

    standing: Standing = "sound"
    asked = 0

    async def _judged(
        self, tokens: Sequence[Address], pools: Mapping[PoolId, AnyPool], head: BlockRef
    ) -> dict[Address, TokenVerdict]:
        self.asked += 1
        return {
            token: TokenVerdict(
                token=token,
                standing=self.standing,
                block=head,
                reason="as the test says",
                measured="",
                limit="",
                code_hash="0x1",
                implementation=stub.TREASURY,
            )
            for token in tokens
        }


class TwoTokens:
    """All that the book asks of a pool."""

    tokens = (stub.WETH, stub.USDC)


POOLS = cast("Mapping[PoolId, AnyPool]", {PoolId("0x1"): TwoTokens()})


@pytest.fixture
def book(tmp_path: Path) -> Iterator[JudgedBook]:
    nothing = cast("Any", None)  # no endpoint: nobody asks it here
    with Journal.open(tmp_path / "journal.sqlite", genesis=stub.GENESIS) as journal:
        yield JudgedBook(endpoint=nothing, journal=journal, executor=stub.EXECUTOR, operator=stub.OPERATOR, terms=TERMS)


def test_a_token_that_could_not_be_checked_is_not_traded(book: JudgedBook) -> None:
    assert book.tradable(POOLS) == {}
    assert "not been checked" in str(book.fault(stub.WETH))
    for standing, traded in (("unknown", False), ("set_aside", False), ("sound", True)):
        book.standing = cast("Standing", standing)
        anyio.run(book.check, TwoTokens.tokens, POOLS, stub.block())
        assert (book.tradable(POOLS) == POOLS) is traded, standing
        assert (book.fault(stub.WETH) is None) is traded


def test_a_verdict_that_is_too_old_is_made_anew(book: JudgedBook) -> None:
    anyio.run(book.check, TwoTokens.tokens, POOLS, stub.block(100))
    anyio.run(book.check_due, POOLS, stub.block(149))
    assert (book.asked, book.tradable(POOLS)) == (1, POOLS)
    book.standing = "set_aside"
    anyio.run(book.check_due, POOLS, stub.block(150))
    assert (book.asked, book.tradable(POOLS)) == (2, {})
