"""The live profile from `ketch init` to a swept profit, on a local chain that the engine does not know to be local."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_utils.address import to_checksum_address

from engine.control import SOCKET_NAME
from engine.control_client import call
from engine.devnet.rpc import Rpc, hex_of
from engine.domain.units import Address
from tests.devnet.processes import eventually, manifest_in, start_devnet
from tests.scenario.ketch_processes import END_S, READY_S, ketch, refused, result, started, wait_for_engine

pytestmark = pytest.mark.node

KEY_PASSPHRASE = "opens the hot key"
SECRET = "known to the operator alone"
TREASURY = Account.from_key("0x" + "5e" * 32)


def send(rpc: Rpc, key: str, chain_id: int, to: str, data: str = "0x", value: int = 0) -> None:
    """Sign and send a transaction and wait until it is mined."""
    account = Account.from_key(key)
    signed = account.sign_transaction(
        {
            "chainId": chain_id,
            "nonce": int(rpc.call("eth_getTransactionCount", account.address, "pending"), 16),
            "to": to_checksum_address(to),
            "data": data,
            "value": value,
            "gas": 300_000,
            "maxFeePerGas": 10**12,
            "maxPriorityFeePerGas": 1,
        }
    )
    tx_hash = rpc.call("eth_sendRawTransaction", hex_of(bytes(signed.raw_transaction)))
    assert eventually(lambda: rpc.call("eth_getTransactionReceipt", tx_hash) is not None, READY_S)
    assert int(rpc.call("eth_getTransactionReceipt", tx_hash)["status"], 16) == 1


def write_settings(state: Path, manifest: dict[str, Any]) -> None:
    tables = "\n".join(
        f"[deployments.{name}]\n" + "\n".join(f'{role} = "{address}"' for role, address in roles.items())
        for name, roles in manifest["deployments"].items()
    )
    base = ", ".join(f'"{token["address"]}"' for token in manifest["tokens"][:4])
    (state / "ketch.toml").write_text(
        f"""
chain = "ethereum"
rpc = "{manifest["rpc"]}"
treasury = "{TREASURY.address}"
start_block = {manifest["start_block"]}
native_wrapped = "{manifest["native_wrapped"]}"
base_tokens = [{base}]
[risk]
max_gas_wei = "50000000000000000"
gas_budget_per_day_wei = "1000000000000000000"
max_loss_per_day_wei = "300000000000000000"
{tables}
"""
    )


def test_a_live_engine_starts_halted_trades_once_the_operator_signs_and_pays_the_treasury(tmp_path: Path):
    chain_state, state = tmp_path / "chain", tmp_path / "engine"
    chain_state.mkdir()
    state.mkdir()
    secret = tmp_path / "secret"
    secret.write_text(SECRET + "\n")
    chain = start_devnet(chain_state, "--chain", "1", "--with-parent")
    try:
        manifest = manifest_in(chain_state, chain)
        write_settings(state, manifest)
        live(chain_state, state, manifest, secret)
    finally:
        chain.communicate(timeout=END_S)


def live(chain_state: Path, state: Path, manifest: dict[str, Any], secret: Path) -> None:
    init = ("init", "--state", state, "--secret-file", secret)
    env = {"KETCH_KEY_PASSPHRASE": KEY_PASSPHRASE}
    assert "ketch init" in refused(ketch("up", "--state", state, **env))

    first = json.loads(ketch(*init, "--json", **env).stdout.splitlines()[-1])
    assert first["executor"] is None
    assert first["operator"] in first["next"]
    with Rpc(manifest["rpc"]) as rpc:
        send(rpc, manifest["faucet_key"], 1, first["operator"], value=5 * 10**18)
        send(rpc, manifest["faucet_key"], 1, TREASURY.address, value=10**18)
        made = json.loads(ketch(*init, "--json", **env).stdout.splitlines()[-1])
        assert made["operator"] == first["operator"]
        assert len(rpc.call("eth_getCode", made["executor"], "latest")) > 2
        for listing in made["treasury_calls"]:
            send(rpc, TREASURY.key.hex(), 1, listing["to"], listing["data"])
        trade_and_sweep(state, rpc, made, secret, env)


def trade_and_sweep(state: Path, rpc: Rpc, made: dict[str, Any], secret: Path, env: dict[str, str]) -> None:
    wrong = secret.with_name("wrong")
    wrong.write_text("a guess\n")
    with started("up", "--state", state, "--json", environment=env) as up:
        wait_for_engine(state, up)
        status = result("status", "--state", state)
        assert status["state"] == "HALTED"
        assert status["totals"]["submitted"] == 0
        agents_trade_by_two_settings_and_the_operators_signature(state, secret, wrong)
        assert "passphrase" in refused(ketch("resume", "--state", state, "--secret-file", wrong))
        assert ketch("resume", "--state", state, "--secret-file", secret).returncode == 0
        assert eventually(lambda: asked(state)["totals"]["filled"] >= 3, READY_S)
        assert ketch("halt", "--state", state, "--reason", "enough").returncode == 0
        assert eventually(lambda: asked(state)["totals"]["open"] == 0, READY_S)
        token = next(iter(asked(state)["totals"]["realised"]))
        held = balance(rpc, token, made["executor"])
        assert held > 0
        assert ketch("sweep", token, "--state", state).returncode == 0
        assert eventually(lambda: balance(rpc, token, TREASURY.address) == held, READY_S)
        assert eventually(lambda: asked(state)["totals"]["open"] == 0, READY_S)
        up.send_signal(signal.SIGINT)
        out, err = up.communicate(timeout=END_S)
    assert up.returncode == 0, err
    summary = json.loads(out.splitlines()[-1])
    assert summary["realised"] == summary["onchain_delta"]
    assert result("verify", "--state", state)["ok"] is True
    for path in (state / "hot-key.json", state / "operator.json"):
        assert path.stat().st_mode & 0o077 == 0
        assert KEY_PASSPHRASE not in path.read_text()


def agents_trade_by_two_settings_and_the_operators_signature(state: Path, secret: Path, wrong: Path) -> None:
    """Turn on one setting, the other, both; sign for each: only both, each signed for, make a caller a trader."""
    before = (state / "ketch.toml").read_text()
    apply = ("policy", "apply", "--state", state, "--secret-file")

    def role(switches: str) -> str:
        (state / "ketch.toml").write_text(f"{before}\n[agents]\n{switches}")
        assert ketch("policy", "reload", "--state", state).returncode == 0
        return call(state / SOCKET_NAME, "attach")["role"]

    one, other = "trading = true\n", "live_trading = true\n"
    assert role("") == "observer"
    for switches in (one, other):
        assert role(switches) == "observer"
        assert ketch(*apply, secret).returncode == 0
        assert role(switches) == "observer", f"{switches!r} alone, signed for"
        assert role("") == "observer"
    assert role(one + other) == "observer", "both, and nobody signed"
    assert "passphrase" in refused(ketch(*apply, wrong))
    assert role(one + other) == "observer"
    assert ketch(*apply, secret).returncode == 0
    assert role(one + other) == "trader"
    assert role(one) == "observer", "taking one away tightens at once"
    (state / "ketch.toml").write_text(before)


def asked(state: Path) -> dict[str, Any]:
    return call(state / SOCKET_NAME, "status")


def balance(rpc: Rpc, token: str, holder: str) -> int:
    data = bytes.fromhex("70a08231") + bytes(12) + bytes.fromhex(holder[2:])
    return int.from_bytes(rpc.eth_call(Address(token), data), "big")
