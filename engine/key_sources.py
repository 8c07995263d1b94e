"""Where the hot key comes from: a keystore, the system's keyring, an environment variable, or a local chain's seed."""

import importlib
import json
import logging
import os
import re
from collections.abc import Callable, MutableMapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from eth_account import Account

from engine.config import MANIFEST_NAME, Settings
from engine.domain.errors import ConfigError
from engine.domain.units import Address
from engine.execution.key_lock import hold_key
from engine.execution.keys import PAPER_KEYS, create_hot_key, hot_address, local_hot_key, unlock_hot_key
from engine.journal.journal import JOURNAL_FILE, Journal
from engine.journal.operators import OperatorTerm, operator_now

KEY_VARIABLE = "KETCH_HOT_KEY"
KEYRING_SERVICE = "ketch"
SECP256K1_N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141  # SEC 2, 2.4.1

_log = logging.getLogger(__name__)
_taken: dict[str, str] = {}


def take_variable(name: str, environ: MutableMapping[str, str] | None = None) -> str | None:
    """Take a secret out of the environment, so that no child inherits it; asked again, it is remembered."""
    here = os.environ if environ is None else environ
    if given := here.pop(name, None):
        _taken[name] = given
    return _taken.get(name)


def hot_key(settings: Settings, *, state: Path, passphrase: Callable[[], str], term: OperatorTerm | None = None) -> str:
    """Read the hot key of a term, else the folder's first, 0x hex, from where `wallet.key` says.

    Raises `ConfigError`, which never holds any of it.
    """
    if settings.profile == "devnet":
        return local_hot_key(local_seed(state), term.number if term else 0)
    if settings.profile == "paper":
        return PAPER_KEYS.hot
    named = term.address if term and term.number else None
    match settings.wallet.key:
        case "keystore":
            return unlock_hot_key(state, passphrase(), named)
        case "keyring":
            return _checked(from_keyring(state, named), "the keyring")
        case "environment":
            _log.warning(
                "the hot key comes from the environment: this user's processes can read it in /proc; prefer a keystore"
            )
            return _checked(take_variable(KEY_VARIABLE), KEY_VARIABLE)


def local_seed(state: Path) -> int:
    """Read the seed of the local chain that runs in a state folder."""
    return int(json.loads((state / MANIFEST_NAME).read_bytes())["seed"])


def key_held(
    settings: Settings, address: Address, *, state: Path, role: str = "engine"
) -> AbstractContextManager[None]:
    """Own the hot key while inside; a local chain's and that of paper are anybody's, and one must not stop another.

    Raises `ConfigError` that names who holds it.
    """
    if settings.profile != "live":
        return nullcontext()
    return hold_key(settings.chain_id, address, state=state, role=role)


def journals_key_held(settings: Settings, state: Path) -> AbstractContextManager[None]:
    """Own the hot key that a state folder's journal names; before `ketch init` there is none."""
    if settings.profile != "live" or not (state / JOURNAL_FILE).exists():
        return nullcontext()
    with Journal.open(state / JOURNAL_FILE) as journal:  # for writing: that brings an older one up to date
        return key_held(settings, operator_now(journal).address, state=state)


def hot_address_or_new(settings: Settings, *, state: Path, passphrase: Callable[[], str]) -> Address:
    """Name the hot key's address at `ketch init`, and make the key first where it is ours to make.

    Raises `ConfigError` when the keyring cannot be used, or the variable is not set.
    """
    if settings.wallet.key == "keystore":
        return hot_address(state) or create_hot_key(state, passphrase())
    if settings.wallet.key == "keyring" and from_keyring(state) is None:
        into_keyring(state, "0x" + bytes(Account.create().key).hex())
    account = Account.from_key(hot_key(settings, state=state, passphrase=passphrase))
    return Address(account.address.lower())


def from_keyring(state: Path, address: Address | None = None) -> str | None:
    """Ask the system's keyring for a hot key; None when it has none of that name."""
    return _keyring_call("get_password", KEYRING_SERVICE, _keyring_name(state, address))


def into_keyring(state: Path, key: str, address: Address | None = None) -> None:
    """Put a hot key into the system's keyring."""
    _keyring_call("set_password", KEYRING_SERVICE, _keyring_name(state, address), key)


def _keyring_name(state: Path, address: Address | None) -> str:
    return f"hot key {address} of {state.resolve()}" if address else f"hot key of {state.resolve()}"


def _keyring_call(function: str, *given: str) -> Any:
    """Call the keyring library, which is optional; it has errors of its own and those of whatever is behind it."""
    try:
        keyring = importlib.import_module("keyring")
    except ImportError as error:
        raise ConfigError("the keyring library is not installed", next_step="pip install 'ketch[keyring]'") from error
    try:
        return getattr(keyring, function)(*given)
    except Exception as error:  # noqa: BLE001 - whatever its back ends raise; none of it is repeated
        raise ConfigError(
            "the system's keyring cannot be used here",
            measured=type(error).__name__,
            next_step='unlock it, or set wallet.key = "keystore"',
        ) from None


def _checked(given: str | None, place: str) -> str:
    """Give a private key its one form; raises `ConfigError` that says nothing of what was given."""
    if given is None:
        raise ConfigError(f"there is no hot key in {place}", next_step="put it there, 0x and 64 hex digits")
    digits = given.strip().removeprefix("0x")
    if not re.fullmatch(r"[0-9a-fA-F]{64}", digits):
        raise ConfigError(f"what is in {place} is no private key", next_step="it is 0x and 64 hex digits")
    if not 0 < int(digits, 16) < SECP256K1_N:
        raise ConfigError(f"what is in {place} is no private key of this curve", next_step="make another")
    return "0x" + digits.lower()
