"""Who signs for an engine: itself, with the key in its memory, or the signer's process, over a socket."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from engine.config import Settings
from engine.domain.ports import Signs
from engine.domain.units import Address
from engine.execution.remote_signer import RemoteSigner
from engine.execution.signer_wire import SIGNER_SOCKET_NAME
from engine.execution.wallet import Signer
from engine.journal.journal import Journal
from engine.journal.operators import operator_now
from engine.key_sources import hot_key
from engine.risk.halt import signing_halted


def engine_signer(
    settings: Settings,
    *,
    journal: Journal,
    state: Path,
    passphrase: Callable[[], str],
    max_gas_wei: Callable[[], int],
) -> Signs:
    """Make the signer that `wallet.signer` names; with a process of its own the engine never sees the key.

    Raises `ConfigError` when the key cannot be read.
    """
    executor, term = Address(journal.genesis["executor"]), operator_now(journal)
    if settings.wallet.signer == "process":
        return RemoteSigner(
            state / SIGNER_SOCKET_NAME,
            address=term.address,
            chain=settings.chain_id,
            executor=executor,
        )
    return Signer(
        hot_key(settings, state=state, passphrase=passphrase, term=term),
        chain=settings.chain_id,
        executor=executor,
        max_gas_wei=max_gas_wei,
        halted=partial(signing_halted, journal, state),
    )
