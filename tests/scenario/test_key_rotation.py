"""A live engine's hot key replaced through the command line: the treasury signs, the daemon goes on by itself.

No `start_block` is set here: both engines, before and after, follow the pools that they find in use.
"""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from engine.devnet.rpc import Rpc
from engine.domain.errors import ControlError
from tests.devnet.processes import eventually, manifest_in, start_devnet
from tests.scenario.ketch_processes import END_S, READY_S, ketch, refused, result, started, wait_for_engine
from tests.scenario.test_live_profile import KEY_PASSPHRASE, SECRET, TREASURY, asked, send, write_settings

pytestmark = pytest.mark.node

ENV = {"KETCH_KEY_PASSPHRASE": KEY_PASSPHRASE}


def test_the_daemon_goes_on_with_the_key_that_the_treasury_sets_and_the_books_are_true(tmp_path: Path):
    chain_state, state = tmp_path / "chain", tmp_path / "engine"
    chain_state.mkdir()
    state.mkdir()
    secret = tmp_path / "secret"
    secret.write_text(SECRET + "\n")
    chain = start_devnet(chain_state, "--chain", "1", "--block-time-ms", "120", "--with-parent")
    try:
        manifest = manifest_in(chain_state, chain)
        write_settings(state, manifest | {"start_block": 0})
        with Rpc(manifest["rpc"]) as rpc:
            made = initialised(rpc, state, manifest, secret)
            with started("up", "--state", state, "--json", environment=ENV) as up:
                wait_for_engine(state, up)
                replaced(rpc, state, manifest, secret, made)
                up.send_signal(signal.SIGINT)
                out, err = up.communicate(timeout=END_S)
            assert up.returncode == 0, err
            summary = json.loads(out.splitlines()[-1])
            assert summary["realised"] == summary["onchain_delta"]
            verdict = result("verify", "--state", state)
            assert (verdict["ok"], verdict["checked"]["operators"]) == (True, 1)
    finally:
        chain.communicate(timeout=END_S)


def initialised(rpc: Rpc, state: Path, manifest: dict[str, Any], secret: Path) -> dict[str, Any]:
    """Set the folder up; a wrong secret begins no journal beside the one that is there."""
    init = ("init", "--state", state, "--json", "--secret-file")
    first = json.loads(ketch(*init, secret, **ENV).stdout.splitlines()[-1])
    send(rpc, manifest["faucet_key"], 1, first["operator"], value=5 * 10**18)
    send(rpc, manifest["faucet_key"], 1, TREASURY.address, value=10**18)
    guess = secret.with_name("guess")
    guess.write_text("another\n")
    assert "does not open the operator's secret" in refused(ketch(*init[:-2], "--secret-file", guess, **ENV))
    assert not (state / "journal.sqlite").exists()
    made = json.loads(ketch(*init, secret, **ENV).stdout.splitlines()[-1])
    for listing in made["treasury_calls"]:
        send(rpc, TREASURY.key.hex(), 1, listing["to"], listing["data"])
    return made


def replaced(rpc: Rpc, state: Path, manifest: dict[str, Any], secret: Path, made: dict[str, Any]) -> None:
    """Trade, replace the key as a person would, and trade again without touching the daemon."""
    assert ketch("resume", "--state", state, "--secret-file", secret).returncode == 0
    assert eventually(lambda: asked(state)["totals"]["filled"] >= 2, READY_S)
    wrong = {"KETCH_KEY_PASSPHRASE": "a guess"}
    assert "passphrase is wrong" in refused(ketch("rotate-key", "--state", state, **wrong))
    asked_for = json.loads(ketch("rotate-key", "--state", state, "--json", **ENV).stdout.splitlines()[-1])
    assert asked_for["operator"] == made["operator"]
    again = json.loads(ketch("rotate-key", "--state", state, "--json", **ENV).stdout.splitlines()[-1])
    assert again == asked_for
    following, transaction = asked_for["next_operator"], asked_for["transaction"]
    assert transaction["from"] == TREASURY.address.lower()
    keystore = state / f"hot-key-{following}.json"
    assert keystore.stat().st_mode & 0o077 == 0
    assert KEY_PASSPHRASE not in keystore.read_text()
    send(rpc, manifest["faucet_key"], 1, following, value=10**18)
    send(rpc, TREASURY.key.hex(), 1, transaction["to"], transaction["data"])
    assert eventually(lambda: operator_of(state) == following, READY_S)
    before = asked(state)
    assert before["state"] == "ACTIVE"
    assert eventually(lambda: asked(state)["totals"]["filled"] > before["totals"]["filled"], READY_S)
    assert int(rpc.call("eth_getTransactionCount", following, "latest"), 16) >= 1
    told = result("top-up", "--state", state, "--target", str(2 * 10**18))
    assert (told["operator"], told["sent"]) == (following, False)
    assert 10**18 <= int(told["send_wei"]) == 2 * 10**18 - int(told["held_wei"]) < 2 * 10**18


def operator_of(state: Path) -> str | None:
    """Ask who signs; None for the moment in which the engine puts itself together anew."""
    try:
        return asked(state)["operator"]
    except ControlError:
        return None
