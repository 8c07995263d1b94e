"""Keys at rest: an encrypted keystore for the hot key, and throw-away ones that only a local chain's seed makes."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_utils.crypto import keccak

from engine.domain.errors import ConfigError
from engine.domain.units import Address

HOT_KEY_FILE = "hot-key.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalKeys:
    """Private keys, 0x hex, that anyone can derive: worth nothing beyond the local chain they are made for."""

    hot: str
    treasury: str
    secret: str
    relay: str


def local_keys(seed: int) -> LocalKeys:
    """Derive a local chain's throw-away keys from its seed, the same in every run, so that journals compare."""
    hot, treasury, secret, relay = (
        "0x" + keccak(text=f"ketch devnet throw-away {role} {seed}").hex()
        for role in ("hot", "treasury", "secret", "relay")
    )
    return LocalKeys(hot=hot, treasury=treasury, secret=secret, relay=relay)


PAPER_KEYS = LocalKeys(
    **{role: "0x" + keccak(text=f"ketch paper {role}").hex() for role in ("hot", "treasury", "secret", "relay")}
)
"""What an engine on paper signs with: published here, so that nobody sends anything there."""


def local_hot_key(seed: int, number: int) -> str:
    """Derive a local chain's hot key: the first, or the one that replaced it `number` times."""
    return local_keys(seed).hot if number == 0 else "0x" + keccak(text=f"ketch devnet hot {number} {seed}").hex()


def create_hot_key(state: Path, passphrase: str, *, following: bool = False) -> Address:
    """Make a hot key, encrypt it under `passphrase` and write it (0600), `following` the first in a file of its own.

    Raises `ConfigError` if there is one.
    """
    account = Account.create()
    path = following_keystore(state, Address(account.address.lower())) if following else state / HOT_KEY_FILE
    keystore: dict[str, Any] = Account.encrypt(account.key, passphrase)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise ConfigError(f"there is a hot key at {path} already", next_step="move it away first") from error
    except OSError as error:
        raise ConfigError(f"cannot write {path} ({error.strerror})", next_step="choose another --state") from error
    with os.fdopen(descriptor, "w") as file:
        file.write(json.dumps(keystore))
        file.flush()
        os.fsync(file.fileno())
    return Address(account.address.lower())


def hot_address(state: Path) -> Address | None:
    """Read the hot key's address without its passphrase; None when there is no key."""
    path = state / HOT_KEY_FILE
    if not path.is_file():
        return None
    return Address("0x" + str(_read(path)["address"]).lower().removeprefix("0x"))


def following_keystore(state: Path, address: Address) -> Path:
    """Name the file of a hot key that is not the folder's first."""
    first = state / HOT_KEY_FILE
    return first.with_stem(f"{first.stem}-{address}")


def following_keys(state: Path) -> list[Address]:
    """List the hot keys that `ketch rotate-key` made in a state folder, the newest last."""
    prefix = f"{Path(HOT_KEY_FILE).stem}-"
    made = sorted(state.glob(f"{prefix}0x*.json"), key=lambda file: (file.stat().st_mtime_ns, file.name))
    return [Address(file.stem.removeprefix(prefix)) for file in made]


def unlock_hot_key(state: Path, passphrase: str, address: Address | None = None) -> str:
    """Decrypt the hot key of an address, the folder's first without one.

    Raises `ConfigError` for a missing file or a wrong passphrase.
    """
    later = None if address is None else following_keystore(state, address)
    path = later if later is not None and later.is_file() else state / HOT_KEY_FILE
    if not path.is_file():
        raise ConfigError(f"there is no hot key in {state}", next_step="run ketch init")
    try:
        return "0x" + bytes(Account.decrypt(_read(path), passphrase)).hex()
    except ValueError as error:
        raise ConfigError(
            "the hot key's passphrase is wrong", next_step="give it in KETCH_KEY_PASSPHRASE or at the prompt"
        ) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} is no keystore ({error})", next_step="restore it from your backup") from error
