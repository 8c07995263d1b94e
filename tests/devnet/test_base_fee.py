"""The next block's base fee: the formula to the wei on a node's own blocks, and what is done where it does not hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.chains.base_fee import next_base_fee_wei
from engine.chains.endpoints import Endpoint, RpcError
from engine.domain.units import ChainId
from tests.conftest import LocalChain, local_chain
from tests.engine_on_chain import engine_on, open_gap

pytestmark = pytest.mark.node

BURNER = "0x" + "b0" * 20
MOST_A_TRANSACTION = 16_000_000  # EIP-7825 allows 2^24


def burn(chain: LocalChain, gas: int) -> None:
    """Put transactions into the pool that use exactly so much gas: INVALID takes all that it is given."""
    chain.rpc.call("anvil_setCode", BURNER, "0xfe")
    sender = chain.rpc.call("eth_accounts")[6]
    while gas >= 21_000:
        limit = gas if gas <= MOST_A_TRANSACTION else min(MOST_A_TRANSACTION, gas - 21_000)
        fees = {"maxFeePerGas": hex(10**13), "maxPriorityFeePerGas": "0x1", "gas": hex(limit)}
        chain.rpc.call("eth_sendTransaction", {"from": sender, "to": BURNER, "value": "0x0", **fees})
        gas -= limit


def head(chain: LocalChain) -> dict[str, Any]:
    return chain.rpc.call("eth_getBlockByNumber", "latest", False)


@pytest.fixture(scope="module")
def own_ethereum(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalChain]:
    yield from local_chain(1, tmp_path_factory.mktemp("base-fee"))


@settings(max_examples=6, suppress_health_check=list(HealthCheck))
@given(fullness=st.lists(st.integers(0, 100), min_size=3, max_size=6), base_wei=st.integers(7, 10**12))
def test_the_formula_gives_every_base_fee_that_the_node_mines_to_the_wei(
    own_ethereum: LocalChain, fullness: list[int], base_wei: int
) -> None:
    chain = own_ethereum
    chain.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(base_wei))
    chain.rpc.call("evm_mine")
    used: list[int] = []
    for percent in fullness:
        parent = head(chain)
        burn(chain, int(parent["gasLimit"], 16) * percent // 100)
        predicted = next_base_fee_wei(ChainId(1), parent)
        chain.rpc.call("evm_mine")
        mined = head(chain)
        used.append(int(mined["gasUsed"], 16))
        assert int(mined["baseFeePerGas"], 16) == predicted
    assert sum(used) > 0 or max(fullness) == 0  # blocks were really filled


def test_a_formula_that_gave_the_head_is_believed_and_one_that_did_not_is_not(
    own_chain: Callable[[int], LocalChain], tmp_path: Path
) -> None:
    chain = own_chain(1)

    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            loop = engine.parts.loop
            await engine.block(2)  # every block with the profile's base fee, whatever EIP-1559 says
            fees = await loop.forecast.at(loop.market.head, loop.view().base_fee_wei)
            assert fees.source == "fee history"
            assert fees.next_base_fee_wei == loop.view().base_fee_wei  # never below the head's
            for _ in range(2):
                chain.rpc.call("evm_mine")  # as the protocol has it
                await engine.catch_up()
            fees = await loop.forecast.at(loop.market.head, loop.view().base_fee_wei)
            assert fees.source == "formula"
            assert fees.next_base_fee_wei == next_base_fee_wei(ChainId(1), head(chain))
            chain.rpc.call("evm_mine")
            assert int(head(chain)["baseFeePerGas"], 16) == fees.next_base_fee_wei
            assert [event["source"] for event in engine.published("fees")] == ["fee history", "formula"]

    anyio.run(check)


@pytest.mark.parametrize("answer", ["none", "rubbish"])
def test_a_node_without_fee_history_is_traded_on_at_the_worst_case_and_that_is_said(
    own_chain: Callable[[int], LocalChain], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    chain = own_chain(42161)
    ask = Endpoint.call

    async def without(self: Endpoint, method: str, *params: Any) -> Any:
        if method == "eth_feeHistory" and answer == "none":
            raise RpcError(method, -32601, "the method eth_feeHistory does not exist", None)
        return {"oldestBlock": "0x0"} if method == "eth_feeHistory" else await ask(self, method, *params)

    monkeypatch.setattr(Endpoint, "call", without)

    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            open_gap(chain)
            await engine.block(2)
            assert [trade.status for trade in engine.trades()] == ["filled"]
            (said,) = engine.published("fees")
            assert said["source"] == "worst case"
            assert "fee history" in said["why"]
            costs: Sequence[dict[str, Any]] = [entry.body["costs"] for entry in engine.journal.entries("proof")]
            assert [one["next_base_fee_wei"] for one in costs] == [None]

    anyio.run(check)


def test_blocks_cheap_end_is_the_least_priority_fee_of_a_bid(
    own_chain: Callable[[int], LocalChain], tmp_path: Path
) -> None:
    chain = own_chain(10)
    tip_wei = chain.profile.base_fee_wei // 3

    async def check() -> None:
        async with engine_on(chain, tmp_path) as engine:
            loop = engine.parts.loop
            for _ in range(20):
                sender = chain.rpc.call("eth_accounts")[6]
                fees = {"maxFeePerGas": hex(10**12), "maxPriorityFeePerGas": hex(tip_wei), "gas": hex(21_000)}
                chain.rpc.call("eth_sendTransaction", {"from": sender, "to": sender, "value": "0x0", **fees})
                await engine.block()
            found = await loop.forecast.at(loop.market.head, loop.view().base_fee_wei)
            assert found.least_priority_wei == tip_wei
            open_gap(chain)
            await engine.block(2)
            (entry,) = engine.journal.entries("proof")
            assert int(entry.body["costs"]["priority_fee_wei"]) >= tip_wei

    anyio.run(check)
