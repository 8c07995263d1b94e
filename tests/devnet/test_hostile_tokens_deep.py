"""Tokens that one V3 pool or one Balancer pool holds, and no pair: checked through what holds them."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from tests.conftest import LocalChain
from tests.deep_bait import lay_deep_bait
from tests.devnet.test_hostile_tokens import verdict_on
from tests.engine_on_chain import engine_on

pytestmark = pytest.mark.node

SAID = {
    "honest": "",
    "tax us": "the receiver's balance does not rise by what is sent as the pool pays us",
    "surcharge": "the sender's balance does not fall by what is sent as the pool pays us",
    "hooks": "the token calls those it moves between",
    "allowance stays": "an allowance is left after the pull",
}


@pytest.mark.parametrize("vault", [False, True], ids=["V3", "Balancer"])
def test_a_token_in_no_pair_is_checked_through_the_pool_that_holds_it(
    chain: LocalChain, tmp_path: Path, vault: bool
) -> None:
    async def check() -> None:
        async with engine_on(chain, tmp_path, fills=0) as engine:
            baits = {kind: lay_deep_bait(chain, kind, vault=vault, marked=engine.executor) for kind in SAID}
        async with engine_on(chain, tmp_path, fills=0) as engine:
            await engine.block(2)
            for kind, token in baits.items():
                verdict = verdict_on(engine, token)
                assert verdict.standing == ("set_aside" if SAID[kind] else "sound"), (kind, verdict)
                assert SAID[kind] in verdict.reason, (kind, verdict)

    with chain.reverted():
        anyio.run(check)
