"""Where the hot key comes from, and that nothing of it is said when it cannot be used; one engine a key and chain."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keyring
import pytest
from eth_account import Account
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring

from engine.config import Settings, Wallet
from engine.domain.errors import ConfigError
from engine.domain.units import Address, ChainId
from engine.execution.key_lock import LOCKS_VARIABLE, hold_key
from engine.execution.keys import create_hot_key, unlock_hot_key
from engine.key_sources import hot_address_or_new, hot_key, key_held, take_variable

KEY = "0x" + "5a" * 32
ADDRESS = Address(Account.from_key(KEY).address.lower())


class InMemory(KeyringBackend):
    """A keyring that lasts as long as the test."""

    priority = 1.0  # pyright: ignore

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password


class Locked(InMemory):
    def get_password(self, service: str, username: str) -> str | None:
        raise RuntimeError(f"locked, and here is what was in it: {KEY}")


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> InMemory:
    backend = InMemory()
    monkeypatch.setattr(keyring.core, "_keyring_backend", backend)
    return backend


def settings(source: str, **more: Any) -> Settings:
    return Settings(rpc="http://127.0.0.1:9", wallet=Wallet(key=source), **more)  # type: ignore[arg-type]


def read(source: str, state: Path) -> str:
    return hot_key(settings(source), state=state, passphrase=lambda: "opens")


def test_the_keystore_is_the_default_and_opens_with_its_passphrase(tmp_path: Path) -> None:
    create_hot_key(tmp_path, "opens")
    default = Settings(rpc="http://127.0.0.1:9").wallet.key
    assert read(default, tmp_path) == unlock_hot_key(tmp_path, "opens")


def test_the_keyring_keeps_a_key_made_at_init(tmp_path: Path, ring: InMemory) -> None:
    with pytest.raises(ConfigError, match="no hot key in the keyring"):
        read("keyring", tmp_path)
    made = hot_address_or_new(settings("keyring"), state=tmp_path, passphrase=str)
    assert hot_address_or_new(settings("keyring"), state=tmp_path, passphrase=str) == made
    assert Account.from_key(read("keyring", tmp_path)).address.lower() == made
    assert list(ring.held) == [("ketch", f"hot key of {tmp_path}")]
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("backend", [NoKeyring, Locked], ids=["no desktop", "locked"])
def test_a_keyring_that_cannot_be_used_is_one_line_without_what_it_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: type[KeyringBackend]
) -> None:
    monkeypatch.setattr(keyring.core, "_keyring_backend", backend())
    with pytest.raises(ConfigError, match="keyring cannot be used here") as refused:
        read("keyring", tmp_path)
    assert KEY[2:] not in str(refused.value)
    assert "\n" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_without_the_library_it_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(ConfigError, match=r"pip install 'ketch\[keyring\]'"):
        read("keyring", tmp_path)


def test_the_environments_key_is_taken_out_of_it_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("engine.key_sources._taken", {})
    with pytest.raises(ConfigError, match="no hot key in KETCH_HOT_KEY"):
        read("environment", tmp_path)
    monkeypatch.setenv("KETCH_HOT_KEY", KEY[2:].upper())
    with caplog.at_level(logging.WARNING):
        assert read("environment", tmp_path) == KEY
    assert "comes from the environment" in caplog.text
    assert KEY[2:] not in caplog.text.lower()
    assert "KETCH_HOT_KEY" not in os.environ
    child = subprocess.run([sys.executable, "-c", "import os; print(os.environ)"], capture_output=True, check=True)
    assert KEY[2:].upper().encode() not in child.stdout
    assert read("environment", tmp_path) == KEY, "an engine that lost its chain reads it again"
    assert take_variable("KETCH_NOT_SET") is None


@pytest.mark.parametrize(
    "given", ["", "0x", KEY[:-1], KEY + "0", "0x" + "g" * 64, "0x" + "00" * 32, "0x" + "ff" * 32, "word " * 12]
)
def test_what_is_no_key_is_refused_without_repeating_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setattr("engine.key_sources._taken", {})
    monkeypatch.setenv("KETCH_HOT_KEY", given)
    with pytest.raises(ConfigError) as refused:
        read("environment", tmp_path)
    assert len(given) < 3 or given not in repr(refused.value)


def test_a_second_engine_on_one_key_is_refused_and_told_who_holds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LOCKS_VARIABLE, str(tmp_path / "locks"))
    with hold_key(ChainId(1), ADDRESS, state=tmp_path / "first"):
        with pytest.raises(ConfigError) as refused, hold_key(ChainId(1), ADDRESS, state=tmp_path / "second"):
            pass
        assert f"pid {os.getpid()} on {tmp_path / 'first'}" in refused.value.line()
        with (
            hold_key(ChainId(10), ADDRESS, state=tmp_path),
            hold_key(ChainId(1), ADDRESS, state=tmp_path, role="signer"),
        ):
            pass
    with hold_key(ChainId(1), ADDRESS, state=tmp_path / "second"):
        pass


def test_the_lock_of_a_killed_engine_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LOCKS_VARIABLE, str(tmp_path))
    code = (
        "import sys; from pathlib import Path; from engine.execution.key_lock import hold_key\n"
        f"with hold_key(1, {ADDRESS!r}, state=Path('x')): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(ConfigError, match=f"pid {holder.pid}"), hold_key(ChainId(1), ADDRESS, state=tmp_path):
            pass
        holder.kill()
    with hold_key(ChainId(1), ADDRESS, state=tmp_path):
        pass


def test_local_chains_of_one_seed_do_not_stop_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LOCKS_VARIABLE, str(tmp_path))
    local = settings("keystore", profile="devnet")
    with key_held(local, ADDRESS, state=tmp_path), key_held(local, ADDRESS, state=tmp_path):
        assert [*tmp_path.iterdir()] == []
    live = settings("keystore")
    with key_held(live, ADDRESS, state=tmp_path), pytest.raises(ConfigError), key_held(live, ADDRESS, state=tmp_path):
        pass
