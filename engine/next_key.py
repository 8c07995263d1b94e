"""The hot key that follows the one in use: made here, named by the treasury, taken over by the running engine."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from eth_account import Account

from engine.chains.abi import hex_data
from engine.chains.executor_calls import encode_set_operator
from engine.config import Settings
from engine.domain.errors import ConfigError
from engine.domain.units import Address
from engine.execution.keys import (
    create_hot_key,
    following_keys,
    following_keystore,
    local_hot_key,
    unlock_hot_key,
)
from engine.journal.journal import JOURNAL_FILE, Journal
from engine.journal.operators import OperatorTerm, operator_terms
from engine.journal.papered import is_paper
from engine.key_sources import from_keyring, into_keyring, local_seed


def next_key(settings: Settings, *, state: Path, passphrase: Callable[[], str]) -> dict[str, Any]:
    """Make the hot key that is to follow, or find the one that waits already, and say what the treasury must send.

    A keystore gets the passphrase of the key in use, so that a running engine can open it. Raises `ConfigError` for a
    wrong passphrase, and for a source that the engine makes no keys in.
    """
    with Journal.read(state / JOURNAL_FILE) as journal:
        if is_paper(journal):
            raise ConfigError("an engine on paper has no key to replace", next_step="it signs with a published one")
        genesis, terms = journal.genesis, operator_terms(journal)
    following = _waiting(settings, state, terms) or _made(settings, state, terms, passphrase)
    return {
        "operator": terms[-1].address,
        "next_operator": following,
        "transaction": {
            "chain_id": int(genesis["chain_id"]),
            "from": genesis["treasury"],
            "to": genesis["executor"],
            "value": "0",
            "data": hex_data(encode_set_operator(following)),
        },
        "next": f"send native coin for gas to {following}, then this transaction from the treasury; the running engine "
        "ends what is open and goes on with the new key",
    }


def holds_next(settings: Settings, *, state: Path, terms: tuple[OperatorTerm, ...], address: Address) -> bool:
    """Say whether an address is that of a key which we made to follow, and which was never the operator before."""
    if any(term.address == address for term in terms):
        return False
    if settings.profile == "devnet":
        return address == _local(state, terms)
    match settings.wallet.key:
        case "keystore":
            return following_keystore(state, address).is_file()
        case "keyring":
            return from_keyring(state, address) is not None
        case "environment":
            return False


def _local(state: Path, terms: tuple[OperatorTerm, ...]) -> Address:
    return _address(local_hot_key(local_seed(state), len(terms)))


def _waiting(settings: Settings, state: Path, terms: tuple[OperatorTerm, ...]) -> Address | None:
    """Find a keystore made earlier that was not used yet."""
    if settings.profile == "devnet":
        return _local(state, terms)
    used = {term.address for term in terms}
    made = [] if settings.wallet.key != "keystore" else [one for one in following_keys(state) if one not in used]
    return made[-1] if made else None


def _made(settings: Settings, state: Path, terms: tuple[OperatorTerm, ...], passphrase: Callable[[], str]) -> Address:
    match settings.wallet.key:
        case "keystore":
            given = passphrase()
            unlock_hot_key(state, given, terms[-1].address)
            return create_hot_key(state, given, following=True)
        case "keyring":
            key = "0x" + bytes(Account.create().key).hex()
            into_keyring(state, key, _address(key))
            return _address(key)
        case "environment":
            raise ConfigError(
                "the hot key comes from the environment: the engine makes none there",
                next_step='begin with wallet.key = "keystore", or in a new state folder with an executor of its own',
            )


def _address(key: str) -> Address:
    return Address(Account.from_key(key).address.lower())
