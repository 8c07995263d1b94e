"""Canary keys through every command of a live profile: in no output, log, traceback, file or process argument."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import psutil
import pytest
from eth_account import Account
from mcp import Client

from engine.control import SOCKET_NAME
from engine.control_client import call
from engine.devnet.rpc import Rpc
from engine.execution.keys import unlock_hot_key
from tests.canaries import HOT_KEY, PASSPHRASE, SECRET, seen, seen_in_folder
from tests.devnet.processes import eventually, manifest_in, start_devnet
from tests.mcp.clients import stdio
from tests.scenario.ketch_processes import END_S, READY_S, argv, clean_env, ketch, wait_for_engine
from tests.scenario.test_live_profile import TREASURY, send, write_settings

pytestmark = pytest.mark.node


class Watched:
    """Everything that was said, and every argument of every process below this one while it watched."""

    def __init__(self) -> None:
        self.said = bytearray()
        self.arguments: set[str] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            for child in psutil.Process(os.getpid()).children(recursive=True):
                try:
                    self.arguments.update(child.cmdline())
                except psutil.Error:
                    continue

    @contextmanager
    def watching(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._over.set()
            self._thread.join()

    def run(self, *given: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
        ended = ketch(*given, **env)
        self.said += f"{ended.stdout}\n{ended.stderr}\n".encode()
        return ended


@contextmanager
def up(command: list[str], log: Path, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as file:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=clean_env(**env), start_new_session=True
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait(END_S)


def fund_and_list(state: Path, manifest: dict[str, Any], watched: Watched, secret: Path, **env: str) -> None:
    """Take a folder from its settings to an engine that may trade."""
    init = ("init", "--state", state, "--secret-file", secret, "--json")
    with Rpc(manifest["rpc"]) as rpc:
        first = json.loads(watched.run(*init, **env).stdout.splitlines()[-1])
        send(rpc, manifest["faucet_key"], 1, first["operator"], value=5 * 10**18)
        made = json.loads(watched.run(*init, **env).stdout.splitlines()[-1])
        for listing in made["treasury_calls"]:
            send(rpc, TREASURY.key.hex(), 1, listing["to"], listing["data"])


def as_an_agent(state: Path, watched: Watched) -> None:
    """Ask over MCP what an agent after a key would."""

    async def run() -> None:
        async with Client(stdio(state)) as client:
            for tool in (await client.list_tools()).tools:
                needed = (tool.input_schema or {}).get("required") or []
                answer = await client.call_tool(tool.name, dict.fromkeys(needed, "hot key"))
                watched.said += answer.model_dump_json().encode()
            for resource in (await client.list_resources()).resources:
                watched.said += (await client.read_resource(resource.uri)).model_dump_json().encode()

    anyio.run(run)


def test_canary_keys_appear_nowhere(tmp_path: Path) -> None:
    chain_state, secret, wrong = tmp_path / "chain", tmp_path / "given" / "secret", tmp_path / "given" / "wrong"
    secret.parent.mkdir()
    secret.write_text(SECRET + "\n")
    wrong.write_text("a guess\n")
    chain_state.mkdir()
    watched, states = Watched(), [tmp_path / "environment", tmp_path / "keystore"]
    chain = start_devnet(chain_state, "--chain", "1", "--with-parent")
    try:
        manifest = manifest_in(chain_state, chain)
        with Rpc(manifest["rpc"]) as rpc:
            send(rpc, manifest["faucet_key"], 1, TREASURY.address, value=10**18)
        for state in states:
            state.mkdir()
            write_settings(state, manifest)
        with watched.watching():
            trades_with_a_key_of_the_environment(states[0], manifest, watched, secret, wrong)
            made = opens_a_keystore_wrongly(states[1], watched, secret)
    finally:
        chain.communicate(timeout=END_S)
    canaries = [HOT_KEY, PASSPHRASE, SECRET, made]
    assert len(watched.arguments) > 20
    assert seen("\0".join(watched.arguments).encode(), canaries) == []
    assert seen(bytes(watched.said), canaries) == []
    for state in states:
        assert seen_in_folder(state, canaries) == []


def trades_with_a_key_of_the_environment(
    state: Path, manifest: dict[str, Any], watched: Watched, secret: Path, wrong: Path
) -> None:
    env = {"KETCH_WALLET__KEY": "environment", "KETCH_HOT_KEY": HOT_KEY, "KETCH_KEY_PASSPHRASE": PASSPHRASE}
    env |= {"KETCH_LOCKS": str(state / "locks")}
    at = ("--state", state)
    fund_and_list(state, manifest, watched, secret, **env)
    with up(argv("up", *at, "--events"), state / "log", **env) as engine:
        assert eventually(lambda: (state / SOCKET_NAME).exists() or engine.poll() is not None, READY_S)
        wait_for_engine(state, engine)  # type: ignore[arg-type]
        assert (
            "another engine uses the hot key" in watched.run("up", "--state", copied(state), "--json", **env).stderr
        ), "one engine a key, whatever the folder"
        assert watched.run("resume", *at, "--secret-file", wrong).returncode == 1
        assert watched.run("resume", *at, "--secret-file", secret).returncode == 0
        assert eventually(lambda: call(state / SOCKET_NAME, "status")["totals"]["filled"] > 0, READY_S)
        as_an_agent(state, watched)
        assert watched.run("approve", "approval-9", *at, "--secret-file", secret).returncode == 1
        for command in ("status", "trades", "wallet", "verify", "doctor"):
            assert watched.run(command, *at, "--json").stdout
        assert watched.run("sweep", "0x" + "00" * 20, *at).returncode == 1
        assert watched.run("resume", *at, "--secret-file", secret).returncode == 0  # an agent may have halted it
        engine.send_signal(signal.SIGINT)
        assert engine.wait(END_S) == 0
    crashing = [sys.executable, "-m", "tests.scenario.crashing_signer", "up", "--state", str(state), "--json"]
    with up(crashing, state / "log", **env) as engine:
        assert engine.wait(END_S) == 1
    assert "a fault within signing" in (state / "crash.log").read_text()
    assert watched.run("halt", *at).returncode == 0
    assert b"comes from the environment" in (state / "log").read_bytes()


def copied(state: Path) -> Path:
    """Copy a folder's settings and history, as somebody who moves house does."""
    other = state / "copy"
    other.mkdir()
    for name in ("ketch.toml", "journal.sqlite", "journal.sqlite-wal", "operator.json"):
        if (state / name).exists():
            (other / name).write_bytes((state / name).read_bytes())
    return other


def opens_a_keystore_wrongly(state: Path, watched: Watched, secret: Path) -> str:
    """Make a keystore, fail on it in several ways, and return its key."""
    env = {"KETCH_KEY_PASSPHRASE": PASSPHRASE}
    assert watched.run("init", "--state", state, "--secret-file", secret, "--json", **env).returncode == 0
    for command, given in (
        (("up",), env),
        (("signer",), env),
        (("up", "--rpc", "http://127.0.0.1:9"), env),
        (("resume", "--secret-file", secret), env),
        (("up",), {"KETCH_HOT_KEY": HOT_KEY, "KETCH_WALLET__KEY": HOT_KEY}),
        (("up",), {"KETCH_WALLET__KEY": "keyring", "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}),
        (("init", "--secret-file", secret), {"KETCH_HOT_KEY": HOT_KEY + "0", "KETCH_WALLET__KEY": "environment"}),
    ):
        assert watched.run(*command, "--state", state, **given).returncode in (0, 1)
    key = unlock_hot_key(state, PASSPHRASE)
    assert Account.from_key(key).address.lower()[2:] in (state / "hot-key.json").read_text().lower()
    return key
