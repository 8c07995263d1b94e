"""The treasury names the engine's next hot key: what is open ends, the change is written down, the new key trades."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anyio
import pytest
from eth_account import Account

from engine.chains.executor_calls import encode_sweep
from engine.devnet.rpc import hex_of
from engine.domain.units import Address
from engine.execution.keys import local_hot_key
from engine.journal.canonical import Body
from engine.journal.journal import JOURNAL_FILE
from engine.journal.operators import operator_terms
from engine.revocation import SETTLED_BLOCKS
from engine.risk.halt import halt_reason, trading_state
from engine.verify.verify import verify_state
from tests.conftest import SEED, LocalChain
from tests.devnet.test_operator_revoked import treasury_sets
from tests.engine_on_chain import GENEROUS, EngineOnChain, engine_on, open_gap
from tests.journal_rewrites import lines_of, rewritten

pytestmark = pytest.mark.node

Chains = Callable[[int], LocalChain]
ROOMY = GENEROUS.model_copy(update={"max_notional_wei": 10**21})
NEXT_KEYS = [local_hot_key(SEED, number) for number in (1, 2)]
NEXT, AFTER = (Address(Account.from_key(key).address.lower()) for key in NEXT_KEYS)


def funded(engine: EngineOnChain, address: Address) -> None:
    engine.chain.rpc.call("anvil_setBalance", address, hex(10**18))


async def traded(engine: EngineOnChain) -> None:
    """Let the engine fill at least one trade of its own."""
    before = filled(engine)
    open_gap(engine.chain)
    await engine.block(3)
    assert filled(engine) > before, engine.events


def filled(engine: EngineOnChain) -> int:
    return [trade.status for trade in engine.trades()].count("filled")


def senders(engine: EngineOnChain) -> list[str]:
    """Name who sent each trade that filled, as the chain says."""
    mined = [trade.tx_hash for trade in engine.trades() if trade.status == "filled"]
    receipts = [engine.chain.rpc.call("eth_getTransactionReceipt", tx_hash) for tx_hash in mined]
    return [receipt["from"].lower() for receipt in receipts]


async def settled(engine: EngineOnChain) -> None:
    """Mine until the engine has gone over, as far as a replacement may take."""
    for _ in range(SETTLED_BLOCKS + 10):
        if engine.parts.operator_watch.handed_over:
            return
        await engine.block()
    raise AssertionError("the engine never went over to the next key")


def test_the_next_key_takes_over_while_a_trade_is_open_and_the_old_one_ends(own_chain: Chains, tmp_path: Path) -> None:
    chain = own_chain(42161)
    state = tmp_path / "engine"
    state.mkdir()

    async def run() -> None:
        async with engine_on(chain, state, risk=ROOMY) as engine:
            old = engine.operator
            await traded(engine)
            open_gap(chain)
            await engine.block()  # the gap is in this block: the engine signs
            assert engine.desk.open
            for left in engine.desk.open.values():
                chain.rpc.call("anvil_dropTransaction", left.submission.tx_hash)  # none reaches a block
            treasury_sets(engine, NEXT)
            await engine.block()
            assert trading_state(engine.journal, state) == "ACTIVE"
            assert [event["state"] for event in engine.published("operator")] == ["follows"]
            open_gap(chain)
            await engine.block(5)
            assert engine.desk.open == {}
            assert engine.trades()[-1].status == "cancelled"
            funded(engine, NEXT)
            await settled(engine)
            assert engine.published("operator")[-1] == {"event": "operator", "old": old, "new": NEXT, "state": "signs"}
        async with engine_on(chain, state, risk=ROOMY) as engine:  # as `run_engine` puts it together again
            assert trading_state(engine.journal, state) == "ACTIVE"
            assert engine.parts.desk.next_nonce == 0
            await traded(engine)
            assert {old, NEXT} == set(senders(engine))
            assert senders(engine)[-1] == NEXT
            since_seq = operator_terms(engine.journal)[-1].since_seq
            nonces = [trade.nonce for trade in engine.trades() if trade.seq > since_seq]
            assert nonces == list(range(len(nonces)))  # each key counts for itself
            _reverts_from(engine, old)
            treasury_sets(engine, AFTER)
            await engine.block()
            funded(engine, AFTER)
            await settled(engine)
        async with engine_on(chain, state, risk=ROOMY) as engine:
            await traded(engine)
            assert [term.address for term in operator_terms(engine.journal)] == [old, NEXT, AFTER]
            treasury_sets(engine, NEXT)  # a key that was replaced does not come back
            await engine.block()
            assert trading_state(engine.journal, state) == "HALTED"
            assert f"it obeys {NEXT}" in (halt_reason(state) or "")
        report = verify_state(state, chain.node.rpc_url)
        assert report.findings == []
        assert report.checked["operators"] == 2

    anyio.run(run)
    forgeries(state, chain.node.rpc_url)


def _reverts_from(engine: EngineOnChain, old: Address) -> None:
    """Send what the old key could still send: the executor does not obey it."""
    rpc = engine.chain.rpc
    rpc.call("anvil_impersonateAccount", old)
    sweep = encode_sweep(Address(engine.journal.genesis["native_wrapped"]), 1)
    fees = {"gas": hex(200_000), "maxFeePerGas": hex(10**12), "maxPriorityFeePerGas": hex(10**11)}
    sent = rpc.call("eth_sendTransaction", {"from": old, "to": engine.executor, "data": hex_of(sweep), **fees})
    engine.chain.mine()
    assert rpc.call("eth_getTransactionReceipt", sent)["status"] == "0x0"


def forgeries(state: Path, rpc: str) -> None:
    """Forge the changes of the key with our own code, hashed and sealed again; each forgery is named."""
    lines = lines_of(state)
    at = next(number for number, (kind, _) in enumerate(lines) if kind == "operator")
    body = lines[at][1]
    late = str(int(body["set_block"]) + 1)
    forged: dict[str, Body] = {
        "the executor logged no such change": {"tx_hash": "0x" + "77" * 32},
        "the executor logged no such change ": {"set_block": late},
        "the executor logged no such change  ": {"new": "0x" + "77" * 20},
        "from another key": {"old": "0x" + "77" * 20},
        "a hot key that was replaced signs again": {"new": body["old"]},
        "names a block that is not the chain's": {"block": body["block"] | {"hash": "0x" + "77" * 32}},
        "changed before the treasury's call": {"block": body["block"] | {"number": "1"}},
    }
    cases = {what: [*lines[:at], ("operator", body | change), *lines[at + 1 :]] for what, change in forged.items()}
    cases["another sender"] = [*lines[:at], *lines[at + 1 :]]
    cases["with trades open"] = _before_the_last_outcome(lines, at)
    for number, (what, told) in enumerate(cases.items()):
        folder = state / f"forged-{number}"
        folder.mkdir()
        assert rewritten(folder, told)
        found = [finding.what for finding in verify_state(folder, rpc).findings]
        assert any(what.strip() in one for one in found), (what, found)
    assert (state / JOURNAL_FILE).is_file()


def _before_the_last_outcome(lines: list[tuple[str, Body]], at: int) -> list[tuple[str, Body]]:
    ended = max(number for number in range(at) if lines[number][0] == "outcome")
    return [*lines[:ended], lines[at], *lines[ended:at], *lines[at + 1 :]]
