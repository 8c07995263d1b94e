"""The treasury takes the executor from a running engine and gives it back: it halts by itself, and says what to do."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from engine.chains.executor_calls import encode_set_operator
from engine.devnet.rpc import hex_of
from engine.domain.units import ZERO_ADDRESS, Address
from engine.initialise import LOCAL_PASSPHRASE
from engine.risk.halt import halt_reason, trading_state
from engine.risk.operator import sign_resume
from engine.verify.verify import verify_state
from tests.conftest import LocalChain
from tests.engine_on_chain import EngineOnChain, engine_on, open_gap

pytestmark = pytest.mark.node


def treasury_sets(engine: EngineOnChain, operator: Address) -> None:
    """Have the cold treasury name the executor's operator; mines nothing."""
    rpc = engine.chain.rpc
    rpc.call("anvil_impersonateAccount", engine.treasury)
    fees = {"gas": hex(100_000), "maxFeePerGas": hex(10**12), "maxPriorityFeePerGas": hex(10**11)}
    body = {"from": engine.treasury, "to": engine.executor, "data": hex_of(encode_set_operator(operator))}
    rpc.call("eth_sendTransaction", {**body, **fees})


async def resumed(engine: EngineOnChain) -> None:
    """Resume with the operator's secret, as `ketch resume` does."""
    head = engine.parts.loop.market.head
    signed = sign_resume(
        engine.state,
        LOCAL_PASSPHRASE,
        principal="cli",
        journal=next(engine.journal.entries(limit=1)).hash,
        policy_hash=engine.parts.policy.policy.digest(),
        expires_s=head.timestamp_s + 300,
        nonce=head.hash,
    )
    await engine.parts.commands.take(signed, engine.desk, head, engine.parts.loop.view)


def state_of(engine: EngineOnChain) -> str:
    return trading_state(engine.journal, engine.state)


def test_a_revoked_operator_halts_by_itself_and_goes_on_when_the_treasury_and_the_operator_want_it(
    chain: LocalChain, tmp_path: Path
) -> None:
    async def run() -> None:
        async with engine_on(chain, tmp_path) as engine:
            mine = engine.operator
            treasury_sets(engine, ZERO_ADDRESS)
            open_gap(chain)
            await engine.block()
            assert state_of(engine) == "HALTED"
            why = halt_reason(tmp_path) or ""
            assert f"from this engine's key {mine}: it obeys nobody" in why
            assert "the treasury calls set_operator with this key, then ketch resume" in why
            assert engine.published("command")[0]["state"] == "HALTED"
            await resumed(engine)
            assert state_of(engine) == "ACTIVE"
            await engine.block()
            assert state_of(engine) == "HALTED"  # a resume does not bring the executor back
            assert engine.trades() == []
            treasury_sets(engine, mine)
            await engine.block()
            assert state_of(engine) == "HALTED"  # nor does the treasury loosen what the operator's secret must
            await resumed(engine)
            open_gap(chain)
            await engine.block(3)
            assert state_of(engine) == "ACTIVE"
            assert [trade.status for trade in engine.trades()].count("filled") >= 1
            treasury_sets(engine, Address("0x" + "77" * 20))
            chain.mine()
        async with engine_on(chain, tmp_path) as engine:  # it was not running when the treasury decided
            assert state_of(engine) == "HALTED"
            assert "it obeys 0x7777" in (halt_reason(tmp_path) or "")
            await engine.block()
        assert verify_state(tmp_path, chain.node.rpc_url).findings == []

    with chain.reverted():
        anyio.run(run)
